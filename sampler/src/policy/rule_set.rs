//! The policies that hold for a trace, compiled, and what they ask of its spans: everybody's, or those of one tenant.

use std::ops::Range;

use ottl::Subject;
use schemas::otlp::{Item, ResourceHead, SpanView};

use super::marks::Marks;
use crate::policy::on_spans::attributes;
use crate::policy::on_spans::bits::Bits;
use crate::policy::on_spans::conditions::{Conditions, Failures};
use crate::policy::on_spans::leaves::Leaves;
use crate::policy::on_traces::rule::Rule;

/// One of the sets of a configuration, by its place in [`super::Policies`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct SetId(pub(super) u16);

/// What is asked of the traces of everybody, or of a tenant that has policies of its own.
///
/// Bits and columns mean something within their set alone, so a condition of one tenant costs the spans of others nothing. Budgets and
/// statistics are numbered over all sets.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    /// Where its policies stand in the names of all.
    pub(super) names: Range<usize>,
    /// What stands before a name there.
    pub(super) prefix: String,
    pub(super) rules: Vec<PolicyRule>,
    pub(super) leaves: Leaves,
    pub(super) ottl: Conditions,
    /// What each bit means, in words that depend on nothing but that.
    pub(super) meanings: Vec<String>,
    pub(super) marks: Marks,
    /// The column of the threshold from upstream, where a budget asks for it.
    pub(super) upstream: Option<usize>,
    pub(super) first_match: bool,
}

/// One policy in order of evaluation: drop policies first.
#[derive(Debug)]
pub(super) struct PolicyRule {
    /// Index in the names of all policies.
    pub(super) index: u16,
    pub(super) drops: bool,
    /// It is asked, counted and recorded, and changes no verdict.
    pub(super) shadow: bool,
    /// It asks rate budgets, so `sample_on_first_match` spares it.
    pub(super) spends: bool,
    pub(super) rule: Rule,
}

impl RuleSet {
    /// What spans are told apart by.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// See [`RuleSet::upstream`].
    pub(crate) fn upstream(&self) -> Option<usize> {
        self.upstream
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
