//! Under which conditions figures were measured: without them they mean nothing.

use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::measure::Bench;
use crate::peers::Peer;

/// Name and value, in the order in which they are printed.
#[derive(Clone, Debug, Serialize)]
pub struct Condition(pub &'static str, pub String);

pub fn of(bench: &Bench) -> Vec<Condition> {
    let (options, corpus) = (&bench.options, &bench.corpus);
    let spans = corpus.spans.len();
    let mut conditions = vec![
        Condition("date", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        Condition("machine", machine()),
        Condition(
            "Tailwater",
            output("git", &["describe", "--always", "--dirty"]),
        ),
    ];
    if bench.peers.contains(&Peer::Collector) {
        let go = output("go", &["env", "GOVERSION"]);
        conditions.push(Condition(
            "Collector",
            format!("{}, built by {go}", tests::collector::VERSION),
        ));
    }
    conditions.extend([
        Condition("broker", format!("Kafka {}, one node on the same machine, replication 1; KRaft, C1 compiler, serial collector, 512 MB", tests::kafka::VERSION)),
        Condition("corpus", corpus.source.clone()),
        Condition("spans", format!("{spans} in {} traces", corpus.traces)),
        Condition("bytes a span", format!("{:.0}", corpus.bytes as f64 / spans as f64)),
        Condition("spans a request", format!("{:.0}", spans as f64 / corpus.requests.len() as f64)),
        Condition("sender", format!("{} connections, one request in flight on each, no compression", options.connections)),
        Condition("partitions", options.partitions.to_string()),
        Condition("Kafka codec", format!("{}, acks=all", options.codec)),
        Condition("laid records", format!("{:.0} spans, stamped as if {:.0} spans had come a second", bench.spans_per_laid_record(), crate::corpus::SPANS_A_SECOND)),
        Condition("OTLP out", format!("compression {}", options.otlp_compression)),
        Condition("decision_wait", format!("{} s", options.decision_wait)),
        Condition("record cache", format!("{} (Tailwater's), {} where memory is measured", options.record_cache, options.held_record_cache)),
        Condition("runs", match options.runs {
            2 => "A-B-B-A; figures are means, memory is the larger".to_owned(),
            runs => format!("{runs} of each, alternating"),
        }),
        Condition("other load", format!("load average {} before", fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default())),
    ]);
    conditions
}

fn machine() -> String {
    let line = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default();
        line.split_once(':')
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kilobytes: u64 = line("/proc/meminfo", "MemTotal")
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores of {}, {} GB, Linux {}",
        line("/proc/cpuinfo", "model name"),
        kilobytes >> 20,
        kernel.trim()
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output();
    match output {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => "unknown".to_owned(),
    }
}
