//! What redaction made of a record, and what became of it in the whole.

use std::ops::Range;

use bytes::Bytes;

use super::reason::Reason;

/// What redaction made of a record.
pub(super) struct Done {
    /// Items that go on.
    pub(super) items: usize,
    /// The numbers of those that don't, on purpose, in order.
    pub(super) dropped: Vec<Range<usize>>,
    /// Whether the record was written anew.
    pub(super) changed: bool,
}

/// A record that can't go on, or not as a whole.
pub(super) enum Refused {
    Record(Reason),
    /// Of several items more would come than a record may hold: they are to be given in parts.
    TooLarge,
    /// The items with these numbers, in order, out of all `items` of the record; of several reasons the first.
    Items {
        numbers: Vec<Range<usize>>,
        items: usize,
        reason: Reason,
    },
}

/// A record after everything.
pub(super) struct Applied {
    pub(super) record: Bytes,
    pub(super) items: usize,
    pub(super) filtered: usize,
    pub(super) diverted: usize,
}
