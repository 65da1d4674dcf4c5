//! Policies: which traces are kept, with the names, fields and results of the Collector's `tail_sampling` (v0.155).
//!
//! A policy is compiled into two halves. Its *conditions on spans* become one bit each, "some span of the trace satisfied it", gathered span by
//! span on borrowed bytes ([`leaves`], [`attributes`]); so a condition costs the window one bit a trace. What is left, the *ruling*
//! over bits, counts and the trace id, is evaluated once a trace and looks at no payload ([`ruling`]).
//!
//! Deliberately absent: state that is not a function of the log. Rate budgets run on stream time, chance is a hash of the trace id.

mod attributes;
mod bits;
mod compile;
mod leaves;
mod raw;
mod ruling;
mod trace_state;

pub(crate) use bits::Bits;
pub use raw::{
    RawAnd, RawBooleanAttribute, RawBytesLimiting, RawDrop, RawEmpty, RawLatency, RawNot,
    RawNumericAttribute, RawPolicy, RawProbabilistic, RawRateLimiting, RawSpanCount, RawStatusCode,
    RawStringAttribute, RawTraceState,
};
pub(crate) use ruling::{Ruling, TraceFacts};

use leaves::Leaves;
use ruling::Rule;
use schemas::otlp::{ResourceHead, SpanView};

use crate::budget::Limit;

/// All policies of a configuration, compiled.
#[derive(Debug, Default)]
pub struct Policies {
    names: Vec<String>,
    rules: Vec<PolicyRule>,
    leaves: Leaves,
    limits: Vec<Limit>,
    first_match: bool,
}

/// One policy in order of evaluation: drop policies first.
#[derive(Debug)]
struct PolicyRule {
    /// Index in the configuration, and in `names`.
    index: u16,
    drops: bool,
    /// It asks rate budgets, so it is evaluated even when the verdict is known.
    spends: bool,
    /// 56-bit rejection threshold of what it keeps.
    threshold: u64,
    rule: Rule,
}

impl Policies {
    /// Names, in the order of the configuration; `Counts::verdicts` and the decision log index them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rate budgets: length of `demand()` and of shares.
    pub fn budgets(&self) -> usize {
        self.limits.len()
    }

    pub(crate) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Conditions that the resource satisfies for all of its spans.
    pub(crate) fn resource_bits(&self, resource: &ResourceHead<'_>) -> Bits {
        if self.leaves.attributes.is_empty() {
            return Bits::default();
        }
        self.leaves
            .attributes
            .satisfied(resource.attributes(), attributes::Place::Resource)
    }

    /// Conditions that a span satisfies by itself.
    #[inline]
    pub(crate) fn span_bits(&self, span: &SpanView<'_>) -> Bits {
        self.leaves.span(span)
    }

    /// Conditions that the trace satisfies by its earliest start and latest end so far.
    #[inline]
    pub(crate) fn latency_bits(&self, min_start: u64, max_end: u64) -> Bits {
        self.leaves.latency(min_start, max_end)
    }
}
