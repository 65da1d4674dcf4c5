//! `target_info`: what is known of a resource beside its `job` and `instance`, as a series that queries join with.
//!
//! A sample wherever a query may look for it: at the times of the resource's first and last points, and between them each half of Prometheus'
//! lookback. Its times only grow: several records of one resource have times that overlap, and receivers refuse samples out of order.

use std::collections::HashMap;

/// Half of Prometheus' default lookback of 5 minutes, in nanoseconds.
const INTERVAL_NS: u64 = 150_000_000_000;
/// What is further behind the last point than this many intervals gets no samples: receivers refuse what is older than an hour or so.
const INTERVALS_MAX: u64 = 48;
/// Resources whose newest sample is remembered. Beyond it all are forgotten: some samples may be out of order then.
const REMEMBERED_MAX: usize = 100_000;

/// The newest sample of each `target_info`, in milliseconds, of the resources of one backend.
#[derive(Debug, Default)]
pub struct Targets(HashMap<u128, i64>);

/// What one request adds to [`Targets`] once it is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTargets(HashMap<u128, i64>);

impl Targets {
    pub fn accept(&mut self, new: &NewTargets) {
        if self.0.len() + new.0.len() > REMEMBERED_MAX {
            self.0.clear();
        }
        self.0.extend(new.0.iter().map(|(key, time)| (*key, *time)));
    }
}

impl NewTargets {
    /// The times of samples that are still to be sent, in milliseconds, for points from `first_ns` to `last_ns`.
    pub fn times(&mut self, all: &Targets, key: u128, first_ns: u64, last_ns: u64) -> Vec<i64> {
        let newest = self.0.get(&key).or_else(|| all.0.get(&key)).copied();
        let earliest = last_ns.saturating_sub(INTERVALS_MAX * INTERVAL_NS);
        let between = (first_ns.max(earliest)..last_ns).step_by(INTERVAL_NS as usize);
        let times = between
            .chain([last_ns])
            .map(|time| (time / 1_000_000) as i64);
        let mut times: Vec<_> = times
            .filter(|time| newest.is_none_or(|newest| *time > newest))
            .collect();
        times.dedup();
        if let Some(last) = times.last() {
            self.0.insert(key, *last);
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn samples_are_dense_enough_and_only_grow() {
        let (mut all, mut new) = (Targets::default(), NewTargets::default());
        let mut times =
            |all: &Targets, first: u64, last: u64| new.times(all, 1, first * SECOND, last * SECOND);
        assert_eq!(times(&all, 1000, 1000), [1_000_000]);
        assert_eq!(times(&all, 1000, 1000), [0; 0]);
        assert_eq!(times(&all, 990, 1400), [1_140_000, 1_290_000, 1_400_000]);
        all.accept(&new);
        let mut new = NewTargets::default();
        assert_eq!(new.times(&all, 1, 0, 1_400 * SECOND), [0; 0]);
        assert_eq!(new.times(&all, 2, 5 * SECOND, 5 * SECOND), [5000]);
        // A time that is far off doesn't make millions of samples.
        let many = new.times(&all, 3, 0, 1_700_000_000 * SECOND).len();
        assert_eq!(many, 49);
        assert_eq!(
            NewTargets::default()
                .times(&all, 4, u64::MAX, u64::MAX)
                .len(),
            1
        );
    }
}
