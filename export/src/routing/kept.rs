//! What goes on of a record: packed anew from the first item on that is changed or gone, and which units those are.

use std::ops::Range;

use bytes::Bytes;
use ottl::{Draft, EvalError, Packed};
use schemas::otlp::{Item, Items};

use crate::records::parts::Parts;

/// Items that go on.
#[derive(Debug, Default)]
pub(super) struct Kept {
    packed: Packed,
    /// Of each item that was pushed, one after the other.
    units: Vec<Range<usize>>,
    /// Where the units of each end in `units`.
    ends: Vec<usize>,
}

impl Kept {
    /// Begins with so many items of a record, as they came; `units_of` says how many units an item has.
    pub(super) fn begin(
        &mut self,
        record: &[u8],
        items: usize,
        units_of: impl Fn(&Item<'_>) -> usize,
    ) {
        self.packed.begin(record, items);
        self.units.clear();
        self.ends.clear();
        let mut start = 0;
        for item in Items::new(record).take(items).map_while(Result::ok) {
            let end = start + units_of(&item);
            self.note(std::iter::once(start..end));
            start = end;
        }
    }

    /// An item as it came, with `suffix` appended to it.
    pub(super) fn push_as_it_came(&mut self, item: &Item<'_>, suffix: &[u8], units: Range<usize>) {
        self.packed.push_as_it_came(item, suffix);
        self.note(std::iter::once(units));
    }

    /// An item as the draft has it now, with those of its units that are left.
    pub(super) fn push(
        &mut self,
        item: &Item<'_>,
        draft: &Draft<'_>,
        suffix: &[u8],
        units: impl IntoIterator<Item = Range<usize>>,
    ) -> Result<(), EvalError> {
        let (resource, scope) = draft.heads();
        self.packed.push(item, draft, (&resource, &scope), suffix)?;
        self.note(units);
        Ok(())
    }

    fn note(&mut self, units: impl IntoIterator<Item = Range<usize>>) {
        self.units.extend(units);
        self.ends.push(self.units.len());
    }

    pub(super) fn items(&self) -> usize {
        self.ends.len()
    }

    /// The record that goes on, and which units it holds, in its own order.
    pub(super) fn finish(&mut self) -> (Bytes, Parts) {
        let of_item = |pushed: usize| {
            let start = pushed.checked_sub(1).map_or(0, |before| self.ends[before]);
            self.units[start..self.ends[pushed]].iter().cloned()
        };
        let parts = Parts::of(self.packed.order().flat_map(of_item));
        (self.packed.finish(), parts)
    }
}
