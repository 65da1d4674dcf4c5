//! What became of a record in the rewriter, and why what can't go on can't.

use std::ops::Range;

use schemas::otlp::schema::Message;
use schemas::wire::{Field, WireError};

/// Messages within messages, the request included: the limit of every protobuf implementation.
pub(crate) const DEPTH_MAX: usize = 100;

/// Why something can't go on. Never quotes what it found: reasons are logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("{message} can't be read: {error}")]
    Wire {
        message: &'static str,
        error: WireError,
    },
    #[error("{message} has field {field} twice")]
    Twice { message: &'static str, field: u32 },
    #[error("{message} nests deeper than {DEPTH_MAX} messages")]
    TooDeep { message: &'static str },
    /// Not a fault: an item that is to be kept aside, because of what this detector found.
    #[error("the detector {detector} found what is to be kept aside")]
    Quarantined { detector: std::sync::Arc<str> },
}

/// A record whose items can all go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Items that go on.
    pub items: usize,
    /// The numbers of items that were taken out because of what was found in them, in order.
    pub dropped: Vec<Range<usize>>,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The record goes on as it is; nothing was written.
    Unchanged,
    /// The record to go on was appended to the output.
    Changed,
}

/// A record that can't go on, or not as a whole. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    Record(Reason),
    /// The items of these numbers, in order; of several reasons the first.
    Items {
        numbers: Vec<Range<usize>>,
        items: usize,
        reason: Reason,
    },
}

pub(crate) fn utf8<'a>(text: &'a [u8], field: u32, shape: &Message) -> Result<&'a str, Reason> {
    std::str::from_utf8(text).map_err(|_| wire(shape, WireError::Utf8 { field }))
}

pub(crate) fn wire(shape: &Message, error: WireError) -> Reason {
    Reason::Wire {
        message: shape.name,
        error,
    }
}

pub(crate) fn twice(shape: &Message, field: &Field<'_>) -> Reason {
    Reason::Twice {
        message: shape.name,
        field: field.number,
    }
}

pub(crate) fn mismatch(shape: &Message, field: &Field<'_>) -> Reason {
    wire(shape, field.mismatch())
}
