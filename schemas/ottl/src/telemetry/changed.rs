//! What statements have changed of an item and of what it stands in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::changes::Changes;
use super::context::Part;
use crate::value::Value;
use schemas::otlp::{MetricKind, MetricView};

/// What a metric says of its data points: the message round them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MetricData {
    pub(crate) kind: Option<MetricKind>,
    pub(crate) aggregation_temporality: i32,
    pub(crate) is_monotonic: bool,
}

impl MetricData {
    pub(crate) fn of(metric: &MetricView<'_>) -> Self {
        Self {
            kind: metric.kind,
            aggregation_temporality: metric.aggregation_temporality,
            is_monotonic: metric.is_monotonic,
        }
    }
}

/// What was changed of everything in a draft.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changed {
    pub(crate) resource: Option<Arc<Changes>>,
    pub(crate) scope: Option<Arc<Changes>>,
    pub(crate) item: Changes,
    /// The event or data point that is being edited.
    pub(crate) inner: Changes,
    /// What is left of the events or data points that were edited or removed, by their numbers. Small where one is gone: two bytes of an item may be one.
    pub(crate) inners: BTreeMap<usize, Option<Box<Changes>>>,
    /// Of a metric, where it is another than it was.
    pub(crate) data: Option<MetricData>,
    pub(crate) cache: Vec<(Cow<'static, str>, Value<'static>)>,
}

impl Changed {
    pub(crate) fn of(&self, part: Part) -> Option<&Changes> {
        match part {
            Part::Resource => self.resource.as_deref(),
            Part::Scope => self.scope.as_deref(),
            Part::Span | Part::Log | Part::Metric => Some(&self.item),
            Part::Event | Part::DataPoint => Some(&self.inner),
            Part::Trace => None,
        }
    }

    /// What was changed of an event or a data point; `None`: nothing.
    pub(crate) fn inner(&self, index: usize) -> Option<&Option<Box<Changes>>> {
        self.inners.get(&index)
    }

    /// Whether an event or a data point was taken out.
    pub(crate) fn has_lost(&self, index: usize) -> bool {
        matches!(self.inner(index), Some(None))
    }

    pub(crate) fn cache(&self) -> &Vec<(Cow<'static, str>, Value<'static>)> {
        &self.cache
    }
}
