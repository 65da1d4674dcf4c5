//! What a step made of a record, and what all of them did.

use std::ops::Range;

use bytes::Bytes;

use super::reason::Reason;

/// What a step made of a record.
pub(super) struct Done {
    /// Items that go on.
    pub(super) items: usize,
    /// Items that were taken out on purpose.
    pub(super) filtered: usize,
    /// Items that went to another topic.
    pub(super) diverted: usize,
    /// Whether the record was written anew.
    pub(super) changed: bool,
}

/// A record that can't go on, or not as a whole.
pub(super) enum Refused {
    Record(Reason),
    /// The items with these numbers, in order, out of all `items` of the record; of several reasons the first.
    Items {
        numbers: Vec<Range<usize>>,
        items: usize,
        reason: Reason,
    },
}

/// A record after all steps.
pub(super) struct Applied {
    pub(super) record: Bytes,
    pub(super) items: usize,
    pub(super) filtered: usize,
    pub(super) diverted: usize,
}

impl Applied {
    /// One more step was taken; `out` is what it wrote.
    pub(super) fn then(&mut self, done: Done, out: Vec<u8>) {
        if done.changed {
            self.record = out.into();
        }
        self.items = done.items;
        self.filtered += done.filtered;
        self.diverted += done.diverted;
    }
}
