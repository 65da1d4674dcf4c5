//! The steps of the configuration, compiled: what all threads share of them.

use std::sync::Arc;
use std::time::Duration;

use ottl::{Draft, Part};
use schemas::Signal;

use super::actions::Actions;
use super::effect::Effect;
use super::filter::Filter;
use super::heads::{Heads, Slot};
use super::inner;
use super::k8s::K8sAttributes;
use super::lookup::Lookup;
use super::results::OwnResults;
use super::semconv::{Schema, SpanName, Status};
use super::transform::Transform;
use crate::lookup::Table;
use crate::names;

/// All steps, in their order.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    steps: Vec<Step>,
}

/// One step.
#[derive(Debug)]
pub(crate) struct Step {
    /// As it is written: `filter/health`.
    name: Arc<str>,
    kind: Kind,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Kind {
    Transform(Transform),
    Filter(Filter),
    Attributes(Actions),
    Resource(Actions, Slot),
    Lookup(Lookup),
    Schema(Schema),
    SpanName(SpanName),
    Status(Status),
    K8sAttributes(Box<K8sAttributes>),
}

impl Steps {
    pub(crate) fn add(&mut self, name: &str, kind: Kind) {
        self.steps.push(Step {
            name: name.into(),
            kind,
        });
    }

    /// Their names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.steps.iter().map(|step| &step.name)
    }

    /// The tables that steps look something up in, in order.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.steps.iter().filter_map(|step| match &step.kind {
            Kind::Lookup(lookup) => Some(lookup.table()),
            _ => None,
        })
    }

    /// Tables of the same sources take over what those of other steps hold.
    pub(crate) fn adopt_tables(&self, others: &Self) {
        for table in self.tables() {
            others.tables().for_each(|other| table.adopt(other));
        }
    }

    /// Reads the tables that weren't read yet.
    pub(crate) fn load_tables(&self) {
        self.tables().for_each(|table| table.load());
    }

    /// What each step counts beside what became of items, in order.
    pub(crate) fn own_results(&self) -> impl Iterator<Item = Option<OwnResults<'_>>> {
        self.steps.iter().map(Step::own_results)
    }

    /// The name of each step that has to do with the signal.
    pub(crate) fn names_of(&self, signal: Signal) -> impl Iterator<Item = Option<&Arc<str>>> {
        self.steps
            .iter()
            .map(move |step| step.concerns(signal).then_some(&step.name))
    }

    /// How long to wait for what clusters have, at the start; `None`: no step asks for pods.
    pub(crate) fn wait_for_metadata(&self) -> Option<Duration> {
        let waits = self.steps.iter().filter_map(|step| match &step.kind {
            Kind::K8sAttributes(step) => Some(step.wait_for_metadata()),
            _ => None,
        });
        waits.max()
    }

    pub(in crate::steps) fn iter(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    /// Whether any of them has to do with the signal.
    pub(in crate::steps) fn concern(&self, signal: Signal) -> bool {
        self.steps.iter().any(|step| step.concerns(signal))
    }

    /// Whether items of the signal may go.
    pub(in crate::steps) fn drop_items(&self, signal: Signal) -> bool {
        let drops =
            |step: &Step| matches!(&step.kind, Kind::Filter(filter) if filter.drops(signal));
        self.steps.iter().any(drops)
    }
}

impl Step {
    fn own_results(&self) -> Option<OwnResults<'_>> {
        match &self.kind {
            Kind::SpanName(_) => Some(OwnResults {
                metric: names::NAMES,
                table: None,
                names: &SpanName::RESULTS,
            }),
            Kind::Lookup(lookup) => Some(OwnResults {
                metric: names::LOOKUPS,
                table: Some(lookup.table().name()),
                names: &Lookup::RESULTS,
            }),
            _ => None,
        }
    }

    pub(in crate::steps) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(in crate::steps) fn concerns(&self, signal: Signal) -> bool {
        match &self.kind {
            Kind::Transform(transform) => !transform.of(signal).is_empty(),
            Kind::Filter(filter) => !filter.of(signal).is_empty(),
            Kind::Attributes(_) | Kind::Resource(..) | Kind::Schema(_) | Kind::K8sAttributes(_) => {
                true
            }
            Kind::Lookup(lookup) => lookup.concerns(signal),
            Kind::SpanName(_) | Kind::Status(_) => signal == Signal::Traces,
        }
    }

    pub(in crate::steps) fn apply(
        &self,
        signal: Signal,
        draft: &mut Draft<'_>,
        heads: &mut Heads,
    ) -> Effect {
        match &self.kind {
            Kind::Transform(transform) => transform.apply(signal, draft, heads),
            Kind::Filter(filter) => filter.apply(signal, draft, heads),
            Kind::Attributes(actions) => match signal {
                Signal::Traces => actions.apply(Part::Span, draft),
                Signal::Logs => actions.apply(Part::Log, draft),
                Signal::Metrics => {
                    inner::each(draft, |draft| actions.apply(Part::DataPoint, draft))
                }
            },
            Kind::K8sAttributes(step) => step.apply(signal, draft, heads),
            Kind::Resource(actions, slot) => {
                heads.once(*slot, draft, |draft| actions.apply(Part::Resource, draft))
            }
            Kind::Lookup(lookup) => lookup.apply(signal, draft, heads),
            Kind::Schema(schema) => schema.apply(signal, draft, heads),
            Kind::SpanName(names) => names.apply(draft),
            Kind::Status(status) => status.apply(draft),
        }
    }
}
