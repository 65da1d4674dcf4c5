use bytes::Bytes;

use super::*;

/// What one record takes that the bus gave: its value by itself, in the allocator's size class.
const ONE: usize = 1125 + RECORD_OVERHEAD;

fn record(offset: u64) -> RawRecord {
    RawRecord {
        offset,
        timestamp_ms: 0,
        tenant: None,
        value: Bytes::from(vec![0; 1000]),
    }
}

/// Offsets that come out from `at` on, up to the first that is missing.
fn drain(cache: &mut RecordCache, mut at: u64) -> (Vec<u64>, u64) {
    let mut offsets = Vec::new();
    loop {
        match cache.next(at, u64::MAX) {
            Next::Record(record) => {
                offsets.push(record.offset);
                at = record.offset + 1;
            }
            Next::Nothing(end) => at = end,
            Next::Missing => return (offsets, at),
        }
    }
}

#[test]
fn what_is_in_stays_and_what_does_not_fit_is_missing() {
    let mut cache = RecordCache::new(4 * ONE, false);
    for offset in 0..10 {
        cache.admit(record(offset), offset);
    }
    assert_eq!(cache.bytes(), 4 * ONE);
    assert_eq!(drain(&mut cache, 0), (vec![0, 1, 2, 3], 4));
    assert_eq!(cache.missing(4), Some(4..u64::MAX));
    // Room again: what comes at the head is admitted behind the gap.
    cache.admit(record(10), 10);
    assert_eq!(cache.missing(4), Some(4..10));
    cache.supply([record(4), record(6)], 4, 7);
    assert_eq!(cache.missing(4), Some(7..10));
    cache.supply([record(7), record(9)], 4, 12);
    assert_eq!(drain(&mut cache, 4), (vec![4, 6, 7, 9, 10], 11));
    assert_eq!(cache.bytes(), 0);
}

/// A record may pin more than itself, and the cache must not.
#[test]
fn what_is_in_pins_nothing_of_the_bus() {
    let fetched = Bytes::from(vec![7; 100_000]);
    let mut cache = RecordCache::new(1 << 20, true);
    for offset in 0..10 {
        let value = fetched.slice(..1000);
        cache.admit(
            RawRecord {
                value,
                ..record(offset)
            },
            offset,
        );
    }
    assert!(fetched.is_unique(), "the fetch buffer is still held");
    match cache.next(0, u64::MAX) {
        Next::Record(first) => assert_eq!(first.value, vec![7; 1000]),
        other => panic!("{other:?}"),
    }
}

/// What is known of a record counts as long as the record is there, and places beyond it do no harm.
#[test]
fn starts_are_counted() {
    let mut cache = RecordCache::new(ONE, false);
    cache.know_starts(0, &[3]);
    cache.admit(record(0), 0);
    cache.know_starts(0, &[3, 400, 990, u32::MAX]);
    assert_eq!(cache.bytes(), ONE + 16);
    // No room for it, so nothing is noted of it either.
    cache.admit(record(1), 1);
    cache.know_starts(1, &[3, 400]);
    assert_eq!(cache.bytes(), ONE + 16);
    assert_eq!(drain(&mut cache, 0), (vec![0], 1));
    assert_eq!(cache.bytes(), 0);
}

/// What stands at the limit or behind it stays.
#[test]
fn nothing_comes_out_beyond_the_limit() {
    let mut cache = RecordCache::new(1 << 20, true);
    cache.admit(record(3), 0);
    cache.admit(record(8), 4);
    assert!(matches!(cache.next(0, 3), Next::Nothing(3)));
    assert!(matches!(cache.next(3, 8), Next::Record(first) if first.offset == 3));
    assert!(matches!(cache.next(4, 8), Next::Nothing(8)));
    assert_eq!(drain(&mut cache, 8), (vec![8], 9));
}

#[test]
fn gaps_in_offsets_are_no_gaps_in_the_cache() {
    let mut cache = RecordCache::new(1 << 20, true);
    cache.admit(record(3), 0);
    cache.admit(record(8), 4);
    assert_eq!(cache.missing(0), Some(9..u64::MAX));
    assert_eq!(drain(&mut cache, 0), (vec![3, 8], 9));
}

#[test]
fn repeated_and_foreign_supplies_change_nothing() {
    let mut cache = RecordCache::new(1 << 20, true);
    cache.admit(record(0), 0);
    cache.supply([record(0)], 0, 1);
    cache.supply([record(5), record(5), record(2)], 0, 6);
    assert_eq!(drain(&mut cache, 0), (vec![0, 5], 6));
    assert_eq!(cache.bytes(), 0);
}

/// Partitions came: the newest go, the oldest stay for the emit cursor, and what went is read again.
#[test]
fn the_newest_go_when_the_bound_falls() {
    let mut cache = RecordCache::new(10 * ONE, false);
    for offset in [0, 1, 2, 5, 6, 7] {
        cache.admit(record(offset), if offset == 5 { 3 } else { offset });
    }
    cache.set_bytes_max(3 * ONE);
    assert_eq!(cache.bytes(), 3 * ONE);
    // Nothing is known of 5 and above; that 3 and 4 don't exist still is.
    cache.admit(record(8), 8);
    assert_eq!(drain(&mut cache, 0), (vec![0, 1, 2], 5));
    cache.admit(record(9), 9);
    assert_eq!(cache.missing(5), Some(5..9));
    cache.supply([record(5), record(6), record(7), record(8)], 5, 9);
    assert_eq!(drain(&mut cache, 5), (vec![5, 6, 7, 8, 9], 10));
    // A bound that rises, or stays, lets nothing go; not even what was read again beyond it.
    cache.supply([record(10), record(11), record(12), record(13)], 10, 14);
    cache.set_bytes_max(3 * ONE);
    cache.set_bytes_max(10 * ONE);
    assert_eq!(drain(&mut cache, 10), (vec![10, 11, 12, 13], 14));
    assert_eq!(cache.bytes(), 0);
}

/// With a small bound, chunks are small too.
#[test]
fn chunks_are_within_the_bound() {
    let bound = 64 << 10;
    let mut cache = RecordCache::new(bound, true);
    for offset in 0..200 {
        cache.admit(record(offset), offset);
        assert!(cache.chunk.capacity() <= bound / 16);
    }
    assert!(cache.bytes() + 2 * (bound / 16) <= bound);
}
