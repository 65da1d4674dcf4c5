//! What is new in a point, what isn't known to be, and what begins anew.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::temporality::cumulative::Streams;

const LIMITS: StreamLimits = StreamLimits {
    max_streams: 3,
    max_stale_ms: 1000,
};

fn at() -> TopicPartition {
    TopicPartition::new("metrics", 0)
}

fn point(start_ns: u64, time_ns: u64, value: i64) -> Delta {
    Delta {
        start_ns,
        time_ns,
        value: Total::Int(value),
    }
}

/// Since when, and how much.
type Becomes = Result<(u64, i64), Why>;

/// Points of one stream, one after the other, and what each becomes. The partition is ours from 100 on.
#[track_caller]
fn check(points: &[(Delta, Becomes)]) {
    let mut deltas = Deltas::new(LIMITS);
    deltas.own(&at(), 100);
    for (index, (point, expected)) in points.iter().enumerate() {
        let found = deltas.take(&at(), 0, 1, point);
        let expected = expected.map(|(start, value)| (start, Total::Int(value)));
        assert_eq!(found, expected, "point {index}");
    }
}

/// The documentation says what a stream takes.
#[test]
fn a_stream_takes_some_200_bytes() {
    assert!((100..=200).contains(&(size_of::<Last>() + size_of::<u128>())));
}

#[test]
fn a_stream_that_began_before_is_counted_from_its_second_point() {
    check(&[
        (point(50, 110, 7), Err(Why::Initial)),
        (point(50, 120, 9), Ok((110, 2))),
        (point(50, 130, 9), Ok((120, 0))),
    ]);
    // Unknown since when.
    check(&[
        (point(0, 110, 7), Err(Why::Initial)),
        (point(0, 120, 9), Ok((110, 2))),
    ]);
    check(&[(point(110, 110, 7), Err(Why::Initial))]);
}

#[test]
fn a_stream_that_began_since_is_counted_as_a_whole() {
    check(&[
        (point(100, 110, 7), Ok((100, 7))),
        (point(100, 120, 9), Ok((110, 2))),
    ]);
}

#[test]
fn a_stream_begins_anew_by_its_start() {
    check(&[
        (point(50, 110, 7), Err(Why::Initial)),
        (point(115, 120, 3), Ok((115, 3))),
        (point(115, 130, 5), Ok((120, 2))),
        (point(130, 140, 9), Ok((130, 9))),
    ]);
}

#[test]
fn a_value_that_falls_is_left_out_and_counted_from() {
    check(&[
        (point(100, 110, 7), Ok((100, 7))),
        (point(100, 120, 3), Err(Why::Reset)),
        (point(100, 130, 5), Ok((120, 2))),
    ]);
}

#[test]
fn what_is_not_newer_is_left_out() {
    check(&[
        (point(100, 110, 7), Ok((100, 7))),
        (point(100, 110, 7), Err(Why::Late)),
        (point(100, 105, 5), Err(Why::Late)),
        (point(100, 120, 8), Ok((110, 1))),
    ]);
}

#[test]
fn streams_are_bounded_and_forgotten() {
    let mut deltas = Deltas::new(LIMITS);
    deltas.own(&at(), 100);
    for key in 0..3 {
        deltas.take(&at(), 0, key, &point(100, 110, 1)).unwrap();
    }
    assert_eq!(
        deltas.take(&at(), 0, 3, &point(100, 110, 1)),
        Err(Why::Streams)
    );
    deltas.passes(&at(), 2_000);
    assert_eq!(deltas.count(), 0);
    assert!(deltas.take(&at(), 2_000, 3, &point(100, 110, 1)).is_ok());
    deltas.forget(&[at()]);
    assert_eq!(deltas.count(), 0);
    // Nothing is known of a partition that isn't ours.
    assert_eq!(
        deltas.take(&at(), 0, 0, &point(100, 110, 1)),
        Err(Why::Initial)
    );
}

#[test]
fn a_stream_that_was_forgotten_is_not_counted_twice() {
    let mut deltas = Deltas::new(LIMITS);
    let ms = 1_000_000;
    deltas.own(&at(), 100 * ms);
    let first = deltas.take(&at(), 120, 1, &point(110 * ms, 120 * ms, 7));
    assert_eq!(first, Ok((110 * ms, Total::Int(7))));
    deltas.passes(&at(), 5_000);
    assert_eq!(deltas.count(), 0);
    let back = deltas.take(&at(), 5_000, 1, &point(110 * ms, 5_000 * ms, 9));
    assert_eq!(back, Err(Why::Initial));
    // One that began after all that is new.
    let new = deltas.take(&at(), 5_000, 2, &point(4_000 * ms, 5_000 * ms, 9));
    assert_eq!(new, Ok((4_000 * ms, Total::Int(9))));
}

fn exponential_of(scale: i32, offset: i32, counts: &[u64]) -> Total {
    Total::Exponential(Exponential {
        count: counts.iter().sum(),
        scale,
        positive: DenseBuckets {
            offset,
            counts: counts.to_vec(),
        },
        ..Exponential::default()
    })
}

#[test]
fn exponential_histograms_lose_precision_and_are_taken_apart() {
    let last = exponential_of(1, -3, &[1, 2, 3, 4, 5]);
    // At scale 0 that is 1, 5, 9 from -2 on.
    let value = exponential_of(0, -2, &[1, 6, 9, 4]);
    let difference = exponential_of(0, -2, &[0, 1, 0, 4]);
    assert_eq!(minus(&value, &last), Ok(difference));
    assert_eq!(minus(&last, &value), Err(Why::Reset));
    assert_eq!(
        minus(&exponential_of(0, -1, &[9, 9]), &last),
        Err(Why::Reset)
    );
    assert_eq!(minus(&exponential_of(0, 0, &[]), &last), Err(Why::Reset));
    assert_eq!(minus(&last, &last), Ok(exponential_of(1, -3, &[0; 5])));
}

#[test]
fn histograms_with_other_buckets_are_counted_from() {
    let of = |bounds: &[f64], counts: &[u64]| {
        Total::Explicit(Explicit {
            count: counts.iter().sum(),
            sum: Some(2.0),
            bounds: bounds.to_vec(),
            counts: counts.to_vec(),
        })
    };
    let difference = minus(&of(&[1.0], &[3, 4]), &of(&[1.0], &[1, 4]));
    let Ok(Total::Explicit(found)) = difference else {
        panic!("{difference:?}");
    };
    assert_eq!(
        (found.count, found.sum, found.counts),
        (2, Some(0.0), vec![2, 0])
    );
    assert_eq!(
        minus(&of(&[2.0], &[3, 4]), &of(&[1.0], &[1, 4])),
        Err(Why::Buckets)
    );
    assert_eq!(
        minus(&of(&[1.0], &[0, 9]), &of(&[1.0], &[1, 4])),
        Err(Why::Reset)
    );
}

/// One point of a stream: how much comes, and whether the stream begins anew before.
fn steps() -> impl Strategy<Value = Vec<(Vec<u64>, bool)>> {
    proptest::collection::vec(
        (
            proptest::collection::vec(0u64..50, 4),
            proptest::bool::weighted(0.2),
        ),
        1..40,
    )
}

fn histogram(counts: &[u64]) -> Total {
    Total::Explicit(Explicit {
        count: counts.iter().sum(),
        sum: Some(counts.iter().sum::<u64>() as f64),
        bounds: vec![1.0, 2.0, 3.0],
        counts: counts.to_vec(),
    })
}

proptest! {
    /// What comes is what a plain sum says, over streams that begin anew: the deltas of totals are what was added, for numbers and
    /// histograms of both kinds.
    #[test]
    fn deltas_of_totals_are_what_was_added(steps in steps(), kind in 0..3) {
        let of = |counts: &[u64]| match kind {
            0 => Total::Int(counts.iter().sum::<u64>() as i64),
            1 => histogram(counts),
            _ => exponential_of(2, 5, counts),
        };
        let mut deltas = Deltas::new(LIMITS);
        deltas.own(&at(), 0);
        let (mut start_ns, mut totals) = (1, vec![0; 4]);
        for (index, (added, anew)) in steps.iter().enumerate() {
            let time_ns = 10 * (index as u64 + 1);
            if *anew {
                (start_ns, totals) = (time_ns - 5, vec![0; 4]);
            }
            totals.iter_mut().zip(added).for_each(|(total, more)| *total += more);
            let point = Delta { start_ns, time_ns, value: of(&totals) };
            let (since, found) = deltas.take(&at(), 0, 1, &point).unwrap();
            prop_assert_eq!(since, if *anew || index == 0 { start_ns } else { time_ns - 10 });
            let (expected, found) = (plain(&of(added)), plain(&found));
            prop_assert_eq!(found, expected);
        }
    }

    /// And back: totals of those deltas are the totals since the stream was first seen.
    #[test]
    fn totals_of_deltas_are_the_totals(steps in steps()) {
        let mut deltas = Deltas::new(LIMITS);
        deltas.own(&at(), 0);
        let mut streams = Streams::new(LIMITS);
        let mut totals = vec![0; 4];
        for (index, (added, _)) in steps.iter().enumerate() {
            totals.iter_mut().zip(added).for_each(|(total, more)| *total += more);
            let time_ns = 10 * (index as u64 + 1);
            let point = Delta { start_ns: 1, time_ns, value: histogram(&totals) };
            let (start_ns, value) = deltas.take(&at(), 0, 1, &point).unwrap();
            let mut tentative = streams.begin();
            let delta = Delta { start_ns, time_ns, value };
            let back = tentative.add(&streams, &at(), 0, 1, &delta).unwrap();
            streams.accept(tentative);
            prop_assert_eq!(back, (1, histogram(&totals)));
        }
    }
}

/// Counts by bucket, without empty ones.
fn plain(value: &Total) -> Vec<(i64, u64)> {
    let (offset, counts) = match value {
        Total::Int(value) => (0, vec![*value as u64]),
        Total::Number(value) => (0, vec![*value as u64]),
        Total::Explicit(value) => (0, value.counts.clone()),
        Total::Exponential(value) => (value.positive.offset, value.positive.counts.clone()),
    };
    let with_index = (i64::from(offset)..).zip(counts);
    with_index.filter(|(_, count)| *count > 0).collect()
}
