//! The ruling: what all policies together say about a trace.

use schemas::decisions::{UNKNOWN_THRESHOLD, Verdict};

use crate::policy::on_traces::chance::Chance;
use crate::policy::on_traces::outcome::Answer;
use crate::policy::on_traces::probability::randomness;
use crate::policy::on_traces::state::State;
use crate::policy::on_traces::trace_facts::TraceFacts;
use crate::policy::rule_set::RuleSet;

/// A verdict and who gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) verdict: Verdict,
    /// Index in the configuration; `None`: no policy matched.
    pub(crate) policy: Option<u16>,
    /// 56-bit rejection threshold of a kept trace: the most probable choice that kept it.
    pub(crate) threshold: u64,
    /// R, where it isn't the one that OpenTelemetry gives the trace.
    pub(crate) randomness: Option<u64>,
    /// Dropped on purpose: late errors don't reopen the trace.
    pub(crate) is_final: bool,
    /// Policies kept it, and the budget of its tenant doesn't.
    pub(crate) over_budget: bool,
}

impl Ruling {
    const NONE: Self = Self {
        verdict: Verdict::Drop,
        policy: None,
        threshold: 0,
        randomness: None,
        is_final: false,
        over_budget: false,
    };

    /// Another trace asks for it, so nobody knows how probable it was.
    pub(crate) fn linked() -> Self {
        Self {
            verdict: Verdict::Keep,
            threshold: UNKNOWN_THRESHOLD,
            ..Self::NONE
        }
    }

    /// The budget of its tenant has no room for what its policies keep.
    pub(crate) fn over_budget() -> Self {
        Self {
            over_budget: true,
            ..Self::NONE
        }
    }

    /// No policy is asked about a trace that grew too large.
    pub(crate) fn oversized() -> Self {
        Self {
            is_final: true,
            ..Self::NONE
        }
    }
}

impl RuleSet {
    /// Drop policies first; else any match keeps, and the first in order is the one that is named; else the trace is dropped.
    ///
    /// All policies are asked, so that [`State::matched`] and the chance are complete. As in the Collector, a rate policy behind a match
    /// still spends, unless `sample_on_first_match` ends the look; behind a drop nobody is asked but shadow policies.
    pub(crate) fn rule(&self, trace: &TraceFacts<'_>, state: &mut State, at_ms: u64) -> Ruling {
        state.clear();
        let mut ruling = Ruling::NONE;
        let mut best: Option<Chance> = None;
        // By what chance drop policies let the trace pass.
        let mut passed = Chance::SURE;
        for policy in &self.rules {
            let settled = ruling.is_final || (best.is_some() && self.first_match && policy.spends);
            if settled && !policy.shadow {
                continue;
            }
            let outcome = policy.rule.outcome(trace, state, at_ms);
            if outcome.answer == Answer::Holds {
                state.matched.push(policy.index);
            }
            if !policy.shadow && !policy.drops {
                state.chances.extend(outcome.chance_to_hold);
            }
            match outcome.answer {
                _ if policy.shadow => {}
                Answer::Holds if policy.drops => {
                    ruling.policy = Some(policy.index);
                    ruling.is_final = true;
                }
                Answer::Holds => {
                    ruling.policy = ruling.policy.or(Some(policy.index));
                    if best.is_none_or(|best| outcome.chance.better_than(best)) {
                        best = Some(outcome.chance);
                    }
                }
                Answer::Not if policy.drops => passed = passed.and(outcome.chance),
                Answer::Not | Answer::Failed => {}
            }
        }
        if let Some(best) = best {
            let best = best.of_any(&state.chances);
            let chance = best.and(passed);
            ruling.verdict = Verdict::Keep;
            ruling.threshold = chance.threshold;
            ruling.randomness = match (chance.salt_state, trace.upstream) {
                (Some(salt_state), None) => Some(randomness(salt_state, trace.id)),
                _ => None,
            };
        }
        ruling
    }
}
