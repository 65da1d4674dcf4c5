//! The state machine: what totals come to, what isn't counted twice, and when they begin again.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::temporality::{DenseBuckets, Explicit, Exponential};

const LIMITS: StreamLimits = StreamLimits {
    max_streams: 3,
    max_stale_ms: 1000,
};

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new("metrics", partition)
}

fn number(time_ns: u64, value: f64) -> Delta {
    Delta {
        start_ns: time_ns - 1,
        time_ns,
        value: Total::Number(value),
    }
}

/// One request with one delta of stream `key`, accepted: the start and the total.
fn accepted(
    streams: &mut Streams,
    key: u128,
    now_ms: i64,
    delta: &Delta,
) -> Result<(u64, Total), Why> {
    let mut tentative = streams.begin();
    let answer = tentative.add(streams, &at(0), now_ms, key, delta);
    streams.accept(tentative);
    answer
}

#[test]
fn deltas_add_up() {
    let mut streams = Streams::new(LIMITS);
    for (time, total) in [(10, 2.0), (20, 4.0), (30, 6.0)] {
        let answer = accepted(&mut streams, 1, 0, &number(time, 2.0));
        assert_eq!(answer, Ok((9, Total::Number(total))));
    }
    assert_eq!(
        accepted(&mut streams, 1, 0, &number(30, 2.0)),
        Err(Why::Late)
    );
    assert_eq!(streams.count(), 1);
}

#[test]
fn what_is_not_accepted_is_not_counted() {
    let mut streams = Streams::new(LIMITS);
    accepted(&mut streams, 1, 0, &number(10, 2.0)).unwrap();
    let mut refused = streams.begin();
    for (time, total) in [(20, 4.0), (30, 6.0)] {
        let answer = refused.add(&streams, &at(0), 0, 1, &number(time, 2.0));
        assert_eq!(answer, Ok((9, Total::Number(total))));
    }
    drop(refused);
    // The same request once more.
    let answer = accepted(&mut streams, 1, 0, &number(20, 2.0));
    assert_eq!(answer, Ok((9, Total::Number(4.0))));
}

#[test]
fn streams_are_bounded_and_forgotten() {
    let mut streams = Streams::new(LIMITS);
    for key in 0..3 {
        accepted(&mut streams, key, 0, &number(10, 1.0)).unwrap();
    }
    assert_eq!(
        accepted(&mut streams, 3, 0, &number(10, 1.0)),
        Err(Why::Streams)
    );
    // Nothing came for a while: it begins again, and the others make room.
    let answer = accepted(&mut streams, 0, 1001, &number(50, 1.0));
    assert_eq!(answer, Ok((49, Total::Number(1.0))));
    assert_eq!(streams.count(), 1);
    assert!(accepted(&mut streams, 3, 1001, &number(50, 1.0)).is_ok());
    streams.forget(&[at(0)]);
    assert_eq!(streams.count(), 0);
}

#[test]
fn a_request_that_outlives_its_partition_changes_nothing() {
    let mut streams = Streams::new(LIMITS);
    let mut tentative = streams.begin();
    tentative
        .add(&streams, &at(0), 0, 1, &number(10, 1.0))
        .unwrap();
    tentative
        .add(&streams, &at(1), 0, 1, &number(10, 1.0))
        .unwrap();
    streams.forget(&[at(0)]);
    streams.accept(tentative);
    assert_eq!(streams.count(), 1);
    // The partition comes back, and its requests count again.
    accepted(&mut streams, 1, 0, &number(20, 1.0)).unwrap();
    assert_eq!(streams.count(), 2);
}

#[test]
fn an_ended_stream_begins_from_zero() {
    let mut streams = Streams::new(LIMITS);
    accepted(&mut streams, 1, 0, &number(10, 2.0)).unwrap();
    let mut tentative = streams.begin();
    tentative.end(&at(0), 1);
    let answer = tentative.add(&streams, &at(0), 0, 1, &number(30, 2.0));
    assert_eq!(answer, Ok((29, Total::Number(2.0))));
    streams.accept(tentative);
    assert_eq!(streams.count(), 1);
}

#[test]
fn histograms_add_up_while_their_bounds_stay() {
    let mut streams = Streams::new(LIMITS);
    let delta = |time_ns, bounds: &[f64]| Delta {
        start_ns: 1,
        time_ns,
        value: Total::Explicit(Explicit {
            count: 3,
            sum: Some(1.5),
            bounds: bounds.to_vec(),
            counts: vec![1, 2],
        }),
    };
    accepted(&mut streams, 1, 0, &delta(10, &[5.0])).unwrap();
    let (_, total) = accepted(&mut streams, 1, 0, &delta(20, &[5.0])).unwrap();
    let expected = Explicit {
        count: 6,
        sum: Some(3.0),
        bounds: vec![5.0],
        counts: vec![2, 4],
    };
    assert_eq!(total, Total::Explicit(expected));
    let (_, total) = accepted(&mut streams, 1, 0, &delta(30, &[6.0])).unwrap();
    assert_eq!(total, delta(30, &[6.0]).value);
}

fn exponential(scale: i32, offset: i32, counts: &[u64]) -> Exponential {
    Exponential {
        count: counts.iter().sum(),
        scale,
        positive: DenseBuckets {
            offset,
            counts: counts.to_vec(),
        },
        ..Exponential::default()
    }
}

#[track_caller]
fn check_exponential(a: Exponential, b: Exponential, expected: Exponential) {
    let mut streams = Streams::new(LIMITS);
    let delta = |time_ns, value| Delta {
        start_ns: 1,
        time_ns,
        value: Total::Exponential(value),
    };
    accepted(&mut streams, 1, 0, &delta(10, a)).unwrap();
    let (_, total) = accepted(&mut streams, 1, 0, &delta(20, b)).unwrap();
    assert_eq!(total, Total::Exponential(expected));
}

#[test]
fn exponential_histograms_meet_at_the_lower_scale() {
    check_exponential(
        exponential(1, -1, &[1, 2, 3]),
        exponential(1, 0, &[10, 0, 20]),
        exponential(1, -1, &[1, 12, 3, 20]),
    );
    // At scale 1 the indexes are -3..1, at scale 0 they are -2, -1, -1, 0, 0.
    check_exponential(
        exponential(1, -3, &[1, 2, 3, 4, 5]),
        exponential(0, 0, &[10]),
        exponential(0, -2, &[1, 5, 19]),
    );
    check_exponential(
        exponential(3, 5, &[0, 0]),
        exponential(3, 0, &[]),
        exponential(3, 0, &[]),
    );
    // 0 and 1000 are too far apart for 160 buckets: 1000 >> 3 is 125.
    check_exponential(exponential(8, 0, &[1]), exponential(8, 1000, &[2]), {
        let mut counts = vec![0; 126];
        (counts[0], counts[125]) = (1, 2);
        exponential(5, 0, &counts)
    });
    // As far apart as offsets can say, with a scale below what Prometheus takes: never an endless loop.
    check_exponential(
        exponential(0, i32::MIN, &[1]),
        exponential(0, i32::MAX, &[2]),
        {
            let mut counts = vec![0; 128];
            (counts[0], counts[127]) = (1, 2);
            exponential(-25, -64, &counts)
        },
    );
}
