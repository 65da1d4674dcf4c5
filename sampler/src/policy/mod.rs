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
mod composite;
mod conditions;
mod consistent;
mod glob;
mod identity;
mod keyed;
mod leaves;
mod marks;
mod outcome;
mod per_operation;
mod probability;
mod raw;
mod raw_rates;
mod rule;
mod ruling;
mod state;

pub(crate) use bits::{BitMap, Bits};
pub(crate) use marks::{Marks, Reading};
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
pub(crate) use ruling::{Ruling, TraceFacts};
pub(crate) use state::State;

use conditions::Conditions;
pub(crate) use conditions::Failures;
use leaves::Leaves;
use rule::Rule;
use schemas::otlp::{Item, ResourceHead, SpanView};
use schemas::ottl::Subject;

use crate::budget::Limit;
use crate::stats::Keyed;

/// All policies of a configuration, compiled.
#[derive(Debug, Default)]
pub struct Policies {
    names: Vec<String>,
    rules: Vec<PolicyRule>,
    leaves: Leaves,
    ottl: Conditions,
    /// What each bit means, in words that depend on nothing but that.
    meanings: Vec<String>,
    limits: Vec<Limit>,
    marks: Marks,
    /// What is asked of the statistics.
    keyed: Vec<Keyed>,
    first_match: bool,
}

/// One policy in order of evaluation: drop policies first.
#[derive(Debug)]
struct PolicyRule {
    /// Index in the configuration, and in `names`.
    index: u16,
    drops: bool,
    /// It is asked, counted and recorded, and changes no verdict.
    shadow: bool,
    /// It asks rate budgets, so `sample_on_first_match` spares it.
    spends: bool,
    rule: Rule,
}

impl Policies {
    /// Names, in the order of the configuration; `Counts::verdicts` and the decision log index them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which bits mean what bits of another configuration meant.
    pub(crate) fn carried_over(&self, before: &Self) -> BitMap {
        BitMap::between(&before.meanings, &self.meanings)
    }

    /// Whether the policy at this place of `names` is a dry run.
    pub(crate) fn is_shadow(&self, policy: usize) -> bool {
        let rule = self
            .rules
            .iter()
            .find(|rule| usize::from(rule.index) == policy);
        rule.is_some_and(|rule| rule.shadow)
    }

    /// What spans are told apart by.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What is asked of the statistics, in the order in which keys are logged.
    pub(crate) fn keyed(&self) -> &[Keyed] {
        &self.keyed
    }

    /// How far back verdicts depend on others, milliseconds of the partition's clock.
    pub fn reach_ms(&self) -> u64 {
        let reaches = self.keyed.iter().map(|keyed| keyed.kind.reach_ms());
        reaches.max().unwrap_or(0)
    }

    /// Of the rate budgets, by their index.
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

    /// Conditions that a span satisfies by itself. The subject serves for all spans of a record.
    #[inline]
    pub(crate) fn span_bits<'a>(
        &self,
        item: &Item<'a>,
        span: &SpanView<'a>,
        subject: &mut Subject<'a>,
        failures: &mut Failures,
    ) -> Bits {
        let mut bits = self.leaves.span(span);
        if !self.ottl.is_empty() {
            subject.set_span(item.resource, item.scope, *span);
            self.ottl.ask(span, subject, failures, &mut bits);
        }
        bits
    }

    /// What a trace satisfies after one more span.
    #[inline]
    pub(crate) fn gathered(&self, so_far: Bits, span: Bits) -> Bits {
        self.ottl.gathered(so_far, span)
    }

    /// Some policy asks for the number of services of a trace.
    pub(crate) fn count_services(&self) -> bool {
        self.ottl.services
    }

    /// Whether a trace has a root span, as far as policies ask.
    pub(crate) fn saw_root(&self, bits: Bits) -> bool {
        self.ottl.root_seen.is_some_and(|bit| bits.has(bit))
    }

    /// Conditions that the trace satisfies by its earliest start and latest end so far.
    #[inline]
    pub(crate) fn latency_bits(&self, min_start: u64, max_end: u64) -> Bits {
        self.leaves.latency(min_start, max_end)
    }
}
