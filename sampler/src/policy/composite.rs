//! `composite`: sub-policies in order, each with a part of one rate of spans.
//!
//! The first sub-policy that holds answers for the trace: it is kept when the sub-policy's part of this second has room for it, and isn't
//! when it has none; no later sub-policy is asked. Seconds are those of the stream.

use super::TraceFacts;
use super::outcome::{Answer, Outcome};
use super::rule::Rule;
use super::state::State;

#[derive(Debug)]
pub(super) struct Composite {
    /// Each with the index of its budget.
    pub(super) subs: Vec<(Rule, usize)>,
}

impl Composite {
    pub(super) fn outcome(&self, trace: &TraceFacts<'_>, state: &mut State, at_ms: u64) -> Outcome {
        for (rule, budget) in &self.subs {
            let outcome = rule.outcome(trace, state, at_ms);
            match outcome.answer {
                Answer::Failed => return outcome,
                Answer::Not => {}
                Answer::Holds => {
                    return Outcome::unknown(state.spend(*budget, trace.spans, at_ms));
                }
            }
        }
        Outcome::sure(false)
    }
}
