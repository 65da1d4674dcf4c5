//! How Tailwater's sampler grows: one thing is made larger at a time, from Kafka to Kafka; what counts is that a span costs the same.

use anyhow::Result;
use load::Mix;
use serde_json::{Value, json};

use crate::corpus::{SPANS_A_SECOND, traffic};
use crate::execute::{Input, execute};
use crate::kafka;
use crate::measure::Bench;
use crate::packed::{Packing, Record};
use crate::peers::{Job, Peer, Work, policies};
use crate::table::{Report, Table};

/// One run.
struct Step {
    what: &'static str,
    value: String,
    flow: Flow,
    partitions: u32,
    decision_wait_s: u64,
    policies: Value,
    workers: usize,
}

/// What comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Flow {
    spans: u64,
    /// Of a trace; 0: mixed sizes.
    trace_spans: u32,
    spans_a_second: f64,
}

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    if !bench.peers.contains(&Peer::Tailwater) {
        return Ok(());
    }
    let mut table = Table::new(
        "Growth of the sampler",
        "Kafka → sampling → Kafka, all else as above. Flat is what it should be.",
        &[
            "grows",
            "to",
            "CPU-s/M spans",
            "peak MB",
            "spans",
            "spans a record",
        ],
    );
    let mut laid: Option<(Flow, u32, Vec<Record>)> = None;
    let mut steps = steps(bench);
    let wanted = &bench.options.grows;
    steps.retain(|step| wanted.is_empty() || wanted.iter().any(|what| what == step.what));
    for step in steps {
        eprintln!("growth: {} {} …", step.what, step.value);
        let records = match laid.take() {
            Some((flow, partitions, records))
                if (flow, partitions) == (step.flow, step.partitions) =>
            {
                records
            }
            _ => records(bench, step.flow, step.partitions),
        };
        let job = Job {
            partitions: step.partitions,
            decision_wait_s: step.decision_wait_s,
            workers: step.workers,
            ..bench.job(Work::Sample, step.policies)
        };
        let execution = execute(&bench.broker, Peer::Tailwater, &job, Input::Laid(&records))?;
        kafka::remove(&job.brokers, &job.prefix)?;
        let spans = step.flow.spans as f64;
        table.row(vec![
            json!(step.what),
            json!(step.value),
            json!((execution.seen.cpu_seconds * 1e8 / spans).round() / 100.0),
            json!(execution.usage.resident_peak_bytes >> 20),
            json!(step.flow.spans),
            json!((spans / records.len() as f64).round()),
        ]);
        laid = Some((step.flow, step.partitions, records));
    }
    report.add_table(table);
    Ok(())
}

fn steps(bench: &Bench) -> Vec<Step> {
    let options = &bench.options;
    let flow = |trace_spans| Flow {
        spans: options.spans,
        trace_spans,
        spans_a_second: SPANS_A_SECOND,
    };
    let step = |what, value: String| Step {
        what,
        value,
        flow: flow(0),
        partitions: options.partitions,
        decision_wait_s: options.decision_wait,
        policies: policies::three(),
        workers: 0,
    };
    let mut steps = Vec::new();
    // Traces of two spans, 5000 a second: what is open is what came within decision_wait.
    let many = Flow {
        spans: options.spans * 11 / 5,
        trace_spans: 2,
        spans_a_second: 10_000.0,
    };
    for decision_wait_s in [2, 20, 200] {
        let open = (decision_wait_s * 5000).min(many.spans / 2);
        steps.push(Step {
            flow: many,
            decision_wait_s,
            ..step("open traces", open.to_string())
        });
    }
    for partitions in [16, 64, 256] {
        steps.push(Step {
            partitions,
            ..step("partitions", partitions.to_string())
        });
    }
    for trace_spans in [5, 50, 500] {
        steps.push(Step {
            flow: flow(trace_spans),
            ..step("spans a trace", trace_spans.to_string())
        });
    }
    for count in [1, 5, 20, 50] {
        steps.push(Step {
            policies: policies::many(count),
            ..step("policies", count.to_string())
        });
    }
    for workers in [1, 2] {
        steps.push(Step {
            workers,
            ..step("workers", workers.to_string())
        });
    }
    steps
}

fn records(bench: &Bench, flow: Flow, partitions: u32) -> Vec<Record> {
    let mut mix = Mix {
        duplicate: 0.0,
        spans_per_second: flow.spans_a_second,
        ..Mix::default()
    };
    if flow.trace_spans > 0 {
        (mix.median_spans, mix.sigma, mix.late) = (flow.trace_spans.into(), 0.0, 0.0);
    }
    let mut packing = Packing::new(partitions, bench.options.record_bytes, flow.spans_a_second);
    let mut records = Vec::new();
    for request in traffic(mix, bench.options.seed, flow.spans) {
        packing.add(&request.bytes, |record| records.push(record));
    }
    packing.flush(|record| records.push(record));
    records
}
