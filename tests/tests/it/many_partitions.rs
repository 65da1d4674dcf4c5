//! A process with 96 partitions of which every trace is due at once, and kept: it takes no more memory than its limits say, whatever the
//! number of partitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bus::{Record, TopicPartition, embedded, topic_specs};
use schemas::otlp::Items;
use schemas::wire::{put_fixed64, put_len};
use schemas::{Signal, headers};
use serde_json::json;
use tests::bus_reader::each_record;
use tests::wait_until;
use tests::world::World;

const PARTITIONS: u32 = 96;
const RECORDS_OF_ONE: u64 = 16;
const SPANS_OF_RECORD: u64 = 8;
const SPAN_BYTES: usize = 20_000;
const SPANS: u64 = PARTITIONS as u64 * RECORDS_OF_ONE * SPANS_OF_RECORD;
/// The sampler's record caches, and what the embedded bus holds of its newest records (docs/reference/embedded-bus.md).
const MEMORY_LIMIT: u64 = 96 << 20;
const TAIL_BYTES: u64 = 32 << 20;
/// For all else: epochs under way, windows, the bus's tables and buffers.
const BESIDES: u64 = 64_000_000;
const WITHIN: Duration = Duration::from_secs(60);

/// Traces of one span, of bytes that can't be compressed.
fn request(rng: &mut fastrand::Rng) -> Vec<u8> {
    let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SPANS_OF_RECORD {
        let mut span = Vec::new();
        put_len(&mut span, 1, &rng.u128(1..).to_be_bytes());
        put_len(&mut span, 2, &rng.u64(1..).to_be_bytes());
        let name: Vec<u8> = (0..SPAN_BYTES / 2).map(|_| rng.u8(0x20..0x7f)).collect();
        put_len(&mut span, 3, &name);
        put_fixed64(&mut span, 7, 1_700_000_000_000_000_000);
        put_fixed64(&mut span, 8, 1_700_000_000_000_000_001);
        let name: Vec<u8> = (0..SPAN_BYTES / 2).map(|_| rng.u8(0x20..0x7f)).collect();
        put_len(&mut span, 5, &name);
        put_len(&mut scope, 2, &span);
    }
    put_len(&mut resource, 2, &scope);
    put_len(&mut request, 1, &resource);
    request
}

/// Writes the raw topic, all of it at one time on the bus's clock.
fn fill(world: &World) {
    let now_ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let options = embedded::Options {
        clock: Arc::new(move || now_ms),
        ..embedded::Options::default()
    };
    let bus = embedded::open(&world.path("data"), options).unwrap();
    let topics = world.topics();
    bus.ensure_topics(&topic_specs(&topics, PARTITIONS))
        .unwrap();
    let publisher = bus.publisher().unwrap();
    let written = Arc::new(AtomicU64::new(0));
    let mut rng = fastrand::Rng::with_seed(96);
    for _ in 0..RECORDS_OF_ONE {
        for partition in 0..PARTITIONS {
            let to = TopicPartition::new(topics.raw(Signal::Traces), partition);
            let record = Record {
                headers: vec![bus::Header {
                    name: headers::VERSION_NAME.into(),
                    value: headers::VERSION.as_bytes().into(),
                }],
                value: request(&mut rng).into(),
            };
            let written = written.clone();
            let count = move |result: bus::Result<u64>| {
                written.fetch_add(u64::from(result.is_ok()), Ordering::Relaxed);
            };
            publisher.publish(to, record, Box::new(count)).unwrap();
        }
        publisher.flush(WITHIN).unwrap();
    }
    let records = u64::from(PARTITIONS) * RECORDS_OF_ONE;
    assert_eq!(written.load(Ordering::Relaxed), records);
}

#[test]
fn what_a_process_holds_does_not_grow_with_its_partitions() {
    let mut world = World::embedded();
    world.config["bus"]["topics"]["partitions"] = json!(PARTITIONS);
    world.config["sampler"]["memory_limit"] = json!("96MiB");
    world.config["sampler"]["epoch_bytes"] = json!("1MiB");
    world.config["sampler"]["policies"] = json!([{"name": "all", "type": "always_sample"}]);
    let mut sampler = world.process("sample", "s");
    sampler.start_and_wait();
    let idle = sampler.peak_memory_bytes();
    assert_eq!(sampler.stop(), 0);
    fill(&world);
    let begin = Instant::now();
    sampler.start_and_wait();
    wait_until("every span to be kept", WITHIN, || {
        sampler.metrics().sum(sampler::names::KEPT, &[]) as u64 == SPANS
    });
    let took = begin.elapsed();
    let peak = sampler.peak_memory_bytes();
    println!(
        "{} MiB decided and kept in {took:?}; {} MiB idle, {} MiB at the peak",
        (SPANS * SPAN_BYTES as u64) >> 20,
        idle >> 20,
        peak >> 20
    );
    assert_eq!(sampler.stop(), 0);
    let bus = world.bus();
    let mut spans = 0;
    each_record(&*bus, &world.topics().sampled(), |record| {
        spans += Items::new(&record.value).map(Result::unwrap).count() as u64;
    })
    .unwrap();
    assert_eq!(spans, SPANS);
    assert!(
        peak - idle <= MEMORY_LIMIT + TAIL_BYTES + BESIDES,
        "{peak} bytes, {idle} when idle"
    );
}
