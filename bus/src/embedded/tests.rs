//! What only the embedded bus does: retention, its clock, the lock, the full disk.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::*;
use crate::mutex::lock;
use crate::{Assigned, Delivery, Epoch, Position, Timestamps};
use crate::{
    Bus, Error, GroupOptions, Member, Rebalance, Record, Result, TopicPartition, TopicSpec,
};

const DEADLINE: Duration = Duration::from_secs(60);

fn spec(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name.into(),
        partitions,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    }
}

fn publish(
    bus: &Arc<dyn Bus>,
    at: &TopicPartition,
    values: impl IntoIterator<Item = bytes::Bytes>,
) {
    let publisher = bus.publisher().unwrap();
    for value in values {
        let record = Record {
            headers: vec![],
            value,
        };
        let to = at.clone();
        let ack = |result: Result<u64>| {
            result.unwrap();
        };
        publisher.publish(to, record, Box::new(ack)).unwrap();
    }
    publisher.flush(DEADLINE).unwrap();
}

/// Bytes that don't compress.
fn noise(bytes: usize, seed: u64) -> bytes::Bytes {
    let mut state = seed | 1;
    let mut out = Vec::with_capacity(bytes + 8);
    while out.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(bytes);
    out.into()
}

fn disk_bytes(dir: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let Ok(entry) = entry else { continue };
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        bytes += match metadata.is_dir() {
            true => disk_bytes(&entry.path()),
            // Journals are preallocated with holes: what counts is blocks.
            false => std::os::unix::fs::MetadataExt::blocks(&metadata) * 512,
        };
    }
    bytes
}

#[derive(Default)]
struct Truncations(Mutex<Vec<(TopicPartition, u64, u64)>>);

impl Rebalance for Truncations {
    fn assigned(&self, _: Vec<Assigned>) {}
    fn revoked(&self, _: Vec<TopicPartition>) {}
    fn lost(&self, _: Vec<TopicPartition>) {}
    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        lock(&self.0).push((at, from, to));
    }
}

fn options(group: &str, topic: &str) -> GroupOptions {
    GroupOptions {
        group: group.to_owned(),
        topics: vec![topic.into()],
        delivery: Delivery::ExactlyOnce,
        instance: "i".to_owned(),
        revoke_timeout: DEADLINE,
    }
}

/// By bytes: the oldest records go, the disk shrinks, nothing between oldest and newest is missing, a member is told.
#[test]
fn retention_by_bytes_frees_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let retention_bytes = 32 << 20;
    let bus = open(
        dir.path(),
        Options {
            retention_bytes,
            upkeep_interval: Duration::from_millis(20),
            tail_bytes_max: 1 << 20,
            ..Options::default()
        },
    )
    .unwrap();
    bus.ensure_topics(&[spec("t", 2)]).unwrap();
    let at = TopicPartition::new("t", 1);
    let told = Arc::new(Truncations::default());
    let (mut member, mut committer) = bus.join(options("g", "t"), told.clone()).unwrap();
    member.poll(Duration::ZERO, 1).unwrap();
    let positions = vec![Position {
        at: at.clone(),
        offset: 3,
        metadata: String::new(),
    }];
    committer
        .commit(&Epoch {
            records: vec![],
            positions,
        })
        .unwrap();
    drop((member, committer));

    const COUNT: u64 = 1200;
    for chunk in 0..COUNT / 40 {
        publish(
            &bus,
            &at,
            (0..40).map(|index| noise(250_000, chunk * 40 + index + 1)),
        );
    }
    let mut reader = bus.reader().unwrap();
    let deadline = Instant::now() + DEADLINE;
    // 300 MB went through; what is left is the retention, a segment more, and journals.
    let limit = retention_bytes + (4 << 20) + (150 << 20);
    loop {
        let range = reader.range(&at).unwrap();
        assert_eq!(range.end, COUNT);
        if range.start >= COUNT - 134 && disk_bytes(dir.path()) < limit {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{range:?}, {} bytes on disk",
            disk_bytes(dir.path())
        );
        std::thread::yield_now();
    }
    // No more than the bound is left, so nothing more is deleted; from here on nothing is missing.
    let start = reader.range(&at).unwrap().start;
    reader.assign(&[(at.clone(), 0)]).unwrap();
    let mut next = None;
    while next != Some(COUNT) {
        for record in reader.poll(DEADLINE, 4 << 20).unwrap() {
            assert!(
                next.map_or(record.offset >= start, |next| next == record.offset),
                "{} at {next:?}",
                record.offset
            );
            assert!(
                record.value == noise(250_000, record.offset + 1),
                "record {} differs",
                record.offset
            );
            next = Some(record.offset + 1);
        }
    }
    let (mut member, _committer) = bus.join(options("g", "t"), told.clone()).unwrap();
    let polled = member.poll(DEADLINE, 1).unwrap();
    let start = polled.records[0].offset;
    assert_eq!(*lock(&told.0), [(at.clone(), 3, start)]);
    drop((member, _committer, reader, bus));
    // The same after a restart.
    let bus = open(
        dir.path(),
        Options {
            retention_bytes,
            ..Options::default()
        },
    )
    .unwrap();
    let range = bus.reader().unwrap().range(&at).unwrap();
    assert!(range.start >= start && range.end == COUNT, "{range:?}");
}

/// By age, with a clock of our own: everything goes at last, and offsets and timestamps still go on from there, also
/// over a restart, and also when the clock falls back.
#[test]
fn retention_by_age_and_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(1_000_000_000));
    let options = || {
        let now = now.clone();
        Options {
            retention_age: Duration::from_secs(160),
            upkeep_interval: Duration::from_millis(5),
            clock: Arc::new(move || now.load(Ordering::Relaxed)),
            ..Options::default()
        }
    };
    let bus = open(dir.path(), options()).unwrap();
    bus.ensure_topics(&[spec("t", 1)]).unwrap();
    let at = TopicPartition::new("t", 0);
    publish(&bus, &at, (0..5).map(|seed| noise(100, seed)));
    now.fetch_add(200_000, Ordering::Relaxed);
    let mut reader = bus.reader().unwrap();
    let deadline = Instant::now() + DEADLINE;
    while reader.range(&at).unwrap() != (5..5) {
        assert!(Instant::now() < deadline, "{:?}", reader.range(&at));
        std::thread::yield_now();
    }
    drop((reader, bus));
    now.store(7, Ordering::Relaxed);
    let bus = open(dir.path(), options()).unwrap();
    publish(&bus, &at, [noise(100, 9)]);
    let mut reader = bus.reader().unwrap();
    assert_eq!(reader.range(&at).unwrap(), 5..6);
    reader.assign(&[(at.clone(), 0)]).unwrap();
    let record = reader.poll(DEADLINE, 1).unwrap().remove(0);
    assert_eq!((record.offset, record.timestamp_ms), (5, 1_000_000_000));
    drop((reader, bus));
    let bus = open(dir.path(), options()).unwrap();
    publish(&bus, &at, [noise(100, 9)]);
    let mut reader = bus.reader().unwrap();
    reader.assign(&[(at.clone(), 6)]).unwrap();
    assert_eq!(
        reader.poll(DEADLINE, 1).unwrap()[0].timestamp_ms,
        1_000_000_000
    );
    assert_eq!(reader.offset_at(&at, 1_000_000_001).unwrap(), 7);
}

/// A time is looked up while retention deletes all that it is looked up in: the answer is right before and after, and so it is in between.
#[test]
fn a_time_is_looked_up_while_retention_deletes() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(1_000_000_000));
    let clock = now.clone();
    let options = Options {
        retention_age: Duration::from_secs(160),
        upkeep_interval: Duration::from_millis(1),
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        ..Options::default()
    };
    let bus = open(dir.path(), options).unwrap();
    bus.ensure_topics(&[spec("t", 1)]).unwrap();
    let at = TopicPartition::new("t", 0);
    let mut reader = bus.reader().unwrap();
    let deadline = Instant::now() + DEADLINE;
    for round in 1..20 {
        publish(&bus, &at, (0..500).map(|seed| noise(100, seed)));
        now.fetch_add(200_000, Ordering::Relaxed);
        let end = round * 500;
        while reader.range(&at).unwrap().start < end {
            assert!(Instant::now() < deadline, "{:?}", reader.range(&at));
            assert_eq!(reader.offset_at(&at, u64::MAX).unwrap(), end);
        }
    }
}

/// A second opening is refused with the directory and the holder; once the first is gone it is fine.
#[test]
fn one_opening_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path(), Options::default()).unwrap();
    let error = open(dir.path(), Options::default())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
    assert!(error.contains("this very process"), "{error}");
    std::fs::write(dir.path().join("lock"), "4711\n").unwrap();
    let error = open(dir.path(), Options::default())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("process 4711"), "{error}");
    drop(bus);
    open(dir.path(), Options::default()).unwrap();
}

/// A full queue refuses a publish and drops its acknowledgement uncalled.
#[test]
fn full_queue() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(
        dir.path(),
        Options {
            queue_bytes_max: 1 << 20,
            ..Options::default()
        },
    )
    .unwrap();
    bus.ensure_topics(&[spec("t", 1)]).unwrap();
    let publisher = bus.publisher().unwrap();
    let (gate, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let record = || Record {
        headers: vec![],
        value: noise(400_000, 1),
    };
    let at = TopicPartition::new("t", 0);
    // The writer is held in an acknowledgement, so nothing leaves the queue.
    let (held, holding) = mpsc::channel();
    let ack = move |_: Result<u64>| {
        held.send(()).unwrap();
        let _ = lock(&wait).recv();
    };
    publisher
        .publish(at.clone(), record(), Box::new(ack))
        .unwrap();
    holding.recv_timeout(DEADLINE).unwrap();
    let called = Arc::new(AtomicU64::new(0));
    let outcomes: Vec<bool> = (0..4)
        .map(|_| {
            let called = called.clone();
            let ack = move |_: Result<u64>| {
                called.fetch_add(1, Ordering::Relaxed);
            };
            match publisher.publish(at.clone(), record(), Box::new(ack)) {
                Ok(()) => true,
                Err(Error::QueueFull) => false,
                Err(error) => panic!("{error}"),
            }
        })
        .collect();
    assert_eq!(outcomes, [true, true, false, false]);
    assert!(publisher.flush(Duration::from_millis(10)).is_err());
    drop(gate);
    publisher.flush(DEADLINE).unwrap();
    assert_eq!(called.load(Ordering::Relaxed), 2);
}

/// Lets another member go while it gives partitions up for it.
#[derive(Default)]
struct LetGo(Mutex<Option<Box<dyn Member>>>);

impl Rebalance for LetGo {
    fn assigned(&self, _: Vec<Assigned>) {}
    fn revoked(&self, _: Vec<TopicPartition>) {
        drop(lock(&self.0).take());
    }
    fn lost(&self, _: Vec<TopicPartition>) {}
    fn truncated(&self, _: TopicPartition, _: u64, _: u64) {}
}

/// Whoever was to have a partition leaves before its owner has given it up: the owner reads on there.
#[test]
fn a_partition_that_nobody_takes_over_is_read_on() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path(), Options::default()).unwrap();
    bus.ensure_topics(&[spec("t", 2)]).unwrap();
    let told = Arc::new(LetGo::default());
    let (mut first, _committer) = bus.join(options("g", "t"), told.clone()).unwrap();
    first.poll(Duration::ZERO, 1).unwrap();
    let (second, _other) = bus
        .join(options("g", "t"), Arc::new(LetGo::default()))
        .unwrap();
    *lock(&told.0) = Some(second);
    first.poll(Duration::ZERO, 1).unwrap();
    assert!(
        lock(&told.0).is_none(),
        "it was not asked to give anything up"
    );
    for partition in 0..2 {
        publish(&bus, &TopicPartition::new("t", partition), [noise(10, 1)]);
    }
    let mut read = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    while read.len() < 2 && Instant::now() < deadline {
        let polled = first.poll(Duration::from_millis(100), 1 << 20).unwrap();
        read.extend(polled.records.into_iter().map(|record| record.partition));
    }
    read.sort_unstable();
    assert_eq!(read, [0, 1]);
}

/// A record is read whole, but not one of each partition beyond the bound; and everybody has a turn.
#[test]
fn a_poll_of_many_partitions_keeps_to_its_bytes() {
    const PARTITIONS: u32 = 96;
    const RECORD_BYTES: usize = 30_000;
    const POLL_BYTES: usize = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path(), Options::default()).unwrap();
    bus.ensure_topics(&[spec("t", PARTITIONS)]).unwrap();
    let all: Vec<_> = (0..PARTITIONS)
        .map(|partition| TopicPartition::new("t", partition))
        .collect();
    for at in &all {
        publish(&bus, at, (0..3).map(|seed| noise(RECORD_BYTES, seed)));
    }
    let mut reader = bus.reader().unwrap();
    let from: Vec<_> = all.iter().map(|at| (at.clone(), 0)).collect();
    reader.assign(&from).unwrap();
    let mut read = vec![0; PARTITIONS as usize];
    while read.iter().sum::<usize>() < 3 * all.len() {
        let records = reader.poll(DEADLINE, POLL_BYTES).unwrap();
        let bytes: usize = records.iter().map(|record| record.value.len()).sum();
        assert!(bytes < POLL_BYTES + RECORD_BYTES, "{bytes} bytes at once");
        records
            .iter()
            .for_each(|record| read[record.partition as usize] += 1);
        let (least, most) = (read.iter().min().unwrap(), read.iter().max().unwrap());
        assert!(most - least <= 1, "{read:?}");
    }
}
