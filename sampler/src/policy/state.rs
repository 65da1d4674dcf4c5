//! What policies remember in one partition from trace to trace.

use super::chance::Chance;
use super::conditions::Failures;
use super::{Policies, TraceFacts};
use crate::budget::Bucket;
use crate::stats::{Seen, Statistics};

#[derive(Debug)]
pub(crate) struct State {
    buckets: Vec<Bucket>,
    pub(crate) statistics: Statistics,
    /// By rule of the statistics: the key that the trace ruled on last asked about; 0: it didn't.
    pub(super) asked: Vec<u64>,
    /// By which the trace ruled on last might be kept.
    pub(super) chances: Vec<Chance>,
    /// By policy: evaluations of conditions that failed, since the last take.
    pub(crate) failures: Failures,
    /// Of the last ruling, see [`State::matched`].
    pub(super) matched: Vec<u16>,
}

impl State {
    /// `share`: the partition's part of each limit to begin with.
    pub(crate) fn new(policies: &Policies, share: f64, statistics_bytes: usize) -> Self {
        let buckets = policies.limits.iter();
        Self {
            buckets: buckets.map(|&limit| Bucket::new(limit, share)).collect(),
            statistics: Statistics::new(policies.keyed().into(), statistics_bytes),
            asked: vec![0; policies.keyed().len()],
            chances: Vec::new(),
            failures: Failures::new(),
            matched: Vec::new(),
        }
    }

    /// What the trace that was ruled on last asked the statistics.
    pub(crate) fn asked(&self) -> &[u64] {
        &self.asked
    }

    /// The verdict on the trace that was ruled on last.
    pub(crate) fn remember(&mut self, trace: &TraceFacts<'_>, kept: bool, time_ms: u64) {
        self.statistics.observe(&Seen {
            keys: &self.asked,
            time_ms,
            duration_us: trace.duration_us(),
            spans: trace.spans,
            bytes: trace.bytes,
            kept,
        });
    }

    /// The policies whose rule held for the trace that was ruled on last, by index in the configuration: drop policies first, then
    /// in order. Shadow policies are among them. What lies behind a drop policy that held, and what would have spent a budget behind
    /// the first match of `sample_on_first_match`, was not asked.
    pub(crate) fn matched(&self) -> &[u16] {
        &self.matched
    }

    /// Nobody has been asked about the next trace.
    pub(crate) fn clear(&mut self) {
        self.matched.clear();
        self.chances.clear();
        self.asked.fill(0);
    }

    /// Another configuration: budgets with the same limit and statistics of the same keys go on where they stand, other budgets begin with their share.
    pub(crate) fn carried_over(
        &mut self,
        before: &Policies,
        after: &Policies,
        share: f64,
        statistics_bytes: usize,
    ) -> Self {
        let mut buckets: Vec<_> = self.buckets.drain(..).map(Some).collect();
        let mut carried = Self::new(after, share, statistics_bytes);
        carried.statistics.adopt(&mut self.statistics);
        for (limit, bucket) in after.limits.iter().zip(&mut carried.buckets) {
            let mut known = before.limits.iter().zip(&mut buckets);
            let same = known.find(|(known, bucket)| *known == limit && bucket.is_some());
            if let Some(before) = same.and_then(|(_, bucket)| bucket.take()) {
                *bucket = before;
            }
        }
        carried
    }

    pub(super) fn budget(&mut self, at: usize) -> &mut Bucket {
        &mut self.buckets[at]
    }

    /// By budget: tokens asked for since the last call.
    pub(crate) fn demand(&mut self) -> Vec<u64> {
        self.buckets.iter_mut().map(Bucket::take_asked).collect()
    }

    /// By budget: this partition's share of the limit.
    pub(crate) fn set_shares(&mut self, shares: &[f64]) {
        for (bucket, &share) in self.buckets.iter_mut().zip(shares) {
            bucket.set_share(share);
        }
    }
}
