//! A row of the table of editors, and what a call of it compiles to.

use crate::draft::{Draft, MetricChange};
use crate::expr::Place;
use crate::functions::{Args, Parameter};
use crate::telemetry::{Part, Subject};
use crate::value::{Result, Value};

/// A row of the table of editors.
#[derive(Debug)]
pub(crate) struct Editor {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) make: fn(Args) -> Result<Edit, String>,
}

/// What an editor does: gives its target a new value, or leaves it.
pub(crate) struct Edit {
    target: Place,
    compute: Box<Compute>,
}

type Compute = dyn Fn(&Place, &Subject<'_>) -> Result<Option<Change>> + Send + Sync;

/// What an editor wants of its target.
pub(crate) enum Change {
    /// It has this value.
    Value(Value<'static>),
    /// It is a message's attributes, and those of these names go.
    Without(Vec<String>),
    /// The target is the metric.
    Metric(MetricChange),
    /// It is the name of a span; what that was goes into an attribute, if there is one for it.
    Name {
        name: String,
        original: Option<(String, String)>,
    },
}

impl std::fmt::Debug for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edit")
            .field("target", &self.target)
            .finish()
    }
}

impl Edit {
    pub(super) fn new(
        target: Place,
        compute: impl Fn(&Place, &Subject<'_>) -> Result<Option<Value<'static>>> + Send + Sync + 'static,
    ) -> Self {
        Self::changing(target, move |target, at| {
            Ok(compute(target, at)?.map(Change::Value))
        })
    }

    /// The same for editors that don't only give a value.
    pub(super) fn changing(
        target: Place,
        compute: impl Fn(&Place, &Subject<'_>) -> Result<Option<Change>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            target,
            compute: Box::new(compute),
        }
    }

    /// What changes; `None`: the target stays as it is.
    pub(crate) fn compute(&self, at: &Subject<'_>) -> Result<Option<Change>> {
        (self.compute)(&self.target, at)
    }

    /// The message that its target is in; the scratch map counts as the whole trace's.
    pub(crate) fn target(&self) -> Part {
        self.target.field.part()
    }

    /// Writes what was computed to the target.
    pub(crate) fn write(&self, draft: &mut Draft<'_>, change: Change) -> Result<()> {
        match change {
            Change::Value(value) => self.target.set(draft, value),
            Change::Metric(change) => draft.change_metric(change),
            Change::Without(keys) => draft.remove_attributes(self.target.field.part(), keys),
            Change::Name { name, original } => {
                draft.set_span_name(name)?;
                match original {
                    Some((key, name)) => {
                        draft.set_attribute(Part::Span, key, Value::Text(name.into()))
                    }
                    None => Ok(()),
                }
            }
        }
    }
}
