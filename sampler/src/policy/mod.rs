//! Policies: which traces are kept, with the names, fields and results of the Collector's `tail_sampling` (v0.155).
//!
//! A policy is compiled into two halves. Its *conditions on spans* become one bit each, "some span of the trace satisfied it", gathered span by
//! span on borrowed bytes (`on_spans`); so a condition costs the window one bit a trace. What is left, the *ruling*
//! over bits, counts and the trace id, is evaluated once a trace and looks at no payload (`on_traces`: `rule` for one policy, `ruling` for all).
//!
//! Deliberately absent: state that is not a function of the log. Rate budgets run on stream time (who gets the last tokens
//! depends on who is asked first), chance is a hash of the trace id.

mod compile;
mod identity;
mod marks;
mod on_spans;
mod on_traces;
mod policies;
mod rule_set;
mod transition;
mod written;

pub(crate) use marks::{Marks, Reading};
pub(crate) use on_spans::bits::Bits;
pub(crate) use on_spans::conditions::Failures;
pub(crate) use on_traces::daily_budget::DailyBudget;
pub(crate) use on_traces::ruling::Ruling;
pub(crate) use on_traces::state::State;
pub(crate) use on_traces::trace_facts::TraceFacts;
pub use policies::Policies;
pub(crate) use rule_set::{RuleSet, SetId};
pub(crate) use transition::{Change, Transition};
pub use written::raw::{
    RawAnd, RawBooleanAttribute, RawBytesLimiting, RawComposite, RawCondition, RawDrop, RawEmpty,
    RawErrorMode, RawLatency, RawMode, RawNot, RawNumericAttribute, RawOttlCondition, RawPolicy,
    RawProbabilistic, RawRateAllocation, RawRateLimiting, RawScope, RawSpanCount, RawStatusCode,
    RawStringAttribute, RawTraceState,
};
pub use written::raw_rates::{
    RawFloor, RawLatencyOutlier, RawMethod, RawNovelty, RawOperationNames, RawOperationRule,
    RawPerOperation, RawThroughput,
};
