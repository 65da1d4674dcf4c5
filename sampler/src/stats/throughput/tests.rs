//! Rates that follow from counts, interval by interval.

use super::*;

fn policy(method: Method, goal: Goal) -> Throughput {
    Throughput {
        goal,
        method,
        interval_ms: 10_000,
        initial: 0.1,
        keys_max: 10,
    }
}

/// Feeds counts of keys 1, 2, … interval by interval; compares the rates that follow at the beginning of the next.
#[track_caller]
fn check(method: Method, goal: Goal, intervals: &[&[f64]], expected: &[f64]) {
    let mut counts = Counts::new(policy(method, goal));
    let mut rates = None;
    for (number, counted) in (100..).zip(intervals) {
        for (key, &count) in (1..).zip(*counted) {
            counts.add(key, number, count);
        }
        if let Some(new) = counts.rates(1.0) {
            rates = Some(new);
        }
    }
    counts.add(99, 100 + intervals.len() as u64, 0.5);
    if let Some(new) = counts.rates(1.0) {
        rates = Some(new);
    }
    let mut rates = rates.unwrap_or_default();
    rates.keys.sort_by_key(|&(key, _)| key);
    let found: Vec<_> = rates.keys.iter().map(|&(_, rate)| rate).collect();
    let close = found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(
        close && found.len() == expected.len(),
        "{found:?}, not {expected:?}"
    );
    assert_eq!(rates.others, 1.0);
}

#[test]
fn the_goal_is_a_throughput_or_a_share() {
    let ema = Method::Ema { weight: 0.5 };
    // 10 a second are 100 an interval.
    check(ema, Goal::PerSecond(10.0), &[&[1000.0]], &[0.1]);
    check(
        ema,
        Goal::PerSecond(10.0),
        &[&[1000.0], &[1000.0], &[1000.0]],
        &[0.1],
    );
    check(ema, Goal::PerSecond(10.0), &[&[50.0]], &[1.0]);
    check(ema, Goal::Share(0.25), &[&[1000.0, 1000.0]], &[0.25, 0.25]);
    // log10: 1 and 3, 25 and 75 of 100.
    check(ema, Goal::PerSecond(10.0), &[&[10.0, 1000.0]], &[1.0, 0.09]);
    let windowed = Method::Windowed { intervals: 3 };
    check(
        windowed,
        Goal::PerSecond(10.0),
        &[&[100.0, 1000.0]],
        &[0.5, 0.05],
    );
}

#[test]
fn averages_follow_their_method() {
    // (1 × 100 + ½ × 400) / 1.5 = 200.
    check(
        Method::Ema { weight: 0.5 },
        Goal::PerSecond(10.0),
        &[&[400.0], &[100.0]],
        &[0.5],
    );
    // Two of three intervals passed: (400 + 100) / 2 = 250.
    let windowed = Method::Windowed { intervals: 3 };
    check(
        windowed,
        Goal::PerSecond(10.0),
        &[&[400.0], &[100.0]],
        &[0.4],
    );
    check(
        windowed,
        Goal::PerSecond(10.0),
        &[&[9999.0], &[100.0], &[200.0], &[300.0]],
        &[0.5],
    );
    // A key that is gone leaves the window.
    check(
        windowed,
        Goal::PerSecond(10.0),
        &[&[0.0, 50.0], &[100.0], &[200.0], &[300.0]],
        &[0.5],
    );
}

#[test]
fn a_burst_is_acted_on_before_the_interval_is_over() {
    let mut counts = Counts::new(policy(Method::Ema { weight: 0.5 }, Goal::PerSecond(10.0)));
    counts.add(1, 5, 100.0);
    assert_eq!(counts.rates(1.0), None);
    counts.add(1, 6, 150.0);
    assert_eq!(
        counts.rates(1.0).map(|rates| rates.keys),
        Some(vec![(1, 1.0)])
    );
    assert_eq!(counts.rates(1.0), None);
    counts.add(1, 6, 1000.0);
    let rate = counts.rates(1.0).map(|rates| rates.keys[0].1);
    assert!(rate.is_some_and(|rate| rate < 0.15), "{rate:?}");
    assert_eq!(counts.rates(1.0), None);
}

#[test]
fn partitions_that_were_not_counted_are_like_the_others() {
    let mut counts = Counts::new(policy(Method::Ema { weight: 0.5 }, Goal::PerSecond(10.0)));
    counts.add(1, 5, 500.0);
    counts.add(1, 6, 1.0);
    assert_eq!(
        counts.rates(0.25).map(|rates| rates.keys),
        Some(vec![(1, 0.05)])
    );
}

#[test]
fn keys_and_intervals_are_bounded_and_what_is_too_old_is_left_out() {
    let mut counts = Counts::new(policy(
        Method::Windowed { intervals: 3 },
        Goal::PerSecond(10.0),
    ));
    for key in 1..1000 {
        counts.add(key, 5, 10.0);
    }
    counts.add(1, 6, 10.0);
    let rates = counts.rates(1.0).unwrap_or_default();
    assert_eq!(rates.keys.len(), 10);
    // 9,890 others share one part.
    assert!(rates.others < 0.01, "{}", rates.others);
    for interval in 7..1000 {
        counts.add(1, interval, 1.0);
        counts.add(1, 2, 1.0);
    }
    assert_eq!(counts.intervals.len(), 4);
}
