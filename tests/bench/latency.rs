//! How soon a kept trace can be read: spans come at a steady rate, and a reader of committed records notes when each is there.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use load::{Mix, Request};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::corpus::{SPANS_A_SECOND, traffic};
use crate::execute::{create_topics, folder};
use crate::kafka::{self, client};
use crate::measure::Bench;
use crate::packed::{Layer, Packing};
use crate::peers::{Job, Peer, Running, Work, policies};
use crate::spans::{self, Id};
use crate::table::{Report, Table};

const DECISION_WAIT_S: u64 = 5;
/// As ingest does.
const LINGER: Duration = Duration::from_millis(20);
const RECORD_BYTES: usize = 256 << 10;
/// What comes in the first seconds is not counted.
const WARM_UP: Duration = Duration::from_secs(5);
/// After the last deadline.
const GRACE: Duration = Duration::from_secs(6);

/// Milliseconds since the epoch at which each span, or each trace's first one, was seen.
#[derive(Default)]
pub struct Times {
    spans: HashMap<Id, u64>,
    traces: HashMap<u64, u64>,
}

impl Times {
    fn add(&mut self, request: &[u8], now_ms: u64) {
        spans::each(request, |id, _| {
            self.spans.entry(id).or_insert(now_ms);
            self.traces.entry(id.trace).or_insert(now_ms);
        });
    }
}

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut table = Table::new(
        "Latency of the sampler",
        &format!(
            "From a trace's deadline (its first span on the bus and decision_wait of {DECISION_WAIT_S} s) to its kept spans being readable with \
             read_committed, at {SPANS_A_SECOND:.0} spans/s in records of {} ms. *Whole trace*: its last span. *From the span's own deadline*: from decision_wait after \
             the span itself, which is when the last trace of its record is decided. Spans that came after the deadline don't count, nor do those whose own deadline is after the last span of all.",
            LINGER.as_millis()
        ),
        &[
            "",
            "span p50 ms",
            "span p99 ms",
            "whole trace p50 ms",
            "whole trace p99 ms",
            "own deadline p50 ms",
            "own deadline p99 ms",
            "kept spans",
        ],
    );
    for peer in &bench.peers {
        eprintln!(
            "latency: {}, {} s …",
            peer.name(),
            bench.options.latency_seconds
        );
        table.row(measure(bench, *peer)?);
    }
    report.add_table(table);
    Ok(())
}

fn measure(bench: &Bench, peer: Peer) -> Result<Vec<Value>> {
    let job = Job {
        decision_wait_s: DECISION_WAIT_S,
        traces_max: 1_000_000,
        ..bench.job(Work::Sample, policies::three())
    };
    let mix = Mix {
        late: 0.0,
        duplicate: 0.0,
        spans_per_request: 50,
        spans_per_second: SPANS_A_SECOND,
        ..Mix::default()
    };
    let requests = flow(bench, mix);
    let folder = folder()?;
    create_topics(&job)?;
    let running = Running::start(peer, &job, folder.path());

    let stop = Arc::new(AtomicBool::new(false));
    let output = job.work.output(&job.topics()).context("it writes")?;
    let (brokers, partitions, until) = (job.brokers.clone(), job.partitions, stop.clone());
    let reader = std::thread::spawn(move || follow(&brokers, &output, partitions, &until));
    let began_ms = now_ms();
    let came = feed(&job, &requests)?;
    let ended_ms = now_ms();
    std::thread::sleep(Duration::from_secs(DECISION_WAIT_S) + GRACE);
    stop.store(true, Ordering::Relaxed);
    let readable = reader.join().expect("the reader ends")?;
    drop(running);
    kafka::remove(&job.brokers, &job.prefix)?;
    let counted = began_ms + WARM_UP.as_millis() as u64..ended_ms;
    Ok(latencies(peer, &came, &readable, counted))
}

/// Traffic of the length asked for, cut off while it is in full flow: what ends by itself trickles for seconds.
pub fn flow(bench: &Bench, mix: Mix) -> Vec<Request> {
    let length = Duration::from_secs(bench.options.latency_seconds);
    traffic(mix, bench.options.seed, u64::MAX)
        .take_while(|request| request.due < length)
        .collect()
}

/// Writes the requests when they are due; when each span went onto the bus.
pub fn feed(job: &Job, requests: &[Request]) -> Result<Times> {
    let input = job.work.input(&job.topics()).context("it reads")?;
    let layer = Layer::new(&job.brokers, &input, &job.codec, Duration::ZERO)?;
    let mut packing = Packing::new(job.partitions, RECORD_BYTES, SPANS_A_SECOND);
    let (begin, mut times, mut next) = (Instant::now(), Times::default(), 0);
    let mut records = Vec::new();
    while next < requests.len() {
        while next < requests.len() && requests[next].due <= begin.elapsed() {
            packing.add(&requests[next].bytes, |record| records.push(record));
            next += 1;
        }
        packing.flush(|record| records.push(record));
        for mut record in records.drain(..) {
            record.due = begin.elapsed();
            times.add(&record.value, now_ms());
            layer.write(&record)?;
        }
        std::thread::sleep(LINGER);
    }
    layer.finish()?;
    Ok(times)
}

/// When each span could be read, until told to stop.
fn follow(brokers: &str, topic: &str, partitions: u32, stop: &AtomicBool) -> Result<Times> {
    let consumer: BaseConsumer = client(brokers)
        .set("group.id", "bench-latency")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "10")
        .create()?;
    let all: TopicPartitionList = (0..partitions as i32)
        .map(|partition| (topic.to_owned(), partition, Offset::Beginning))
        .collect();
    consumer.assign(&all)?;
    let mut times = Times::default();
    while !stop.load(Ordering::Relaxed) {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let message = message?;
            times.add(message.payload().unwrap_or_default(), now_ms());
        }
    }
    Ok(times)
}

fn latencies(peer: Peer, came: &Times, readable: &Times, counted_ms: Range<u64>) -> Vec<Value> {
    let wait_ms = DECISION_WAIT_S * 1000;
    let (mut of_spans, mut of_own) = (Vec::new(), Vec::new());
    let mut of_traces: HashMap<u64, u64> = HashMap::new();
    for (id, readable_ms) in &readable.spans {
        let (Some(came_ms), Some(first_ms)) = (came.spans.get(id), came.traces.get(&id.trace))
        else {
            continue;
        };
        let deadline_ms = first_ms + wait_ms;
        // Whoever decides by the time of the stream needs it to go on until a deadline of its own.
        let own_ms = came_ms + wait_ms;
        if *first_ms < counted_ms.start || own_ms >= counted_ms.end || *came_ms >= deadline_ms {
            continue;
        }
        let latency_ms = readable_ms.saturating_sub(deadline_ms);
        of_spans.push(latency_ms);
        of_own.push(readable_ms.saturating_sub(own_ms));
        let whole = of_traces.entry(id.trace).or_default();
        *whole = latency_ms.max(*whole);
    }
    let mut of_traces: Vec<_> = of_traces.into_values().collect();
    let kept = of_spans.len();
    let mut row = vec![json!(peer.name())];
    for times in [&mut of_spans, &mut of_traces, &mut of_own] {
        times.sort_unstable();
        row.push(json!(quantile(times, 0.5)));
        row.push(json!(quantile(times, 0.99)));
    }
    row.push(json!(kept));
    row
}

fn quantile(sorted: &[u64], quantile: f64) -> Option<u64> {
    sorted
        .get(((sorted.len().saturating_sub(1)) as f64 * quantile) as usize)
        .copied()
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}
