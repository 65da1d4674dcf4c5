//! Statistics of a partition and its group, fed as the partition feeds them.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, RwLock};

use super::*;

const SECOND: u64 = 1000;

fn rules(kinds: Vec<Kind>) -> Arc<[Keyed]> {
    (1..)
        .zip(kinds)
        .map(|(identity, kind)| Keyed { identity, kind })
        .collect()
}

fn seen(keys: &[u64], time_ms: u64, kept: bool) -> Seen<'_> {
    Seen {
        keys,
        time_ms,
        duration_us: 10,
        spans: 3,
        bytes: 100,
        kept,
    }
}

fn novelty(first: u32) -> Kind {
    Kind::Novelty {
        first,
        interval_ms: SECOND,
    }
}

fn throughput(measure: Measure) -> Kind {
    let policy = Throughput {
        goal: Goal::PerSecond(10.0),
        method: Method::Ema { weight: 0.5 },
        interval_ms: SECOND,
        initial: 0.1,
        keys_max: 100,
    };
    Kind::Throughput(measure, policy)
}

#[test]
fn novelty_counts_what_is_seen_and_floor_what_is_kept() {
    let floor = Kind::Floor {
        least: 2,
        interval_ms: SECOND,
    };
    let mut statistics = Statistics::new(rules(vec![novelty(2), floor]), 1 << 20);
    let ask =
        |statistics: &Statistics, at_ms| [0, 1].map(|rule| statistics.rejects(rule, 7, 0, at_ms));
    assert_eq!(ask(&statistics, 5000), [0.0, 0.0]);
    statistics.observe(&seen(&[7, 7], 5000, true));
    statistics.observe(&seen(&[7, 7], 5001, false));
    assert_eq!(ask(&statistics, 5002), [1.0, 0.0]);
    statistics.observe(&seen(&[0, 7], 5002, true));
    assert_eq!(ask(&statistics, 5003), [1.0, 1.0]);
    assert_eq!(ask(&statistics, 6000), [0.0, 0.0]);
}

#[test]
fn what_others_saw_counts_after_an_epoch() {
    let rules = rules(vec![novelty(2)]);
    let group = Arc::new(RwLock::new(Group::new(&rules, 1 << 20)));
    let mut partitions = [(); 2].map(|()| {
        let mut statistics = Statistics::new(rules.clone(), 1 << 20);
        statistics.join(&group);
        statistics
    });
    let mut gathering = Gathering::new(rules);
    partitions[0].observe(&seen(&[7], 5000, true));
    partitions[0].observe(&seen(&[7], 5000, true));
    assert_eq!(partitions[0].rejects(0, 7, 0, 5000), 1.0);
    // At most that many once more in each partition within an epoch.
    assert_eq!(partitions[1].rejects(0, 7, 0, 5000), 0.0);
    let news: Vec<_> = partitions
        .iter_mut()
        .flat_map(Statistics::take_news)
        .collect();
    group.write().unwrap().update(&gathering.gather(news, 1.0));
    assert_eq!(partitions[1].rejects(0, 7, 0, 5000), 1.0);
    assert_eq!(partitions[1].rejects(0, 8, 0, 5000), 0.0);
    assert_eq!(partitions[1].rejects(0, 7, 0, 6000), 0.0);
}

#[test]
fn a_throughput_begins_with_its_initial_rate_and_follows_the_group() {
    for (measure, amount) in [
        (Measure::Traces, 1),
        (Measure::Spans, 3),
        (Measure::Bytes, 100),
    ] {
        let rules = rules(vec![throughput(measure)]);
        let group = Arc::new(RwLock::new(Group::new(&rules, 0)));
        let mut statistics = Statistics::new(rules.clone(), 0);
        statistics.join(&group);
        let mut gathering = Gathering::new(rules);
        assert_eq!(statistics.rejects(0, 7, 0, 5000), 0.9);
        for _ in 0..1000 {
            statistics.observe(&seen(&[7], 5000, true));
        }
        statistics.observe(&seen(&[7], 6000, true));
        let update = gathering.gather(statistics.take_news(), 1.0);
        group.write().unwrap().update(&update);
        let kept = 1.0 - statistics.rejects(0, 7, 0, 6000);
        assert!(
            (kept - 10.0 / (1000 * amount) as f64).abs() < 1e-9,
            "{kept}"
        );
        // A key that is new.
        assert_eq!(statistics.rejects(0, 8, 0, 6000), 0.0);
    }
}

#[test]
fn an_outlier_is_longer_than_usual() {
    let outlier = Kind::Outlier {
        quantile: 0.99,
        samples_min: 100,
        factor: 2.0,
        interval_ms: SECOND,
    };
    let mut statistics = Statistics::new(rules(vec![outlier]), 1 << 20);
    for _ in 0..100 {
        assert_eq!(statistics.rejects(0, 7, 1_000_000, 5000), 1.0);
        statistics.observe(&seen(&[7], 5000, false));
    }
    for (duration_us, rejects) in [(10, 1.0), (20, 1.0), (21, 0.0)] {
        assert_eq!(statistics.rejects(0, 7, duration_us, 5000), rejects);
    }
}

/// What a restart finds in the log gives the same statistics, though the log's beginning is not read.
#[test]
fn statistics_depend_on_no_more_than_their_reach() {
    let outlier = Kind::Outlier {
        quantile: 0.9,
        samples_min: 5,
        factor: 1.0,
        interval_ms: SECOND,
    };
    let rules = rules(vec![novelty(3), outlier]);
    let reach_ms = rules.iter().map(|rule| rule.kind.reach_ms()).max().unwrap();
    assert_eq!(reach_ms, 2 * SECOND);
    let mut rng = fastrand::Rng::with_seed(5);
    let mut time_ms = 0;
    let verdicts: Vec<_> = (0..5000)
        .map(|_| {
            time_ms += rng.u64(0..6);
            let key = rng.u64(1..6);
            ([key, key], time_ms, rng.u64(0..1000))
        })
        .collect();
    let run = |from_ms: u64| {
        let mut statistics = Statistics::new(rules.clone(), 1 << 20);
        for (keys, time_ms, duration_us) in verdicts.iter().filter(|verdict| verdict.1 >= from_ms) {
            let seen = Seen {
                duration_us: *duration_us,
                ..seen(keys, *time_ms, true)
            };
            statistics.observe(&seen);
        }
        statistics
    };
    let (whole, rest) = (run(0), run(time_ms - reach_ms));
    for key in 1..7 {
        for duration_us in (0..1200).step_by(7) {
            for rule in 0..2 {
                let ask =
                    |statistics: &Statistics| statistics.rejects(rule, key, duration_us, time_ms);
                assert_eq!(
                    ask(&whole),
                    ask(&rest),
                    "rule {rule}, key {key}, {duration_us}"
                );
            }
        }
    }
}

/// What novelty and outliers of 100,000 operations take: everything that is bounded by `statistics_limit`, in one partition.
#[test]
fn a_hundred_thousand_operations_stay_below_64_mib() {
    let outlier = Kind::Outlier {
        quantile: 0.99,
        samples_min: 100,
        factor: 1.0,
        interval_ms: 600 * SECOND,
    };
    let mut statistics = Statistics::new(rules(vec![novelty(1), outlier]), 64 << 20);
    let mut rng = fastrand::Rng::with_seed(3);
    let keys: Vec<u64> = (0..100_000).map(|_| rng.u64(1..)).collect();
    for round in 0..100 {
        for key in &keys {
            let keys = [*key, *key];
            let seen = Seen {
                // Over a factor of ten, and some far out.
                duration_us: (1000 + rng.u64(0..100) * rng.u64(0..100))
                    << (rng.u32(0..50) / 49 * 4),
                ..seen(&keys, 600 * SECOND + round, false)
            };
            statistics.observe(&seen);
        }
        statistics.take_news();
    }
    assert_eq!(statistics.keys(), 200_000);
    println!("100,000 operations: {} bytes", statistics.bytes());
    assert!(statistics.bytes() < 64 << 20, "{}", statistics.bytes());
}
