//! Personal data in the record that is walked: what was found, and which items go because of it.

use std::ops::Range;
use std::sync::Arc;

use crate::pii::{Found, Leave, Pii};

/// What is remembered while a record is walked.
pub(super) struct Personal {
    found: Vec<Found>,
    counts: Vec<u64>,
    /// What has to go of what is being walked.
    leave: Option<Leave>,
    /// The numbers of items that go.
    dropped: Vec<Range<usize>>,
    quarantined: Vec<Range<usize>>,
}

/// What was known when an item, a scope or a resource was entered.
#[must_use]
pub(super) struct Mark {
    leave: Option<Leave>,
    dropped: usize,
    quarantined: usize,
}

/// How many items there are in ranges of them.
pub(super) fn count(numbers: &[Range<usize>]) -> usize {
    numbers.iter().map(ExactSizeIterator::len).sum()
}

impl Personal {
    pub(super) fn new(pii: Option<&Arc<Pii>>) -> Self {
        Self {
            found: Vec::new(),
            counts: vec![0; pii.map_or(0, |pii| pii.counters().len())],
            leave: None,
            dropped: Vec::new(),
            quarantined: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.counts.fill(0);
        self.leave = None;
        self.dropped.clear();
        self.quarantined.clear();
    }

    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The numbers of the items that go, in order.
    pub(super) fn dropped(&mut self) -> Vec<Range<usize>> {
        std::mem::take(&mut self.dropped)
    }

    /// The numbers of the items that go aside, if any do, and the first detector that sends them there; then nothing counts but what did.
    pub(super) fn quarantined(
        &mut self,
        pii: Option<&Arc<Pii>>,
    ) -> Option<(Vec<Range<usize>>, Arc<str>)> {
        let pii = pii.filter(|_| !self.quarantined.is_empty())?;
        for (index, count) in self.counts.iter_mut().enumerate() {
            if !pii.is_quarantine(index) {
                *count = 0;
            }
        }
        let first = self.counts.iter().position(|count| *count > 0);
        let detector = first.map_or("", |index| pii.counters()[index].detector.as_str());
        Some((std::mem::take(&mut self.quarantined), detector.into()))
    }

    /// Enters an item, a scope or a resource.
    #[inline]
    pub(super) fn enter(&mut self) -> Mark {
        Mark {
            leave: self.leave.take(),
            dropped: self.dropped.len(),
            quarantined: self.quarantined.len(),
        }
    }

    /// Leaves it, with the numbers of its items: whether it has to be taken out as a whole.
    #[inline]
    pub(super) fn leave(&mut self, mark: Mark, items: Range<usize>) -> bool {
        if self.leave.is_none() && self.dropped.len() == mark.dropped {
            self.leave = mark.leave;
            return false;
        }
        self.leave_something(mark, items)
    }

    #[inline(never)]
    fn leave_something(&mut self, mark: Mark, items: Range<usize>) -> bool {
        let left = std::mem::replace(&mut self.leave, mark.leave);
        match left {
            Some(Leave::Quarantine) => {
                self.dropped.truncate(mark.dropped);
                self.quarantined.truncate(mark.quarantined);
                if !items.is_empty() {
                    self.quarantined.push(items);
                }
                true
            }
            Some(Leave::Item) => {
                self.dropped.truncate(mark.dropped);
                if !items.is_empty() {
                    self.dropped.push(items);
                }
                true
            }
            // A scope without items says nothing to anybody.
            _ => !items.is_empty() && items.len() == count(&self.dropped[mark.dropped..]),
        }
    }

    /// Forgets what was found in it, since it is refused.
    pub(super) fn abandon(&mut self, mark: Mark) {
        self.leave = mark.leave;
        self.dropped.truncate(mark.dropped);
        self.quarantined.truncate(mark.quarantined);
    }

    /// Whether the attribute that was walked has to go.
    #[inline]
    pub(super) fn take_attribute(&mut self) -> bool {
        self.leave
            .take_if(|leave| *leave == Leave::Attribute)
            .is_some()
    }

    /// Whether a text without a key holds something that is acted on.
    pub(super) fn acts_on(pii: Option<&Arc<Pii>>, text: &str) -> bool {
        pii.is_some_and(|pii| pii.acts_on(text.as_bytes(), &pii.no_key()))
    }

    /// Counts what a text without a key holds, and notes what has to go because of it.
    pub(super) fn count(&mut self, pii: Option<&Arc<Pii>>, text: &str) {
        if let Some(pii) = pii {
            let treated = pii.treat(
                text.as_bytes(),
                &pii.no_key(),
                &mut self.found,
                &mut self.counts,
            );
            self.note(treated.leave);
        }
    }

    /// Where findings are put, and where they are counted.
    pub(super) fn buffers(&mut self) -> (&mut Vec<Found>, &mut [u64]) {
        (&mut self.found, &mut self.counts)
    }

    /// Notes what has to go.
    pub(super) fn note(&mut self, leave: Option<Leave>) {
        self.leave = self.leave.max(leave);
    }
}
