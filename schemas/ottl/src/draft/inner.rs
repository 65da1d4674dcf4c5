//! The messages within an item that are edited one by one: the events of a span, and the data points of a metric.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;
use std::iter::Peekable;

use super::Draft;
use super::ahead::Ahead;
use crate::telemetry::changes::Changes;
use crate::value::Result;
use schemas::Signal;
use schemas::wire::{Field, WireError, put_len};

impl<'a> Draft<'a> {
    /// How many events the span has, or data points the metric, those that were removed included.
    pub fn inner_count(&self) -> usize {
        match self.signal {
            Signal::Traces => (self.subject.span().view()).map_or(0, |span| span.events().count()),
            Signal::Logs => 0,
            Signal::Metrics => {
                (self.subject.metric().view()).map_or(0, |metric| metric.points().count())
            }
        }
    }

    /// Whether it is a metric with a kind of data, and no data point of it is left.
    pub fn has_lost_all_points(&self) -> bool {
        let metric = self.subject.metric().view();
        let removed = self.subject.changed().map_or(0, |changed| {
            let inners = changed.inners.values();
            inners.filter(|changes| changes.is_none()).count()
        });
        metric.is_some_and(|metric| {
            metric.kind.is_some() && metric.points().take(removed + 1).count() == removed
        })
    }

    /// Whether the event or data point of this number is there, and was not taken out.
    pub fn inner_stays(&self, index: usize) -> bool {
        let changed = self.subject.changed();
        changed.is_none_or(|changed| !matches!(changed.inners.get(&index), Some(None)))
    }

    /// Begins with an event of the span or a data point of the metric; `false` when it is not there, or was removed. To be ended with
    /// [`Draft::end_inner`].
    ///
    /// # Errors
    /// It can't be read.
    pub fn begin_inner(&mut self, index: usize) -> Result<bool> {
        if !self.go_to(index)? {
            return Ok(false);
        }
        let changed = self.changed();
        changed.inner.clear();
        changed.cache.clear();
        match changed.inners.get_mut(&index) {
            None => {}
            Some(Some(changes)) => changed.inner = std::mem::take(changes),
            Some(None) => {
                self.subject.clear_inner();
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Shows the subject an event or data point; `false`: there is none of that number.
    fn go_to(&mut self, index: usize) -> Result<bool, WireError> {
        let ahead = match self.ahead.take() {
            Some(ahead) if ahead.is_before(index) => Some(ahead),
            _ => Ahead::of(self.signal, &self.subject),
        };
        let Some(mut ahead) = ahead else {
            return Ok(false);
        };
        let there = ahead.show(index, &mut self.subject)?;
        self.ahead = Some(ahead);
        Ok(there)
    }

    /// Ends with the event or data point that was begun; unless it is to `stay`, it is taken out of the item.
    pub fn end_inner(&mut self, stay: bool) {
        let index = self.subject.inner_index();
        self.subject.clear_inner();
        let changed = self.changed();
        let changes = std::mem::take(&mut changed.inner);
        changed.cache.clear();
        let Some(index) = index.filter(|_| !stay || !changes.is_empty()) else {
            return;
        };
        let kept = stay.then(|| Box::new(changes));
        changed.inners.insert(index, kept);
    }
}

/// Writes events or data points as they are now, one after the other.
pub(super) struct Inners<'c> {
    seen: usize,
    edited: Peekable<Iter<'c, usize, Option<Box<Changes>>>>,
}

impl<'c> Inners<'c> {
    pub(super) fn new(edited: &'c BTreeMap<usize, Option<Box<Changes>>>) -> Self {
        Self {
            seen: 0,
            edited: edited.iter().peekable(),
        }
    }

    /// Whether the next one, which stands in `field`, was another than it was, and is written now or gone. `attributes` is the number of
    /// its field that holds them.
    pub(super) fn write(
        &mut self,
        field: &Field<'_>,
        attributes: u32,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        let number = self.seen;
        self.seen += 1;
        let Some((_, changes)) = self.edited.next_if(|(at, _)| **at == number) else {
            return Ok(false);
        };
        if let Some(changes) = changes {
            let mut message = Vec::new();
            changes.write(
                field.len_value()?,
                attributes,
                |_, _| Ok(false),
                &mut message,
            )?;
            put_len(out, field.number, &message);
        }
        Ok(true)
    }
}
