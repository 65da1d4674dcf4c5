//! Policies that ask for a rate by the trace's operation, or ask the statistics about its key.

use crate::policy::on_traces::consistent;
use crate::policy::on_traces::outcome::Outcome;
use crate::policy::on_traces::state::State;
use crate::policy::on_traces::trace_facts::TraceFacts;
use crate::stats::set_hash::mix;

/// `per_operation`.
#[derive(Debug)]
pub(in crate::policy) struct PerOperation {
    /// The column that says which rule is the trace's.
    pub(in crate::policy) column: usize,
    /// By rule, from 1; at 0 that of traces without one.
    pub(in crate::policy) thresholds: Vec<u64>,
}

impl PerOperation {
    pub(in crate::policy) fn outcome(&self, trace: &TraceFacts<'_>) -> Outcome {
        let rule = trace.marks[self.column] as usize;
        consistent::of_all(trace, self.thresholds[rule])
    }
}

/// A key: columns of the entry span's fields and of all spans' fields.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Key {
    pub(in crate::policy) entry: Option<usize>,
    pub(in crate::policy) all: Option<usize>,
}

impl Key {
    /// Never 0, which stands for "not asked".
    fn of(&self, trace: &TraceFacts<'_>) -> u64 {
        let number = |column: Option<usize>| column.map_or(0, |at| trace.marks[at]);
        match (number(self.entry), number(self.all)) {
            (0, number) | (number, 0) => number.max(1),
            (entry, all) => mix(entry, all),
        }
    }
}

/// `throughput`, `latency_outlier`, `novelty`, `floor`.
#[derive(Debug)]
pub(in crate::policy) struct StatisticRule {
    /// Index among the rules of the statistics.
    pub(in crate::policy) rule: usize,
    pub(in crate::policy) key: Key,
    /// Of those that let chance decide: the column of the threshold from upstream.
    pub(in crate::policy) chance: Option<usize>,
}

impl StatisticRule {
    pub(in crate::policy) fn outcome(
        &self,
        trace: &TraceFacts<'_>,
        state: &mut State,
        at_ms: u64,
    ) -> Outcome {
        let key = self.key.of(trace);
        state.asked[self.rule] = key;
        let rejected = state
            .statistics
            .rejects(self.rule, key, trace.duration_us(), at_ms);
        match self.chance {
            Some(upstream) => consistent::of_the_rest(trace, rejected, upstream),
            None => Outcome::sure(rejected < 1.0),
        }
    }
}
