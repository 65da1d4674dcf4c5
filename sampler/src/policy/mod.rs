//! Policies: which traces are kept, with the names, fields and results of the Collector's `tail_sampling` (v0.155).
//!
//! A policy is compiled into two halves. Its *conditions on spans* become one bit each, "some span of the trace satisfied it", gathered span by
//! span on borrowed bytes ([`leaves`], [`attributes`]); so a condition costs the window one bit a trace. What is left, the *ruling*
//! over bits, counts and the trace id, is evaluated once a trace and looks at no payload ([`rule`] for one policy, [`ruling`] for all).
//!
//! Deliberately absent: state that is not a function of the log. Rate budgets run on stream time (who gets the last tokens
//! depends on who is asked first), chance is a hash of the trace id.

mod attributes;
mod bits;
mod chance;
mod compile;
mod conditions;
mod consistent;
mod glob;
mod identity;
mod keyed;
mod leaves;
mod marks;
mod outcome;
mod per_operation;
mod policies;
mod probability;
mod raw;
mod raw_rates;
mod rule;
mod ruling;
mod state;
mod trace_facts;
pub(crate) mod tracestate;

pub(crate) use bits::{BitMap, Bits};
pub(crate) use conditions::Failures;
pub(crate) use marks::{Marks, Reading};
pub use policies::Policies;
pub use raw::{
    RawAnd, RawBooleanAttribute, RawBytesLimiting, RawComposite, RawCondition, RawDrop, RawEmpty,
    RawErrorMode, RawLatency, RawMode, RawNot, RawNumericAttribute, RawOttlCondition, RawPolicy,
    RawProbabilistic, RawRateAllocation, RawRateLimiting, RawScope, RawSpanCount, RawStatusCode,
    RawStringAttribute, RawTraceState,
};
pub use raw_rates::{
    RawFloor, RawLatencyOutlier, RawMethod, RawNovelty, RawOperationRule, RawPerOperation,
    RawThroughput,
};
pub(crate) use ruling::Ruling;
pub(crate) use state::State;
pub(crate) use trace_facts::TraceFacts;
