//! A row of the table of editors, and what a call of it compiles to.

use crate::expr::Place;
use crate::functions::{Args, Parameter};
use crate::telemetry::{Draft, Subject};
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

type Compute = dyn Fn(&Place, &Subject<'_>) -> Result<Option<Value<'static>>> + Send + Sync;

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
        Self {
            target,
            compute: Box::new(compute),
        }
    }

    /// The new value; `None`: the target stays as it is.
    pub(crate) fn compute(&self, at: &Subject<'_>) -> Result<Option<Value<'static>>> {
        (self.compute)(&self.target, at)
    }

    /// Writes what was computed to the target.
    pub(crate) fn write(&self, draft: &mut Draft, value: Value<'static>) -> Result<()> {
        self.target.set(draft, value)
    }
}
