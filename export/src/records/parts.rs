//! Which units of a record an entry holds: all of them, unless a filter took some out or a refusal cut it. Pure.
//!
//! A unit is what a record can be cut into: a span, a log record, a data point. Its number in the record names it for ever, so a backend that is
//! told of it knows what it has already, whatever became of its neighbours meanwhile.

use std::ops::Range;
use std::sync::Arc;

/// The numbers that the units of an entry have in the record that was read. The default: all of them, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// In the order of the entry, none of them empty; `None`: all units.
    ranges: Option<Arc<[Range<usize>]>>,
}

impl Parts {
    /// The units in these ranges, in this order.
    pub fn of(ranges: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut joined: Vec<Range<usize>> = Vec::new();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            match joined.last_mut() {
                Some(before) if before.end == range.start => before.end = range.end,
                _ => joined.push(range),
            }
        }
        Self {
            ranges: Some(joined.into()),
        }
    }

    /// What [`Parts::written`] wrote. `None`: it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let range = |text: &str| {
            let (start, end) = text.split_once("..")?;
            Some(start.parse().ok()?..end.parse().ok()?)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        Some(Self::of(ranges?))
    }

    /// `3..4,7..9`; `None`: all of the record.
    pub fn written(&self) -> Option<String> {
        let ranges = self.ranges.as_ref()?;
        let ranges = ranges
            .iter()
            .map(|range| format!("{}..{}", range.start, range.end));
        Some(ranges.collect::<Vec<_>>().join(","))
    }

    /// Its ranges; none: all of the record.
    pub fn ranges(&self) -> &[Range<usize>] {
        self.ranges.as_deref().unwrap_or_default()
    }

    /// The number of the `index`-th unit.
    pub fn number(&self, index: usize) -> usize {
        let mut left = index;
        for range in self.ranges() {
            if left < range.len() {
                return range.start + left;
            }
            left -= range.len();
        }
        // All of it; or beyond its end, where nobody asks.
        left
    }

    /// Its units and others, in the order of the record. All of it stays all of it.
    pub fn and(&self, others: &[Range<usize>]) -> Self {
        if self.ranges.is_none() {
            return self.clone();
        }
        let mut all: Vec<_> = self.ranges().iter().chain(others).cloned().collect();
        all.sort_by_key(|range| range.start);
        Self::of(all)
    }

    /// What `inner` holds of these units.
    pub fn then(&self, inner: &Self) -> Self {
        match &inner.ranges {
            None => self.clone(),
            Some(places) => self.within(places),
        }
    }

    /// Of these units, given by their place among them.
    pub fn within(&self, places: &[Range<usize>]) -> Self {
        if self.ranges.is_none() {
            return Self::of(places.iter().cloned());
        }
        Self::of((places.iter().cloned().flatten()).map(|place| {
            let number = self.number(place);
            number..number + 1
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let parts = Parts::of([3..4, 4..4, 7..9, 9..10, 0..1]);
        assert_eq!(parts.written().unwrap(), "3..4,7..10,0..1");
        assert_eq!(Parts::parse("3..4,7..10,0..1"), Some(parts));
        assert_eq!(Parts::parse("3..4,x"), None);
        assert_eq!(Parts::default().written(), None);
    }

    proptest! {
        /// Taken twice is taken once from what was taken.
        #[test]
        fn numbers_are_those_of_the_record(first in prop::collection::vec(0..40usize, 1..20), second in prop::collection::vec(0..20usize, 1..9)) {
            let one = |number: &usize| *number..*number + 1;
            let outer = Parts::default().within(&first.iter().map(one).collect::<Vec<_>>());
            let second: Vec<_> = second.into_iter().filter(|place| *place < first.len()).collect();
            let inner = outer.within(&second.iter().map(one).collect::<Vec<_>>());
            for (index, place) in second.iter().enumerate() {
                prop_assert_eq!(inner.number(index), first[*place]);
            }
        }
    }
}
