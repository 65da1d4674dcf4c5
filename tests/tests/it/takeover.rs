//! A sampler that takes partitions over waits for what its predecessor wrote: verdicts in a transaction that is still open count as soon as it
//! is decided, and they win.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::topic_specs;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::wire::put_varint;
use schemas::{Signal, Topics};
use serde_json::json;
use tests::bus_reader::{Verdicts, read_all, tally};
use tests::kafka::{Broker, unique};
use tests::raw_log::RawLog;
use tests::sending::{options, send_all, traffic};
use tests::tally::TraceId;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const DECISION_WAIT_MS: u64 = 1000;
const WITHIN: Duration = Duration::from_secs(120);

/// A decision batch of version 1: this trace is kept, from this offset on.
fn keep(id: &TraceId, first_offset: u64, time_ms: u64) -> Vec<u8> {
    let mut batch = vec![1];
    // No policies, no strings, one entry: its id, its flags ("keep").
    batch.extend([0, 0, 1]);
    batch.extend(id);
    batch.push(1);
    // Threshold; first offset, last one relative to it, time, in zigzag; spans, bytes.
    for column in [0, first_offset * 2, 0, time_ms * 2, 1, 1] {
        put_varint(&mut batch, column);
    }
    batch
}

/// Traces without an error, with the partition and offset of their first span.
fn dull(world: &World, topics: &Topics) -> Vec<(TraceId, u32, u64)> {
    let records = read_all(&*world.bus(), &topics.raw(Signal::Traces)).unwrap();
    let all = RawLog::of(&records, DECISION_WAIT_MS);
    let mut dull: Vec<(TraceId, u32, u64)> = Vec::new();
    for record in &records {
        let one = RawLog::of(std::slice::from_ref(record), DECISION_WAIT_MS);
        for id in one.tally.traces.into_keys() {
            let known = dull.iter().any(|(other, ..)| *other == id);
            if !known && !all.tally.traces[&id].error {
                dull.push((id, record.partition, record.offset));
            }
        }
    }
    dull
}

#[test]
fn verdicts_that_are_not_yet_stable_are_waited_for() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    world.config["sampler"]["policies"] = json!([
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
    ]);
    let topics = world.topics();
    let bus = world.bus();
    bus.ensure_topics(&topic_specs(&topics, PARTITIONS))
        .unwrap();
    let mut ingest = world.process("ingest", "ingest");
    ingest.start_and_wait();
    let (requests, _) = traffic(3, 1000);
    let to = options(
        ingest.grpc_endpoint(),
        load::Protocol::Grpc,
        load::Compression::None,
    );
    send_all(vec![(requests, to)]);
    assert_eq!(ingest.stop(), 0);

    // A predecessor that kept a trace which no policy keeps, and died or hangs before its commit.
    let (id, partition, offset) = dull(&world, &topics)[0];
    let predecessor: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.brokers())
        .set("transactional.id", unique("predecessor"))
        .set("transaction.timeout.ms", "120000")
        .create()
        .unwrap();
    let patience = Duration::from_secs(30);
    predecessor.init_transactions(patience).unwrap();
    predecessor.begin_transaction().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let batch = keep(&id, offset, now.as_millis() as u64);
    let decisions = topics.decisions();
    let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(&decisions)
        .partition(partition as i32)
        .payload(&batch);
    predecessor.send(record).map_err(|(e, _)| e).unwrap();
    predecessor.flush(patience).unwrap();

    let mut sampler = world.process("sample", "sampler");
    sampler.start();
    wait_until("the sampler to wait", WITHIN, || {
        sampler.logged("an open transaction may hold its end back") > 0
    });
    assert!(!sampler.is_ready());
    predecessor.commit_transaction(patience).unwrap();
    sampler.wait_ready();
    wait_until("the sampler to decide everything", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    assert_eq!(sampler.stop(), 0);
    let sampled = tally(&*bus, Signal::Traces, &topics.sampled()).unwrap();
    let raw = tally(&*bus, Signal::Traces, &topics.raw(Signal::Traces)).unwrap();
    let kept = sampled
        .traces
        .get(&id)
        .expect("the predecessor's verdict wins");
    assert_eq!(kept.spans, raw.traces[&id].spans);
    let verdicts = Verdicts::read(&*bus, &topics).unwrap();
    assert_eq!(verdicts.decided[&id].len(), 1, "it was not decided again");
}
