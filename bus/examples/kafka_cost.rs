//! What publishing and consuming through Kafka costs this process in CPU and memory; prints its own conditions.
//!
//! `cargo run --release -p tailwater-bus --example kafka_cost [records]`, on `KAFKA_BROKERS` or a broker of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{
    Assigned, Bus, Delivery, Epoch, Error, GroupOptions, Position, RawKafka, Rebalance, Record,
    Result, Timestamps, Topic, TopicPartition, TopicSpec,
};
use bytes::Bytes;

const RECORD_BYTES: usize = 250_000;
const PARTITIONS: u32 = 8;

struct Deaf;

impl Rebalance for Deaf {
    fn assigned(&self, _: Vec<Assigned>) {}
    fn revoked(&self, _: Vec<TopicPartition>) {}
    fn lost(&self, _: Vec<TopicPartition>) {}
    fn truncated(&self, _: TopicPartition, _: u64, _: u64) {}
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let count: u32 = std::env::args()
        .nth(1)
        .map_or(Ok(4000), |count| count.parse())?;
    let broker = tests::kafka::Broker::shared()?;
    let config = RawKafka {
        brokers: vec![broker.brokers().to_owned()],
        ..RawKafka::default()
    };
    let bus = bus::kafka::open(&config)?;
    let topic: Topic = tests::kafka::unique("cost").into();
    let output: Topic = tests::kafka::unique("cost-out").into();
    for name in [&topic, &output] {
        let spec = TopicSpec {
            name: name.clone(),
            partitions: PARTITIONS,
            timestamps: Timestamps::LogAppend,
            compacted: false,
            retention: None,
        };
        bus.ensure_topics(&[spec])?;
    }
    println!(
        "{count} records of {RECORD_BYTES} B, {PARTITIONS} partitions, lz4, one broker, debug assertions {}",
        cfg!(debug_assertions)
    );
    publish(&*bus, &topic, count)?;
    consume(&*bus, &topic, &output, count)
}

fn publish(bus: &dyn Bus, topic: &Topic, count: u32) -> Result<()> {
    let values: Vec<Bytes> = (0..16).map(payload).collect();
    let publisher = bus.publisher()?;
    let meter = Meter::start();
    for number in 0..count {
        let to = TopicPartition {
            topic: topic.clone(),
            partition: number % PARTITIONS,
        };
        loop {
            let record = Record {
                headers: vec![],
                value: values[number as usize % values.len()].clone(),
            };
            match publisher.publish(
                to.clone(),
                record,
                Box::new(|acked| assert!(acked.is_ok(), "{acked:?}")),
            ) {
                Err(Error::QueueFull) => std::thread::sleep(Duration::from_millis(5)),
                other => break other?,
            }
        }
    }
    publisher.flush(Duration::from_secs(120))?;
    meter.stop("publish", count);
    Ok(())
}

fn consume(
    bus: &dyn Bus,
    topic: &Topic,
    output: &Topic,
    count: u32,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let options = GroupOptions {
        group: tests::kafka::unique("cost"),
        topics: vec![topic.clone()],
        delivery: Delivery::ExactlyOnce,
        instance: "one".into(),
        revoke_timeout: Duration::from_secs(5),
    };
    let (mut member, mut committer) = bus.join(options, Arc::new(Deaf))?;
    let first = member.poll(Duration::from_secs(30), 1)?;
    drop(first);
    let meter = Meter::start();
    let (mut read, mut commits, mut ends) = (0, Vec::new(), std::collections::BTreeMap::new());
    let mut held = Vec::new();
    while read < count as usize {
        let polled = member.poll(Duration::from_millis(250), 8 << 20)?;
        read += polled.records.len();
        for record in &polled.records {
            ends.insert(record.partition, record.offset + 1);
        }
        // As the record cache does: the last 64 MB stay where they were decoded.
        held.extend(polled.records);
        let surplus = held.len().saturating_sub(64_000_000 / RECORD_BYTES);
        held.drain(..surplus);
        let positions = ends.iter().map(|(partition, offset)| Position {
            at: TopicPartition {
                topic: topic.clone(),
                partition: *partition,
            },
            offset: *offset,
            metadata: String::new(),
        });
        let record = Record {
            headers: vec![],
            value: payload(1).slice(..20_000),
        };
        let epoch = Epoch {
            records: vec![(
                TopicPartition {
                    topic: output.clone(),
                    partition: 0,
                },
                record,
            )],
            positions: positions.collect(),
        };
        let begin = Instant::now();
        committer.commit(&epoch)?;
        commits.push(begin.elapsed());
    }
    meter.stop(
        "consume, holding 64 MB, a transaction for each 8 MiB",
        count,
    );
    commits.sort_unstable();
    println!(
        "{} commits: p50 {:.1?}, p99 {:.1?}",
        commits.len(),
        commits[commits.len() / 2],
        commits[commits.len() * 99 / 100]
    );
    member.close()?;
    Ok(())
}

/// Compresses about six times, as packed OTLP does.
fn payload(seed: u64) -> Bytes {
    let mut random = seed.wrapping_add(1);
    let mut out = Vec::with_capacity(RECORD_BYTES);
    while out.len() < RECORD_BYTES {
        out.extend_from_slice(b"\x12\x0ehttp.route\x1a/api/v1/checkout http.request.method GET service.name=cart-service ");
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        out.extend_from_slice(&random.to_le_bytes());
    }
    out.truncate(RECORD_BYTES);
    out.into()
}

struct Meter {
    begin: Instant,
    ticks: u64,
}

impl Meter {
    fn start() -> Self {
        Self {
            begin: Instant::now(),
            ticks: ticks(),
        }
    }

    fn stop(self, what: &str, count: u32) {
        let cpu = (ticks() - self.ticks) as f64 / 100.0;
        let thousands = f64::from(count) / 1000.0;
        println!(
            "{what}: {:.2} CPU-seconds and {:.2} s for each 1000 records; {}",
            cpu / thousands,
            self.begin.elapsed().as_secs_f64() / thousands,
            resident()
        );
    }
}

/// User and system time of this process in hundredths of a second.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    [11, 12]
        .iter()
        .filter_map(|index| fields.get(*index)?.parse::<u64>().ok())
        .sum()
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"))
        .collect::<Vec<_>>()
        .join(", ")
}
