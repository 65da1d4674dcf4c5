//! The spans between the cursors, counted.
//!
//! Spans are counted by groups of consecutive records, so that input which retention deleted between the cursors is noticed: when the emit
//! cursor leaves a group, what it did not pass is lost. A group of a few thousand spans keeps this at a few bytes a record.

use std::collections::VecDeque;

/// A group takes records until it has this many spans.
const GROUP_SPANS: u64 = 2048;

#[derive(Debug, Default)]
pub(crate) struct Pending {
    groups: VecDeque<Group>,
    /// Spans of the front group that were passed.
    passed: u64,
    spans: u64,
    /// The last group takes no more records.
    closed: bool,
}

#[derive(Debug)]
struct Group {
    /// One past its last record.
    end: u64,
    spans: u64,
}

impl Pending {
    /// The decide cursor observed a record.
    pub(crate) fn observed(&mut self, offset: u64, spans: u64) {
        self.spans += spans;
        match self.groups.back_mut() {
            Some(group) if group.spans < GROUP_SPANS && !self.closed => {
                group.end = offset + 1;
                group.spans += spans;
            }
            _ => {
                self.closed = false;
                self.groups.push_back(Group {
                    end: offset + 1,
                    spans,
                });
            }
        }
    }

    /// Something may have been lost: what it was is known when the emit cursor leaves the present groups.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// The emit cursor passed a record with so many spans; to be followed by [`Pending::settle`].
    pub(crate) fn passed(&mut self, spans: u64) {
        self.passed += spans;
    }

    /// The emit cursor stands at `emit` now. The spans that were lost on the way.
    pub(crate) fn settle(&mut self, emit: u64) -> u64 {
        let mut lost = 0;
        while let Some(group) = self.groups.front() {
            if group.end > emit {
                break;
            }
            lost += group.spans.saturating_sub(self.passed);
            self.spans -= group.spans;
            self.passed = 0;
            self.groups.pop_front();
        }
        lost
    }

    pub(crate) fn spans(&self) -> u64 {
        self.spans.saturating_sub(self.passed)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Group>()
    }
}
