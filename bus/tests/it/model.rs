//! The embedded bus against a naive model: vectors of values and a map of positions, over reopening, new segments,
//! retention and a tail too small to hold much.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::embedded::{self, Options};
use bus::{
    Assigned, Bus, Delivery, Epoch, GroupOptions, Position, Rebalance, Record, Timestamps, Topic,
    TopicPartition, TopicSpec,
};
use proptest::prelude::*;

const PARTITIONS: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(30);
const AGE_MS: u64 = 16_000;

#[derive(Clone, Debug)]
enum Op {
    /// Values of these lengths, to one partition.
    Publish(u32, Vec<usize>),
    /// Values to partitions, and a position.
    Commit(Vec<(u32, usize)>, u32, u64),
    Tick(u64),
    Reopen,
    Read(u32, u64),
    OffsetAt(u32, u64),
}

fn op() -> impl Strategy<Value = Op> {
    let partition = 0..PARTITIONS;
    let length = prop_oneof![0..50_usize, 900..1100_usize, 5000..20_000_usize];
    prop_oneof![
        4 => (partition.clone(), prop::collection::vec(length.clone(), 1..12)).prop_map(|(p, v)| Op::Publish(p, v)),
        3 => (prop::collection::vec((partition.clone(), length), 0..6), partition.clone(), 0..40_u64)
            .prop_map(|(records, p, offset)| Op::Commit(records, p, offset)),
        3 => (0..6000_u64).prop_map(Op::Tick),
        1 => Just(Op::Reopen),
        4 => (partition.clone(), 0..40_u64).prop_map(|(p, offset)| Op::Read(p, offset)),
        2 => (partition, 0..60_000_u64).prop_map(|(p, time)| Op::OffsetAt(p, time)),
    ]
}

#[derive(Default)]
struct Model {
    /// Timestamp and value.
    partitions: [Vec<(u64, Vec<u8>)>; PARTITIONS as usize],
    positions: BTreeMap<u32, (u64, String)>,
    written: u64,
}

impl Model {
    fn value(&mut self, length: usize) -> Vec<u8> {
        self.written += 1;
        let mut value = self.written.to_string().into_bytes();
        value.resize(length.max(value.len()), b'.');
        value
    }
}

#[derive(Default)]
struct Seen(Mutex<Vec<Assigned>>);

impl Rebalance for Seen {
    fn assigned(&self, partitions: Vec<Assigned>) {
        self.0.lock().unwrap().extend(partitions);
    }
    fn revoked(&self, _: Vec<TopicPartition>) {}
    fn lost(&self, _: Vec<TopicPartition>) {}
    fn truncated(&self, _: TopicPartition, _: u64, _: u64) {}
}

struct World {
    dir: tempfile::TempDir,
    clock: Arc<AtomicU64>,
    topic: Topic,
    model: Model,
}

impl World {
    fn open(&self) -> Arc<dyn Bus> {
        let clock = self.clock.clone();
        let options = Options {
            retention_age: Duration::from_millis(AGE_MS),
            upkeep_interval: Duration::from_millis(1),
            tail_bytes_max: 8 << 10,
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            ..Options::default()
        };
        let bus = embedded::open(self.dir.path(), options).unwrap();
        let spec = TopicSpec {
            name: self.topic.clone(),
            partitions: PARTITIONS,
            timestamps: Timestamps::LogAppend,
            compacted: false,
            retention: None,
        };
        bus.ensure_topics(&[spec]).unwrap();
        bus
    }

    fn at(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.topic.clone(), partition)
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    fn publish(&mut self, bus: &Arc<dyn Bus>, partition: u32, lengths: &[usize]) {
        let publisher = bus.publisher().unwrap();
        for length in lengths {
            let value = self.model.value(*length);
            let record = Record {
                headers: vec![],
                value: value.clone().into(),
            };
            let log = &mut self.model.partitions[partition as usize];
            let expected = log.len() as u64;
            log.push((self.clock.load(Ordering::Relaxed), value));
            let ack = move |offset: bus::Result<u64>| assert_eq!(offset.unwrap(), expected);
            publisher
                .publish(self.at(partition), record, Box::new(ack))
                .unwrap();
        }
        publisher.flush(TIMEOUT).unwrap();
    }

    fn commit(
        &mut self,
        bus: &Arc<dyn Bus>,
        records: &[(u32, usize)],
        partition: u32,
        offset: u64,
    ) {
        let seen = Arc::new(Seen::default());
        let options = GroupOptions {
            group: "g".to_owned(),
            topics: vec![self.topic.clone()],
            delivery: Delivery::ExactlyOnce,
            instance: "i".to_owned(),
            revoke_timeout: TIMEOUT,
        };
        let (mut member, mut committer) = bus.join(options, seen.clone()).unwrap();
        member.poll(Duration::ZERO, 1).unwrap();
        for assigned in seen.0.lock().unwrap().iter() {
            let committed = assigned
                .committed
                .as_ref()
                .map(|position| (position.offset, position.metadata.clone()));
            assert_eq!(
                committed.as_ref(),
                self.model.positions.get(&assigned.at.partition)
            );
        }
        let metadata = format!("after {}", self.model.written);
        let mut epoch = Epoch::default();
        for (to, length) in records {
            let value = self.model.value(*length);
            self.model.partitions[*to as usize].push((self.now(), value.clone()));
            epoch.records.push((
                self.at(*to),
                Record {
                    headers: vec![],
                    value: value.into(),
                },
            ));
        }
        epoch.positions.push(Position {
            at: self.at(partition),
            offset,
            metadata: metadata.clone(),
        });
        self.model.positions.insert(partition, (offset, metadata));
        committer.commit(&epoch).unwrap();
    }

    /// Everything from `from` on is as it was written, without gaps; nothing young enough is missing.
    fn read(&self, bus: &Arc<dyn Bus>, partition: u32, from: u64) {
        let log = &self.model.partitions[partition as usize];
        let mut reader = bus.reader().unwrap();
        let range = reader.range(&self.at(partition)).unwrap();
        assert_eq!(range.end, log.len() as u64);
        let oldest = self.now().saturating_sub(AGE_MS);
        let young = log
            .iter()
            .position(|(time, _)| *time >= oldest)
            .unwrap_or(log.len());
        assert!(
            range.start <= young as u64,
            "{range:?} lacks young records from {young} on"
        );
        reader.assign(&[(self.at(partition), from)]).unwrap();
        let mut next = from.max(range.start);
        while next < range.end {
            for record in reader.poll(TIMEOUT, 30_000).unwrap() {
                // Retention may delete while we read.
                assert!(record.offset >= next, "{} after {next}", record.offset);
                let (time, value) = &log[record.offset as usize];
                assert!(
                    record.value[..] == value[..],
                    "another value at {}",
                    record.offset
                );
                assert_eq!(record.timestamp_ms, *time);
                next = record.offset + 1;
            }
            next = next.max(reader.range(&self.at(partition)).unwrap().start);
        }
    }

    fn offset_at(&self, bus: &Arc<dyn Bus>, partition: u32, time: u64) {
        let log = &self.model.partitions[partition as usize];
        let mut reader = bus.reader().unwrap();
        let found = reader.offset_at(&self.at(partition), time).unwrap();
        let start = reader.range(&self.at(partition)).unwrap().start;
        let expected = log
            .iter()
            .position(|(at, _)| *at >= time)
            .unwrap_or(log.len()) as u64;
        assert!(
            found == expected || (expected < start && found <= start),
            "{found}, not {expected}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_the_model(ops in prop::collection::vec(op(), 1..40)) {
        let mut world = World {
            dir: tempfile::tempdir().unwrap(),
            clock: Arc::new(AtomicU64::new(1)),
            topic: "t".into(),
            model: Model::default(),
        };
        let mut bus = Some(world.open());
        for op in ops {
            let open = bus.clone().unwrap();
            match op {
                Op::Publish(partition, lengths) => world.publish(&open, partition, &lengths),
                Op::Commit(records, partition, offset) => world.commit(&open, &records, partition, offset),
                Op::Tick(ms) => {
                    world.clock.fetch_add(ms, Ordering::Relaxed);
                }
                Op::Reopen => {
                    drop(open);
                    bus = None;
                    bus = Some(bus.unwrap_or_else(|| world.open()));
                }
                Op::Read(partition, from) => world.read(&open, partition, from),
                Op::OffsetAt(partition, time) => world.offset_at(&open, partition, time),
            }
        }
        let open = bus.unwrap();
        (0..PARTITIONS).for_each(|partition| world.read(&open, partition, 0));
    }
}
