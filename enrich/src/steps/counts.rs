//! What became of items.

use std::ops::AddAssign;

/// Numbers of items, of one record or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) consumed: usize,
    pub(crate) written: usize,
    /// Taken out by a step, on purpose.
    pub(crate) filtered: usize,
    /// Written to another topic than the others.
    pub(crate) diverted: usize,
    pub(crate) dead_lettered: usize,
}

impl Counts {
    /// Every item that came ends in exactly one place.
    pub(crate) fn reconcile(&self) -> bool {
        self.consumed == self.written + self.filtered + self.diverted + self.dead_lettered
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.consumed += other.consumed;
        self.written += other.written;
        self.filtered += other.filtered;
        self.diverted += other.diverted;
        self.dead_lettered += other.dead_lettered;
    }
}
