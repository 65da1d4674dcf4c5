//! What waits, and which batches come of it.
#![allow(clippy::unwrap_used)]
use bus::Fetched;
use bytes::Bytes;

use super::*;

fn entry(partition: u32, offset: u64, bytes: usize, items: usize) -> Entry {
    Entry::holding(
        Fetched {
            topic: "t".into(),
            partition,
            offset,
            timestamp_ms: 0,
            headers: vec![],
            value: Bytes::from(vec![0; bytes]),
        },
        items,
    )
}

fn limits(bytes: usize, items: usize) -> BatchLimits {
    BatchLimits {
        bytes,
        items,
        timeout: Duration::from_millis(200),
        waiting_bytes: None,
    }
}

fn offsets(batch: &Batch) -> Vec<u64> {
    batch.entries.iter().map(|e| e.record.offset).collect()
}

/// Sizes in, batches out.
#[track_caller]
fn check(limits: BatchLimits, entries: &[(usize, usize)], expected: &[&[u64]]) {
    let mut waiting = Waiting::new(limits, Grouping::None);
    let now = Instant::now();
    for (offset, (bytes, items)) in entries.iter().enumerate() {
        waiting.push(entry(0, offset as u64, *bytes, *items), now);
    }
    let batches: Vec<_> = std::iter::from_fn(|| waiting.take(now)).collect();
    let found: Vec<_> = batches.iter().map(offsets).collect();
    assert_eq!(found, expected);
    assert_eq!((waiting.bytes, waiting.items), (0, 0));
}

#[test]
fn a_batch_ends_before_its_limits_are_passed() {
    check(
        limits(100, 99),
        &[(40, 1), (60, 1), (1, 1)],
        &[&[0, 1], &[2]],
    );
    check(limits(100, 99), &[(40, 1), (61, 1)], &[&[0], &[1]]);
    check(limits(100, 99), &[(500, 1), (1, 1)], &[&[0], &[1]]);
    check(limits(100, 3), &[(1, 2), (1, 1), (1, 1)], &[&[0, 1], &[2]]);
    check(limits(100, 3), &[(1, 9)], &[&[0]]);
}

#[test]
fn a_batch_is_due_when_full_or_old() {
    let mut waiting = Waiting::new(limits(100, 99), Grouping::None);
    let start = Instant::now();
    assert_eq!(waiting.due_in(start), None);
    waiting.push(entry(0, 0, 10, 1), start);
    waiting.push(entry(0, 1, 10, 1), start + Duration::from_millis(150));
    assert_eq!(waiting.due_in(start), Some(Duration::from_millis(200)));
    let later = start + Duration::from_millis(200);
    assert_eq!(waiting.due_in(later), Some(Duration::ZERO));
    waiting.take(later);
    waiting.push(entry(0, 2, 100, 1), start);
    assert_eq!(waiting.due_in(start), Some(Duration::ZERO));
}

#[test]
fn a_defective_record_stands_alone() {
    let mut waiting = Waiting::new(limits(100, 99), Grouping::None);
    let now = Instant::now();
    for offset in 0..4 {
        let mut entry = entry(0, offset, 1, 1);
        entry.defect = (offset == 1).then(|| "bad".into());
        waiting.push(entry, now);
    }
    let batches: Vec<_> = std::iter::from_fn(|| waiting.take(now)).collect();
    let found: Vec<_> = batches.iter().map(offsets).collect();
    assert_eq!(found, [vec![0], vec![1], vec![2, 3]]);
    assert_eq!(batches[1].defect(), Some("bad"));
}

#[test]
fn batches_are_of_one_tenant_where_the_backend_is_told() {
    let mut waiting = Waiting::new(limits(100, 3), Grouping::Tenant);
    let now = Instant::now();
    for (offset, tenant) in ["a", "", "b", "a", "a", "", "a"].into_iter().enumerate() {
        let mut entry = entry(0, offset as u64, 1, 1);
        if !tenant.is_empty() {
            entry.record.headers.push(bus::Header {
                name: schemas::headers::TENANT.into(),
                value: Bytes::from_static(tenant.as_bytes()),
            });
        }
        waiting.push(entry, now);
    }
    let batches: Vec<_> = std::iter::from_fn(|| waiting.take(now)).collect();
    let found: Vec<_> = batches.iter().map(offsets).collect();
    assert_eq!(found, [vec![0, 3, 4], vec![1, 5], vec![2], vec![6]]);
    assert_eq!((waiting.bytes, waiting.items), (0, 0));
}

#[test]
fn what_is_given_up_no_longer_counts() {
    let mut waiting = Waiting::new(limits(100, 99), Grouping::None);
    let now = Instant::now();
    waiting.push(entry(0, 0, 60, 1), now);
    waiting.push(entry(1, 0, 60, 1), now);
    assert!(waiting.is_full());
    waiting.give_up(&[TopicPartition::new("t", 0)]);
    assert!(!waiting.is_full());
    let batch = waiting.take(now).unwrap();
    assert_eq!(batch.entries[0].record.partition, 1);
    assert!(waiting.take(now).is_none());
}

fn of(partition: u32, offsets: &[u64], waiting: &mut Waiting, now: Instant) {
    for offset in offsets {
        waiting.push(entry(partition, *offset, 10, 1), now);
    }
}

#[test]
fn batches_are_of_one_partition_where_the_backend_recognizes_them() {
    let (mut waiting, now) = (
        Waiting::new(limits(30, 99), Grouping::Partition),
        Instant::now(),
    );
    of(0, &[1, 2], &mut waiting, now);
    of(1, &[1, 2, 3, 4], &mut waiting, now);
    of(0, &[3], &mut waiting, now);
    let batches: Vec<_> = std::iter::from_fn(|| waiting.take(now)).collect();
    let found: Vec<_> = (batches.iter())
        .map(|batch| (batch.range().unwrap().partition, offsets(batch)))
        .collect();
    assert_eq!(
        found,
        [(1, vec![1, 2, 3]), (0, vec![1, 2, 3]), (1, vec![4])]
    );
}

/// Partition 0 has a batch that goes up to offset 5, whatever the limits are now.
#[test]
fn a_batch_is_made_again_as_it_was() {
    let (mut waiting, now) = (
        Waiting::new(limits(30, 99), Grouping::Partition),
        Instant::now(),
    );
    waiting.remake(0, 5);
    of(0, &[1, 2, 3, 4], &mut waiting, now);
    assert!(waiting.take(now).is_none() && waiting.due_in(now).is_none());
    assert!(!waiting.is_full(), "or the rest would never be read");
    of(1, &[7], &mut waiting, now);
    assert_eq!(waiting.due_in(now), Some(Duration::from_millis(200)));
    assert_eq!(offsets(&waiting.take(now).unwrap()), [7], "others go on");
    of(0, &[5, 6], &mut waiting, now);
    assert_eq!(waiting.due_in(now), Some(Duration::ZERO));
    assert_eq!(offsets(&waiting.take(now).unwrap()), [1, 2, 3, 4, 5]);
    assert_eq!(offsets(&waiting.take(now).unwrap()), [6]);
}

#[test]
fn the_end_of_a_batch_may_be_skipped_or_gone() {
    let (mut waiting, now) = (
        Waiting::new(limits(30, 99), Grouping::Partition),
        Instant::now(),
    );
    waiting.remake(0, 5);
    of(0, &[1], &mut waiting, now);
    waiting.skip(0, 5);
    assert_eq!(offsets(&waiting.take(now).unwrap()), [1]);
    // Retention has deleted all of it.
    waiting.remake(0, 5);
    of(0, &[8, 9], &mut waiting, now);
    assert_eq!(offsets(&waiting.take(now).unwrap()), [8, 9]);
    // It went to another process.
    waiting.remake(0, 20);
    of(0, &[12], &mut waiting, now);
    waiting.forget_remaking(0);
    assert_eq!(offsets(&waiting.take(now).unwrap()), [12]);
}

/// Each partition may grow to this, whatever the others hold.
fn rolling(bytes: usize) -> BatchLimits {
    BatchLimits {
        waiting_bytes: Some(usize::MAX),
        ..limits(bytes, usize::MAX)
    }
}

fn taken(waiting: &mut Waiting, now: Instant) -> (u32, Vec<u64>) {
    let batch = waiting.take(now).unwrap();
    (batch.range().unwrap().partition, offsets(&batch))
}

#[test]
fn each_partition_grows_to_the_limits() {
    let (mut waiting, now) = (
        Waiting::new(rolling(30), Grouping::Partition),
        Instant::now(),
    );
    of(0, &[1, 2], &mut waiting, now);
    of(1, &[1, 2], &mut waiting, now);
    of(2, &[1], &mut waiting, now);
    assert!(!waiting.is_full());
    assert_eq!(waiting.due_in(now), Some(Duration::from_millis(200)));
    of(1, &[3], &mut waiting, now);
    assert_eq!(waiting.due_in(now), Some(Duration::ZERO));
    assert_eq!(taken(&mut waiting, now), (1, vec![1, 2, 3]));
    assert!(!waiting.is_full() && waiting.bytes_ready() == 30);
    // The oldest has waited for long enough, and goes before one that is full.
    let later = now + Duration::from_millis(200);
    of(2, &[2, 3, 4], &mut waiting, later);
    assert_eq!(taken(&mut waiting, later), (0, vec![1, 2]));
    assert_eq!(taken(&mut waiting, later), (2, vec![1, 2, 3]));
}

/// Without a bound of their own, partitions share the room of one batch: the largest goes.
#[test]
fn partitions_share_the_room_of_a_batch() {
    let (mut waiting, now) = (
        Waiting::new(limits(40, 99), Grouping::Partition),
        Instant::now(),
    );
    of(0, &[1], &mut waiting, now);
    of(1, &[1, 2], &mut waiting, now);
    assert!(!waiting.is_full());
    of(2, &[1], &mut waiting, now);
    assert!(waiting.is_full());
    assert_eq!(taken(&mut waiting, now), (1, vec![1, 2]));
    assert!(!waiting.is_full());
}

#[test]
fn the_largest_is_closed_to_make_room() {
    let (mut waiting, now) = (
        Waiting::new(rolling(1000), Grouping::Partition),
        Instant::now(),
    );
    of(0, &[1], &mut waiting, now);
    of(1, &[1, 2], &mut waiting, now);
    // What isn't read to its end yet can't go, however large it is.
    waiting.remake(2, 9);
    of(2, &[1, 2, 3, 4], &mut waiting, now);
    assert_eq!((waiting.largest(), waiting.bytes_ready()), (20, 30));
    waiting.close_largest();
    assert_eq!(taken(&mut waiting, now), (1, vec![1, 2]));
    assert!(!waiting.is_full(), "closed once");
    of(2, &[9], &mut waiting, now);
    assert_eq!(taken(&mut waiting, now), (2, vec![1, 2, 3, 4, 9]));
}

/// The end of a batch that is made again may be skipped when nothing of it waits: nothing hangs on it.
#[test]
fn a_batch_of_nothing_holds_up_nobody() {
    let (mut waiting, now) = (
        Waiting::new(rolling(1000), Grouping::Partition),
        Instant::now(),
    );
    waiting.remake(0, 5);
    waiting.skip(0, 5);
    of(1, &[1], &mut waiting, now);
    assert_eq!(waiting.due_in(now), Some(Duration::from_millis(200)));
    let later = now + Duration::from_millis(200);
    assert_eq!(taken(&mut waiting, later), (1, vec![1]));
}

mod model {
    use proptest::prelude::*;

    use super::*;

    const ROOM: usize = 100;

    #[derive(Clone, Debug)]
    enum Op {
        Push(u32, usize),
        Wait(u64),
        Take,
        Close,
        GiveUp(u32),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            6 => (0..4_u32, prop_oneof![4 => 1..40_usize, 1 => 90..300_usize]).prop_map(|(at, bytes)| Op::Push(at, bytes)),
            1 => (0..150_u64).prop_map(Op::Wait),
            4 => Just(Op::Take),
            1 => Just(Op::Close),
            1 => (0..4_u32).prop_map(Op::GiveUp),
        ]
    }

    proptest! {
        /// Against a plain list: each batch begins with what waits longest of its partition and leaves nothing out, fits unless it is one record, and is of
        /// a partition that is due.
        #[test]
        fn batches_are_whole_and_due(ops in prop::collection::vec(op(), 1..120), is_rolling: bool) {
            let limits = if is_rolling { rolling(ROOM) } else { limits(ROOM, usize::MAX) };
            let mut waiting = Waiting::new(limits, Grouping::Partition);
            let mut plain: Vec<(u32, u64, usize, Instant)> = Vec::new();
            let (mut now, mut next) = (Instant::now(), 0);
            for op in ops {
                match op {
                    Op::Push(partition, bytes) => {
                        waiting.push(entry(partition, next, bytes, 1), now);
                        plain.push((partition, next, bytes, now));
                        next += 1;
                    }
                    Op::Wait(millis) => now += Duration::from_millis(millis),
                    Op::Close => waiting.close_largest(),
                    Op::GiveUp(partition) => {
                        waiting.give_up(&[TopicPartition::new("t", partition)]);
                        plain.retain(|(at, ..)| *at != partition);
                    }
                    Op::Take => {
                        let is_due = waiting.due_in(now) == Some(Duration::ZERO);
                        let Some(batch) = waiting.take(now) else {
                            prop_assert!(plain.is_empty());
                            continue;
                        };
                        let partition = batch.range().unwrap().partition;
                        let of = |at: u32| plain.iter().filter(move |(of, ..)| *of == at);
                        let size = |at: u32| of(at).map(|(_, _, bytes, _)| *bytes).sum::<usize>();
                        let oldest = plain[0];
                        let is_overdue = now >= oldest.3 + Duration::from_millis(200);
                        if is_overdue {
                            prop_assert_eq!(partition, oldest.0);
                        } else if is_due && (0..4).any(|at| size(at) >= ROOM) {
                            let largest = (0..4).map(size).max().unwrap();
                            prop_assert!(size(partition) == largest);
                        }
                        let expected: Vec<u64> = of(partition).map(|(_, offset, ..)| *offset).collect();
                        let found = offsets(&batch);
                        prop_assert_eq!(&expected[..found.len()], &found[..]);
                        prop_assert!(batch.bytes <= ROOM || found.len() == 1);
                        let rest = of(partition).nth(found.len()).map(|(_, _, bytes, _)| *bytes);
                        prop_assert!(rest.is_none_or(|bytes| batch.bytes + bytes > ROOM), "it could be larger");
                        plain.retain(|(_, offset, ..)| !found.contains(offset));
                    }
                }
                let all: usize = plain.iter().map(|(_, _, bytes, _)| bytes).sum();
                prop_assert_eq!(waiting.bytes_ready(), all);
                prop_assert!(is_rolling || all < ROOM || waiting.is_full());
            }
        }
    }
}
