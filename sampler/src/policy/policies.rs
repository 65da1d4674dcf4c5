//! All policies of a configuration, compiled, and what they ask of spans.

use ottl::Subject;
use schemas::otlp::{Item, ResourceHead, SpanView};

use super::marks::Marks;
use crate::budget::Limit;
use crate::policy::on_spans::attributes;
use crate::policy::on_spans::bits::{BitMap, Bits};
use crate::policy::on_spans::conditions::{Conditions, Failures};
use crate::policy::on_spans::leaves::Leaves;
use crate::policy::on_traces::rule::Rule;
use crate::policy::on_traces::state::Remembered;
use crate::stats::Keyed;

/// All policies of a configuration, compiled.
#[derive(Debug, Default)]
pub struct Policies {
    pub(super) names: Vec<String>,
    pub(super) rules: Vec<PolicyRule>,
    pub(super) leaves: Leaves,
    pub(super) ottl: Conditions,
    /// What each bit means, in words that depend on nothing but that.
    pub(super) meanings: Vec<String>,
    pub(super) limits: Vec<Limit>,
    pub(super) marks: Marks,
    /// What is asked of the statistics.
    pub(super) keyed: Vec<Keyed>,
    pub(super) first_match: bool,
}

/// One policy in order of evaluation: drop policies first.
#[derive(Debug)]
pub(super) struct PolicyRule {
    /// Index in the configuration, and in `names`.
    pub(super) index: u16,
    pub(super) drops: bool,
    /// It is asked, counted and recorded, and changes no verdict.
    pub(super) shadow: bool,
    /// It asks rate budgets, so `sample_on_first_match` spares it.
    pub(super) spends: bool,
    pub(super) rule: Rule,
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

    /// What a partition has to remember for these policies.
    pub(crate) fn remembered(&self) -> Remembered<'_> {
        Remembered {
            limits: &self.limits,
            keyed: &self.keyed,
        }
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
