//! Rules: compiled policies as trees over bits, counts and the trace id.
//!
//! **To add a kind of policy**: its section in `raw.rs` (`sections!` makes the type known everywhere), a function that compiles it in
//! `compile/`, a variant here. A kind with a memory of its own is a file of its own: its configuration is part of the variant (or of
//! [`super::Policies`], with an index in the variant), and what it remembers is a field of [`State`], made in `State::new` and asked
//! here in `Rule::outcome`.

use std::sync::Arc;

use crate::policy::on_spans::conditions::TraceCondition;
use crate::policy::on_traces::chance::Chance;
use crate::policy::on_traces::keyed::{PerOperation, StatisticRule};
use crate::policy::on_traces::outcome::{Answer, Outcome};
use crate::policy::on_traces::probability::Share;
use crate::policy::on_traces::state::State;
use crate::policy::on_traces::trace_facts::TraceFacts;

/// One node of a compiled policy.
#[derive(Debug)]
pub(in crate::policy) enum Rule {
    Always,
    /// Some span satisfied the condition.
    Bit(u8),
    /// Some span satisfied the condition, before it failed on one.
    BitUnless {
        hit: u8,
        failed: u8,
    },
    Trace(Arc<TraceCondition>),
    /// Chance.
    Share(Share),
    /// Inclusive.
    SpanCount {
        min: u64,
        max: u64,
    },
    /// Index of a budget, in spans or bytes.
    SpansBudget(usize),
    BytesBudget(usize),
    Composite(Composite),
    PerOperation(PerOperation),
    /// Of the statistics.
    Statistic(StatisticRule),
    Not(Box<Self>),
    /// All hold, looked at in order until one doesn't.
    All(Vec<Self>),
}

impl Rule {
    /// Asking it changes the state, perhaps: it spends a budget.
    pub(in crate::policy) fn spends(&self) -> bool {
        match self {
            Self::SpansBudget(_) | Self::BytesBudget(_) | Self::Composite(_) => true,
            Self::Not(rule) => rule.spends(),
            Self::All(rules) => rules.iter().any(Self::spends),
            Self::Statistic(rule) => rule.chance.is_some(),
            Self::Always
            | Self::PerOperation(_)
            | Self::Bit(_)
            | Self::BitUnless { .. }
            | Self::Trace(_)
            | Self::Share(_)
            | Self::SpanCount { .. } => false,
        }
    }

    /// Being asked is remembered.
    fn remembers(&self) -> bool {
        match self {
            Self::Statistic(_) => true,
            Self::Not(rule) => rule.remembers(),
            Self::All(rules) => rules.iter().any(Self::remembers),
            Self::Composite(composite) => composite.subs.iter().any(|(rule, _)| rule.remembers()),
            _ => false,
        }
    }

    pub(in crate::policy) fn outcome(
        &self,
        trace: &TraceFacts<'_>,
        state: &mut State,
        at_ms: u64,
    ) -> Outcome {
        match self {
            Self::Always => Outcome::sure(true),
            Self::Bit(bit) => Outcome::sure(trace.bits.has(*bit)),
            Self::BitUnless { failed, .. } if trace.bits.has(*failed) => Outcome::FAILED,
            Self::BitUnless { hit, .. } => Outcome::sure(trace.bits.has(*hit)),
            Self::Trace(condition) => condition.outcome(trace, &mut state.failures),
            Self::Share(share) => share.outcome(trace),
            Self::SpanCount { min, max } => Outcome::sure((*min..=*max).contains(&trace.spans)),
            Self::SpansBudget(at) => Outcome::unknown(state.spend(*at, trace.spans, at_ms)),
            Self::BytesBudget(at) => Outcome::unknown(state.spend(*at, trace.bytes, at_ms)),
            Self::Composite(composite) => composite.outcome(trace, state, at_ms),
            Self::PerOperation(per_operation) => per_operation.outcome(trace),
            Self::Statistic(rule) => rule.outcome(trace, state, at_ms),
            Self::Not(rule) => rule.outcome(trace, state, at_ms).inverted(),
            Self::All(rules) => all(rules, trace, state, at_ms),
        }
    }
}

/// The first in order that doesn't hold answers for all, and nothing behind it is spent or remembered.
///
/// When chance alone stood against the trace, the rest is asked still: a fact against it makes the answer certain.
fn all(rules: &[Rule], trace: &TraceFacts<'_>, state: &mut State, at_ms: u64) -> Outcome {
    let mut outcome = Outcome::sure(true);
    for rule in rules {
        let open = outcome.answer == Answer::Holds;
        if !open && (rule.spends() || rule.remembers()) {
            // Nobody knows what it would have said.
            outcome.chance_to_hold = None;
            continue;
        }
        let next = rule.outcome(trace, state, at_ms);
        let both = outcome.chance_to_hold.zip(next.chance_to_hold);
        let both = both.map(|(before, next)| before.and(next));
        match next.answer {
            Answer::Failed if open => return next,
            Answer::Holds if open => outcome.chance = outcome.chance.and(next.chance),
            Answer::Not if open || next.chance == Chance::SURE => outcome = next,
            Answer::Not | Answer::Holds | Answer::Failed => {}
        }
        if outcome.answer == Answer::Not && outcome.chance == Chance::SURE {
            return outcome;
        }
        outcome.chance_to_hold = both;
    }
    outcome
}

/// `composite`: sub-policies in order, each with a part of one rate of spans.
///
/// The first sub-policy that holds answers for the trace: it is kept when the sub-policy's part of this second has room for it, and isn't
/// when it has none; no later sub-policy is asked. Seconds are those of the stream.
#[derive(Debug)]
pub(in crate::policy) struct Composite {
    /// Each with the index of its budget.
    pub(in crate::policy) subs: Vec<(Rule, usize)>,
}

impl Composite {
    pub(in crate::policy) fn outcome(
        &self,
        trace: &TraceFacts<'_>,
        state: &mut State,
        at_ms: u64,
    ) -> Outcome {
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
