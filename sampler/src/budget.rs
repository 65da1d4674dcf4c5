//! Rate budgets: one limit for the whole group, divided over the partitions by what they ask for.
//!
//! Each partition fills its own token bucket at limit × share, in stream time: `golang.org/x/time/rate` with a clock that replays. One
//! difference: a trace may be larger than a partition's share of the burst. It passes when the bucket is full, on credit, as long as it is
//! not larger than the burst of the whole group; with a share of 1 the results are those of the original.

use std::collections::BTreeMap;

/// A rate policy's limit, for the whole group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub per_second: f64,
    pub burst: f64,
    pub refill: Refill,
}

/// When tokens come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// All the time.
    Steady,
    /// A second's tokens at once, when the second begins; what was left of the last one is lost if `burst` is `per_second`.
    EachSecond,
}

/// One partition's part of one limit.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    limit: Limit,
    share: f64,
    tokens: f64,
    filled_ms: u64,
    asked: u64,
}

impl Bucket {
    pub(crate) fn new(limit: Limit, share: f64) -> Self {
        Self {
            limit,
            share,
            tokens: limit.burst * share,
            filled_ms: 0,
            asked: 0,
        }
    }

    pub(crate) fn allow(&mut self, tokens: u64, at_ms: u64) -> bool {
        self.asked = self.asked.saturating_add(tokens);
        self.fill(at_ms);
        let wanted = tokens as f64;
        let allowed =
            wanted <= self.limit.burst && self.tokens >= wanted.min(self.limit.burst * self.share);
        if allowed {
            self.tokens -= wanted;
        }
        allowed
    }

    fn fill(&mut self, at_ms: u64) {
        if at_ms > self.filled_ms {
            let seconds = match self.limit.refill {
                Refill::Steady => (at_ms - self.filled_ms) as f64 / 1000.0,
                Refill::EachSecond => (at_ms / 1000 - self.filled_ms / 1000) as f64,
            };
            self.tokens += seconds * self.limit.per_second * self.share;
            self.filled_ms = at_ms;
        }
        self.tokens = self.tokens.min(self.limit.burst * self.share);
    }

    pub(crate) fn set_share(&mut self, share: f64) {
        self.share = share.clamp(0.0, 1.0);
    }

    /// Tokens asked for since the last call.
    pub(crate) fn take_asked(&mut self) -> u64 {
        std::mem::take(&mut self.asked)
    }
}

/// The part of a process's limit that is divided evenly, so that a quiet partition can begin.
const EVEN_PART: f64 = 0.25;

/// New shares from the demands of the partitions that this process owns, out of `partitions` in all. By partition, then by budget.
///
/// What the owned partitions have together stays what it is, owned / all: the same whoever owns what, so that the limits
/// hold when processes come and go. A quarter is divided evenly, the rest by demand.
pub fn shares(demands: &BTreeMap<u32, Vec<u64>>, partitions: u32) -> BTreeMap<u32, Vec<f64>> {
    let owned = demands.len() as f64;
    let pool = owned / f64::from(partitions.max(1));
    let budgets = demands.values().map(Vec::len).max().unwrap_or(0);
    let totals: Vec<f64> = (0..budgets)
        .map(|budget| {
            demands
                .values()
                .map(|demand| demand.get(budget).copied().unwrap_or(0) as f64)
                .sum()
        })
        .collect();
    demands
        .iter()
        .map(|(&partition, demand)| {
            let shares = totals
                .iter()
                .enumerate()
                .map(|(budget, &total)| {
                    let even = 1.0 / owned;
                    let asked = demand.get(budget).copied().unwrap_or(0) as f64;
                    let part = if total > 0.0 {
                        EVEN_PART * even + (1.0 - EVEN_PART) * asked / total
                    } else {
                        even
                    };
                    pool * part
                })
                .collect();
            (partition, shares)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a bucket of 10/s and burst 20 for tokens at times.
    #[track_caller]
    fn check(share: f64, asks: &[(u64, u64, bool)]) {
        let limit = Limit {
            per_second: 10.0,
            burst: 20.0,
            refill: Refill::Steady,
        };
        let mut bucket = Bucket::new(limit, share);
        for &(at_ms, tokens, allowed) in asks {
            assert_eq!(
                bucket.allow(tokens, at_ms),
                allowed,
                "{tokens} tokens at {at_ms} ms"
            );
        }
    }

    #[test]
    fn a_bucket_begins_full_and_fills_in_stream_time() {
        check(
            1.0,
            &[
                (1000, 20, true),
                (1000, 1, false),
                (1099, 1, false),
                (1100, 1, true),
                (3000, 19, true),
                (3000, 1, false),
            ],
        );
    }

    #[test]
    fn seconds_are_filled_at_once() {
        let limit = Limit {
            per_second: 10.0,
            burst: 10.0,
            refill: Refill::EachSecond,
        };
        let mut bucket = Bucket::new(limit, 1.0);
        for (at_ms, tokens, allowed) in [
            (1000, 7, true),
            (1999, 4, false),
            (1999, 3, true),
            (2000, 10, true),
            (2500, 1, false),
            (9000, 11, false),
            (9000, 10, true),
        ] {
            assert_eq!(bucket.allow(tokens, at_ms), allowed, "{tokens} at {at_ms}");
        }
    }

    #[test]
    fn nothing_larger_than_the_burst_passes() {
        check(
            1.0,
            &[(1000, 21, false), (100_000, 21, false), (100_000, 20, true)],
        );
    }

    #[test]
    fn a_share_passes_a_large_trace_on_credit() {
        check(
            0.25,
            &[
                (1000, 20, true),
                (5000, 1, false),
                (7500, 1, true),
                (90_000, 21, false),
            ],
        );
    }

    #[test]
    fn time_that_goes_back_fills_nothing() {
        check(1.0, &[(5000, 20, true), (1000, 1, false), (5000, 1, false)]);
    }

    #[test]
    fn shares_keep_their_sum_and_follow_demand() {
        let demands = BTreeMap::from([
            (3, vec![90, 0]),
            (5, vec![10, 0]),
            (8, vec![0, 0]),
            (9, vec![0, 0]),
        ]);
        let shares = shares(&demands, 16);
        for budget in 0..2 {
            let sum: f64 = shares.values().map(|shares| shares[budget]).sum();
            assert!((sum - 0.25).abs() < 1e-9, "{sum}");
        }
        assert!((shares[&3][0] - 0.25 * (0.0625 + 0.675)).abs() < 1e-9);
        assert!((shares[&8][0] - 0.25 * 0.0625).abs() < 1e-9);
        assert!((shares[&8][1] - 1.0 / 16.0).abs() < 1e-9);
    }

    #[test]
    fn no_demand_and_no_budget_are_fine() {
        assert!(shares(&BTreeMap::new(), 16).is_empty());
        assert_eq!(
            shares(&BTreeMap::from([(0, vec![])]), 1)[&0],
            Vec::<f64>::new()
        );
    }
}
