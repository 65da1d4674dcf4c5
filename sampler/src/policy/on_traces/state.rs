//! What policies remember in one partition from trace to trace.

use std::sync::{Arc, Mutex};

use crate::budget::{Budgets, Limit, Purse};
use crate::policy::on_spans::conditions::Failures;
use crate::policy::on_traces::chance::Chance;
use crate::policy::on_traces::trace_facts::TraceFacts;
use crate::stats::{Keyed, Seen, Statistics};

/// What policies remember things for: their rate limits and the rules of their statistics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembered<'a> {
    pub(crate) limits: &'a [Limit],
    pub(crate) keyed: &'a [Keyed],
}

#[derive(Debug)]
pub(crate) struct State {
    budgets: Purse,
    pub(crate) statistics: Statistics,
    /// By rule of the statistics: the key that the trace ruled on last asked about; 0: it didn't.
    pub(in crate::policy) asked: Vec<u64>,
    /// By which the trace ruled on last might be kept.
    pub(in crate::policy) chances: Vec<Chance>,
    /// By policy: evaluations of conditions that failed, since the last take.
    pub(crate) failures: Failures,
    /// Of the last ruling, see [`State::matched`].
    pub(in crate::policy) matched: Vec<u16>,
}

impl State {
    /// Of one partition of so many.
    pub(crate) fn new(policies: Remembered<'_>, partitions: u32, statistics_bytes: usize) -> Self {
        Self {
            budgets: Purse::new(policies.limits, partitions),
            statistics: Statistics::new(policies.keyed.into(), statistics_bytes),
            asked: vec![0; policies.keyed.len()],
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

    /// Another configuration: budgets with the same limit and statistics of the same keys go on where they stand, other budgets begin full.
    pub(crate) fn carried_over(
        &mut self,
        after: Remembered<'_>,
        partitions: u32,
        statistics_bytes: usize,
    ) -> Self {
        let mut carried = Self::new(after, partitions, statistics_bytes);
        carried.statistics.adopt(&mut self.statistics);
        carried.budgets = self.budgets.carried_over(after.limits, partitions);
        carried
    }

    /// The budgets of the process are spent from now on.
    pub(crate) fn join_budgets(&mut self, budgets: &Arc<Mutex<Budgets>>) {
        self.budgets.join(budgets);
    }

    /// Whether the budget has so many tokens at that time; they are spent then.
    pub(in crate::policy) fn spend(&mut self, budget: usize, tokens: u64, at_ms: u64) -> bool {
        self.budgets.spend(budget, tokens, at_ms)
    }
}
