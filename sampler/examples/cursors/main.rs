//! What a span costs the two cursors, and what an undecided trace costs in memory: the core alone, one thread, no bus.
//!
//! `cargo run --release -p tailwater-sampler --example cursors [A CONFIGURATION'S NAME]`

mod log;
mod policies;

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use runtime::config::Problems;
use sampler::RawConfig;
use sampler::options::{BusProperties, Options};
use sampler::partition::Partition;
use sampler::policy::Policies;
use sampler::position::Start;
use sampler::record::RawRecord;
use serde_json::{Value as Json, json};

const PARTITIONS: usize = 16;
const SPANS: usize = 1_000_000;
const TRACES: usize = 45_000;
const SPAN_BYTES: usize = 400;
const OPEN_AT_ONCE: usize = 400;
const START_MS: u64 = 1_700_000_000_000;

fn main() {
    let mut rng = Rng::with_seed(7);
    let logs: Vec<_> = (0..PARTITIONS).map(|_| log::log(&mut rng)).collect();
    let spans: usize = SPANS / PARTITIONS * PARTITIONS;
    let bytes: usize = logs.iter().flatten().map(|record| record.value.len()).sum();
    let records: usize = logs.iter().map(Vec::len).sum();
    println!(
        "{spans} spans of {SPAN_BYTES} B in {records} records of {} kB, {TRACES} traces, {PARTITIONS} partitions, {OPEN_AT_ONCE} traces \
         mixed at a time in each",
        bytes / records / 1000
    );
    // Only one, by name: for a profiler.
    let wanted = std::env::args().nth(1);
    for (name, policies) in policies::configurations() {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            measure(name, &logs, spans, policies);
        }
    }
}

fn measure(name: &str, logs: &[Vec<RawRecord>], spans: usize, policies: Vec<Json>) {
    let (policies, options) = configuration(policies);
    let start = Start {
        clock_emit_ms: START_MS,
        ..Start::default()
    };
    let resident = resident_bytes();
    let mut partitions: Vec<_> = (0..PARTITIONS as u32)
        .map(|number| Partition::new(number, policies.clone(), options.clone(), start, 1 << 30))
        .collect();
    let begun = cpu();
    for (partition, log) in partitions.iter_mut().zip(logs) {
        for record in log {
            partition.observe(record.clone());
        }
    }
    let observe = cpu() - begun;
    let open: usize = partitions.iter().map(Partition::open_traces).sum();
    let window: usize = partitions.iter().map(Partition::window_bytes).sum();
    let grown = resident_bytes().saturating_sub(resident);
    let begun = cpu();
    for partition in &mut partitions {
        partition.tick(START_MS + 3_600_000);
    }
    let decide = cpu() - begun;
    let begun = cpu();
    let mut kept = 0;
    let mut output = 0;
    for partition in &mut partitions {
        loop {
            partition.emit(1 << 20);
            let taken = partition.take();
            if !taken.moved {
                break;
            }
            kept += taken.counts.copier.kept_spans;
            output += taken
                .sampled
                .iter()
                .map(|(_, value)| value.len())
                .sum::<usize>();
        }
    }
    let emit = cpu() - begun;
    let per_span = |time: Duration| time.as_nanos() as f64 / spans as f64;
    println!(
        "{name}: observe {:.0} ns, decide {:.0} ns, emit {:.0} ns of CPU a span; {:.1} % kept, {:.1} MB written",
        per_span(observe),
        per_span(decide),
        per_span(emit),
        kept as f64 * 100.0 / spans as f64,
        output as f64 / 1e6,
    );
    println!(
        "{open} open traces: {:.1} MB by account ({} B a trace), {:.1} MB more resident",
        window as f64 / 1e6,
        window / open,
        grown as f64 / 1e6
    );
}

fn configuration(policies: Vec<Json>) -> (Arc<Policies>, Options) {
    let named = policies
        .into_iter()
        .enumerate()
        .map(|(number, mut policy)| {
            policy["name"] = json!(format!("policy {number}"));
            policy
        });
    let raw = RawConfig {
        policies: serde_json::from_value(named.collect()).expect("these are policies"),
        ..RawConfig::default()
    };
    let mut problems = Problems::new();
    let config = raw.validate("sampler", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let options = Options {
        bus: BusProperties {
            partitions: PARTITIONS as u32,
            ..BusProperties::default()
        },
        ..config.options
    };
    (config.policies, options)
}

/// What this thread has used of the CPU, which other processes don't lengthen much. Linux only; 0 elsewhere.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// Linux only; 0 elsewhere.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}
