//! What an undecided span costs in memory: a window that nothing leaves is filled, and the process looked at when it is at rest.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use load::Mix;
use serde_json::json;

use crate::corpus::{SPANS_A_SECOND, traffic};
use crate::execute::{create_topics, folder};
use crate::kafka::{self, Offsets};
use crate::measure::Bench;
use crate::packed::{Layer, Packing};
use crate::peers::{self, Job, Peer, Running, Work, policies};
use crate::table::{Report, Table};

/// Nothing is decided meanwhile.
const DECISION_WAIT_S: u64 = 3600;
const READ_WITHIN: Duration = Duration::from_secs(240);
/// Resident memory that hasn't moved by a hundredth for so long is at rest.
const REST: Duration = Duration::from_secs(4);
const REST_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut table = Table::new(
        "Memory of undecided spans",
        "Resident memory at rest less that of the idle process, over what is held. Tailwater's record cache holds payload of its own bound; \
         without it, what grows with the window remains.",
        &[
            "",
            "spans held",
            "traces held",
            "idle MB",
            "resident MB",
            "B/span",
            "B/trace",
            "record cache MB",
            "B/span without cache",
            "B/trace without cache",
        ],
    );
    for peer in &bench.peers {
        for spans in &bench.options.held {
            eprintln!("memory: {} holds {spans} spans …", peer.name());
            table.row(hold(bench, *peer, *spans)?);
        }
    }
    report.add_table(table);
    Ok(())
}

fn hold(bench: &Bench, peer: Peer, spans: u64) -> Result<Vec<serde_json::Value>> {
    let job = Job {
        decision_wait_s: DECISION_WAIT_S,
        traces_max: spans,
        record_cache: bench.options.held_record_cache.clone(),
        ..bench.job(Work::Sample, policies::three())
    };
    let folder = folder()?;
    create_topics(&job)?;
    let running = Running::start(peer, &job, folder.path());
    let idle = at_rest(&running)?;
    let (traces, spans, records) = lay(bench, &job, spans)?;
    let input = job.work.input(&job.topics()).context("it reads")?;
    let offsets = Offsets::of(
        &job.brokers,
        &input,
        job.partitions,
        &peers::group(peer, &job),
    )?;
    let begin = Instant::now();
    loop {
        let read = match &running {
            Running::Tailwater(tailwater) => {
                tailwater.metrics().sum(sampler::names::CONSUMED, &[]) as u64 >= spans
            }
            Running::Collector(..) => offsets.committed() >= Some(records),
        };
        if read {
            break;
        }
        anyhow::ensure!(
            begin.elapsed() < READ_WITHIN,
            "{} has not read {spans} spans in {READ_WITHIN:?}",
            peer.name()
        );
        std::thread::sleep(LOOK_EVERY);
    }
    let resident = at_rest(&running)?;
    let cache = match &running {
        Running::Tailwater(tailwater) => {
            tailwater.metrics().sum(sampler::names::CACHE_BYTES, &[]) as u64
        }
        Running::Collector(..) => 0,
    };
    drop(running);
    kafka::remove(&job.brokers, &job.prefix)?;
    let grown = resident.saturating_sub(idle) as f64;
    let alone = (grown - cache as f64).max(0.0);
    let round = |value: f64| (value * 10.0).round() / 10.0;
    Ok(vec![
        json!(peer.name()),
        json!(spans),
        json!(traces),
        json!(idle >> 20),
        json!(resident >> 20),
        json!(round(grown / spans as f64)),
        json!(round(grown / traces as f64)),
        json!(cache >> 20),
        json!(round(alone / spans as f64)),
        json!(round(alone / traces as f64)),
    ])
}

/// Lays generated spans on the input topic as if the last had come just now; traces, spans, records.
fn lay(bench: &Bench, job: &Job, spans: u64) -> Result<(u64, u64, u64)> {
    let input = job.work.input(&job.topics()).context("it reads")?;
    let ago = Duration::from_secs_f64(spans as f64 / SPANS_A_SECOND);
    let layer = Layer::new(&job.brokers, &input, &job.codec, ago)?;
    let mix = Mix {
        late: 0.0,
        duplicate: 0.0,
        ..Mix::default()
    };
    let mut traffic = traffic(mix, bench.options.seed, spans);
    let mut packing = Packing::new(job.partitions, bench.options.record_bytes, SPANS_A_SECOND);
    let (mut records, mut failed) = (0, None);
    let mut write = |record| {
        records += 1;
        failed = layer.write(&record).err().or(failed.take());
    };
    for request in traffic.by_ref() {
        packing.add(&request.bytes, &mut write);
    }
    packing.flush(&mut write);
    if let Some(error) = failed {
        return Err(error);
    }
    layer.finish()?;
    Ok((traffic.summary().traces, traffic.summary().spans, records))
}

/// Resident bytes once they have come to rest.
fn at_rest(running: &Running) -> Result<u64> {
    let begin = Instant::now();
    let (mut since, mut of) = (Instant::now(), 0);
    loop {
        let now = running.usage()?.resident_bytes;
        if now.abs_diff(of) > of / 100 {
            (since, of) = (Instant::now(), now);
        }
        if since.elapsed() > REST || begin.elapsed() > REST_WITHIN {
            return Ok(now);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
