//! A tenant's budget of kept bytes: what its policies keep beyond it is kept with a probability only. Errors stay.
//!
//! The budget is one more rule of the statistics, asked about traces that policies keep. It counts their bytes from the log as `throughput` does, so the
//! probability is a function of the log too. A trace that stays has a threshold that says how many it stands for, those included that its policy's
//! own chance rejected.

use schemas::decisions::{UNKNOWN_THRESHOLD, Verdict};

use crate::policy::on_traces::consistent::threshold;
use crate::policy::on_traces::ruling::Ruling;
use crate::policy::on_traces::state::State;
use crate::policy::on_traces::trace_facts::TraceFacts;
use crate::stats::{EXEMPT, LIMITED};
use schemas::otlp::sampling::trace_id_randomness;

/// The budget that holds for a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DailyBudget {
    /// Index among the rules of the statistics.
    pub(in crate::policy) rule: usize,
}

impl DailyBudget {
    /// What the budget leaves of a ruling. `upstream`: the column of the threshold from upstream, among the trace's marks.
    pub(crate) fn limit(
        self,
        ruling: Ruling,
        upstream: Option<usize>,
        trace: &TraceFacts<'_>,
        state: &mut State,
        at_ms: u64,
    ) -> Ruling {
        if ruling.verdict != Verdict::Keep {
            return ruling;
        }
        let key = match trace.errors {
            0 => LIMITED,
            _ => EXEMPT,
        };
        state.asked[self.rule] = key;
        let duration_us = trace.duration_us();
        let rejected = (state.statistics).rejects(self.rule, key, duration_us, at_ms);
        if rejected <= 0.0 {
            return ruling;
        }
        // Of those that are kept, none is below these already.
        let known = ruling.threshold < UNKNOWN_THRESHOLD;
        let by_policy = if known { ruling.threshold } else { 0 };
        let sampled = upstream.and_then(|column| trace.marks.get(column)?.checked_sub(1));
        let before = by_policy.max(sampled.unwrap_or(0));
        let left = threshold(1.0) - before;
        let limit = before + (rejected.min(1.0) * left as f64).round() as u64;
        let randomness = match (ruling.randomness, trace.upstream) {
            (Some(asked), _) | (None, Some(asked)) => asked,
            (None, None) => trace_id_randomness(trace.id),
        };
        match randomness >= limit {
            true if known => Ruling {
                threshold: limit,
                ..ruling
            },
            true => ruling,
            false => Ruling::over_budget(),
        }
    }
}
