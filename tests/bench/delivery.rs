//! What exactly once costs: the sampler's CPU time with transactions over the same without, and how long a commit takes.

use std::time::Duration;

use anyhow::{Result, bail};
use load::Mix;
use runtime::Snapshot;
use serde_json::{Value, json};

use crate::corpus::SPANS_A_SECOND;
use crate::execute::{create_topics, folder};
use crate::kafka;
use crate::latency::{feed, flow};
use crate::measure::{Bench, Cut};
use crate::peers::{Job, Peer, Running, Work, policies};
use crate::table::{Report, Table};

const DELIVERIES: [&str; 2] = ["exactly_once", "at_least_once"];
/// For the last deadlines.
const GRACE: Duration = Duration::from_secs(3);
const DECISION_WAIT_S: u64 = 2;

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut table = Table::new(
        "The price of exactly once",
        &format!(
            "CPU time: Kafka → sampling, 3 policies → Kafka as in (c), runs alternating A-B-B-A. *Commits*: at {SPANS_A_SECOND:.0} spans/s for {} s, an epoch \
             from its first request to the brokers to their last answer, by the sampler's own histogram; *then*: its CPU time at that load, when each epoch is small.",
            bench.options.latency_seconds
        ),
        &[
            "delivery",
            "CPU-s/M spans, each run",
            "mean",
            "commits",
            "p50 at most ms",
            "p99 at most ms",
            "CPU-s/M spans then",
        ],
    );
    let mut cpu: [Vec<f64>; 2] = Default::default();
    for round in 0..bench.options.runs {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            let job = job(bench, which);
            let figures = bench.run(Peer::Tailwater, &job, load::Protocol::Grpc, Cut::Packed)?;
            let seconds = figures.cpu_seconds_per_million;
            eprintln!("{}: {seconds:.3} CPU-s a million spans", DELIVERIES[which]);
            cpu[which].push(seconds);
        }
    }
    for (which, seconds) in cpu.iter().enumerate() {
        let (commits, steady) = steady(bench, &job(bench, which))?;
        let each: Vec<_> = seconds.iter().map(|run| format!("{run:.2}")).collect();
        table.row(vec![
            json!(DELIVERIES[which]),
            json!(each.join(" ")),
            json!(rounded(mean(seconds))),
            json!(quantile(&commits, 1.0).map(|(count, _)| count)),
            at_most_ms(&commits, 0.5),
            at_most_ms(&commits, 0.99),
            json!(rounded(steady)),
        ]);
    }
    let ratio = mean(&cpu[0]) / mean(&cpu[1]);
    table.row(vec![
        json!("exactly once over at least once"),
        json!(null),
        json!(rounded(ratio)),
        json!(null),
        json!(null),
        json!(null),
        json!(null),
    ]);
    report.add_table(table);
    Ok(())
}

fn job(bench: &Bench, which: usize) -> Job {
    Job {
        delivery: DELIVERIES[which],
        ..bench.job(Work::Sample, policies::three())
    }
}

/// Metrics of a sampler that had a steady load for a while, and its CPU-seconds a million spans.
fn steady(bench: &Bench, job: &Job) -> Result<(Snapshot, f64)> {
    let job = Job {
        decision_wait_s: DECISION_WAIT_S,
        ..job.clone()
    };
    let mix = Mix {
        spans_per_request: 50,
        spans_per_second: SPANS_A_SECOND,
        ..Mix::default()
    };
    let requests = flow(bench, mix);
    let folder = folder()?;
    create_topics(&job)?;
    let running = Running::start(Peer::Tailwater, &job, folder.path());
    feed(&job, &requests)?;
    std::thread::sleep(Duration::from_secs(DECISION_WAIT_S) + GRACE);
    let Running::Tailwater(tailwater) = &running else {
        bail!("another system was started");
    };
    let metrics = tailwater.metrics();
    let usage = running.usage()?;
    drop(running);
    kafka::remove(&job.brokers, &job.prefix)?;
    let spans: usize = requests.iter().map(|request| request.items).sum();
    Ok((metrics, usage.cpu_seconds * 1e6 / spans as f64))
}

/// Commits within the least bound of the histogram that holds this part of them, and that bound in seconds.
fn quantile(metrics: &Snapshot, part: f64) -> Option<(u64, f64)> {
    let name = format!("{}_bucket", sampler::names::COMMIT_SECONDS);
    let mut bounds: Vec<(f64, f64)> = metrics
        .series(&name)
        .filter_map(|(labels, count)| Some((labels.get("le")?.parse().ok()?, count)))
        .collect();
    bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all = bounds.last()?.1;
    let found = bounds.into_iter().find(|(_, count)| *count >= all * part)?;
    Some((found.1 as u64, found.0))
}

fn at_most_ms(metrics: &Snapshot, part: f64) -> Value {
    json!(quantile(metrics, part).map(|(_, seconds)| seconds * 1000.0))
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len().max(1) as f64
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
