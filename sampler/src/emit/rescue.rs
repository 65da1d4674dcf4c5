//! Late errors: a trace that was dropped and is kept after all, from a late error on, brings its earlier spans back.
//!
//! The late error at offset *o* opens the trace anew, so a verdict of its own holds from there; its entry in the decision log says in which records the
//! dropped spans lie. Before the emit cursor passes *o*, those records are read from the bus again and what is found goes out with *o*, in the
//! same epoch. So L ≤ o means that it is still to be done and L > o that it is done, and nothing else has to be remembered.
//!
//! What was found waits in memory for the emit cursor, within the pool of the process (`memory.rs`).
//!
//! Rescued spans were counted as dropped; they are counted once more, as rescued. Those that retention deleted can't be had any more.

mod found;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use schemas::otlp::{Items, SpanView};

use crate::decide::handover::WantedTrace;
use crate::decide::traces::index::Tenant;
use crate::emit::emitter::Heads;
use crate::emit::stamp::Stamp;
use crate::memory::{Hold, Pool};
use crate::options::Options;
use crate::record::RawRecord;
use found::{Found, Released};

/// Ranges that are no further apart are read as one.
const GAP_OFFSETS: u64 = 64;

#[derive(Debug)]
enum Rescue {
    Wanted(WantedTrace),
    Found(Found),
}

/// One reading of the bus, for a few rescues whose records lie together.
#[derive(Debug)]
struct Reading {
    next: u64,
    end: u64,
    bytes: usize,
    /// What `bytes` may come to.
    hold: Hold,
    /// With the offset and the place among the rescues there.
    traces: Vec<(u64, usize, WantedTrace, Found)>,
}

/// The rescues of one partition, by the offset that waits for them.
#[derive(Debug, Default)]
pub(crate) struct Rescues {
    waiting: BTreeMap<u64, Vec<Rescue>>,
    reading: Option<Reading>,
    stamp: Stamp,
    pool: Arc<Pool>,
}

impl Rescues {
    /// What is read is taken from this pool from now on.
    pub(crate) fn share(&mut self, pool: &Arc<Pool>) {
        self.pool = Arc::clone(pool);
    }

    /// The emit cursor may not pass `wanted.at` without these spans.
    pub(crate) fn want(&mut self, wanted: WantedTrace) {
        self.waiting
            .entry(wanted.at)
            .or_default()
            .push(Rescue::Wanted(wanted));
    }

    /// Something is still to be read before the emit cursor may pass a record.
    #[inline]
    pub(crate) fn hold(&self, offset: u64) -> bool {
        !self.waiting.is_empty() && self.is_held(offset)
    }

    fn is_held(&self, offset: u64) -> bool {
        self.waiting.range(..=offset).any(|(_, all)| is_wanted(all))
    }

    /// The offset that the emit cursor may not pass yet; the largest there is if nothing is to be read.
    pub(crate) fn first_wanted(&self) -> u64 {
        let mut waiting = self.waiting.iter();
        waiting
            .find(|(_, all)| is_wanted(all))
            .map_or(u64::MAX, |(&at, _)| at)
    }

    /// Records to be read, for what the emit cursor at `emit` is waiting for or soon will below `limit`.
    pub(crate) fn missing(&mut self, limit: u64) -> Option<Range<u64>> {
        if self.reading.is_none() {
            self.reading = self.begin(limit);
        }
        let reading = self.reading.as_ref()?;
        Some(reading.next..reading.end)
    }

    /// The emit cursor is waiting, or will be at the first record that it waits for at all.
    fn blocked(&self) -> bool {
        self.waiting
            .values()
            .next()
            .is_some_and(|all| is_wanted(all))
    }

    /// Room for the next reading: one ahead of what the emit cursor is waiting for.
    fn room(&self) -> Option<Hold> {
        match self.blocked() {
            true => self.pool.take().or_else(|| self.pool.take_spare()),
            false if self.bytes() < self.pool.reading_bytes_max() => self.pool.take(),
            false => None,
        }
    }

    /// The next reading: the first rescue that is due, and others whose records lie close by. Where memory is short, those that the
    /// first record waits for, wherever they lie.
    fn begin(&self, limit: u64) -> Option<Reading> {
        let mut due: Vec<(u64, usize, &WantedTrace)> = Vec::new();
        for (&at, rescues) in self.waiting.range(..limit) {
            for (place, rescue) in rescues.iter().enumerate() {
                if let Rescue::Wanted(wanted) = rescue {
                    due.push((at, place, wanted));
                }
            }
        }
        let &(first_at, _, first) = due.first()?;
        let (mut start, mut end) = (first.within.start, first.within.end);
        let hold = self.room()?;
        if hold.is_spare() {
            due.retain(|(at, ..)| *at == first_at);
            for (_, _, wanted) in &due {
                start = start.min(wanted.within.start);
                end = end.max(wanted.within.end);
            }
        }
        due.sort_by_key(|(_, _, wanted)| wanted.within.start);
        let lies_close = |wanted: &WantedTrace, start: u64, end: u64| {
            wanted.within.start <= end.saturating_add(GAP_OFFSETS)
                && wanted.within.end.saturating_add(GAP_OFFSETS) >= start
        };
        for (_, _, wanted) in due.iter().rev().chain(&due) {
            if lies_close(wanted, start, end) {
                start = start.min(wanted.within.start);
                end = end.max(wanted.within.end);
            }
        }
        let traces = (due.into_iter())
            .filter(|(_, _, wanted)| wanted.within.start >= start && wanted.within.end <= end)
            .map(|(at, place, wanted)| (at, place, wanted.clone(), Found::default()));
        Some(Reading {
            next: start,
            end,
            bytes: 0,
            hold,
            traces: traces.collect(),
        })
    }

    /// Records that were read: all that exist from `missing().start` to `read_to`.
    pub(crate) fn supply(
        &mut self,
        records: impl IntoIterator<Item = RawRecord>,
        read_to: u64,
        tenant_of: impl Fn(Option<&[u8]>) -> Option<Tenant>,
        options: &Options,
    ) {
        let Some(mut reading) = self.reading.take() else {
            return;
        };
        for record in records {
            if record.offset < reading.next || record.offset >= reading.end {
                continue;
            }
            reading.next = record.offset + 1;
            if let Some(tenant) = tenant_of(record.tenant.as_deref()) {
                reading.look(&record, tenant, &mut self.stamp, options);
            }
        }
        reading.next = reading.next.max(read_to);
        if reading.next < reading.end {
            self.reading = Some(reading);
            return;
        }
        for (at, place, _, mut found) in reading.traces {
            found.finish(&mut reading.hold);
            if let Some(rescue) = self.waiting.get_mut(&at).and_then(|all| all.get_mut(place)) {
                *rescue = Rescue::Found(found);
            }
        }
    }

    /// The emit cursor stands at `emit` now: what belongs to the offsets below.
    pub(crate) fn release(&mut self, emit: u64) -> Released {
        let mut released = Released::default();
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() >= emit {
                break;
            }
            for rescue in entry.remove() {
                match rescue {
                    Rescue::Found(found) => released.add(found),
                    Rescue::Wanted(_) => released.incomplete += 1,
                }
            }
        }
        // What it read for is gone, if retention moved the cursor.
        if let Some(reading) = &self.reading
            && reading.traces.iter().any(|(at, ..)| *at < emit)
        {
            self.reading = None;
        }
        released
    }

    /// Spans that had no room for what is promoted, since the last call.
    pub(crate) fn take_unpromoted(&mut self) -> u64 {
        self.stamp.take_unpromoted()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        let rescues = self.waiting.values().flatten();
        let found = rescues.map(|rescue| match rescue {
            Rescue::Wanted(_) => size_of::<Rescue>(),
            Rescue::Found(found) => found.held_bytes,
        });
        found.sum::<usize>() + self.reading.as_ref().map_or(0, |reading| reading.bytes)
    }
}

fn is_wanted(rescues: &[Rescue]) -> bool {
    (rescues.iter()).any(|rescue| matches!(rescue, Rescue::Wanted(_)))
}

impl Reading {
    /// Takes the spans that are wanted out of one record.
    fn look(&mut self, record: &RawRecord, tenant: Tenant, stamp: &mut Stamp, options: &Options) {
        let offset = record.offset;
        let wants =
            |wanted: &WantedTrace| wanted.within.contains(&offset) && wanted.key.tenant == tenant;
        for (_, _, wanted, found) in &mut self.traces {
            if wants(wanted) {
                found.begin(&record.tenant, offset == wanted.within.start);
            }
        }
        // A record that is bad at its end was dropped as a whole.
        if Items::new(&record.value)
            .any(|item| item.and_then(|item| SpanView::parse(item.body)).is_err())
        {
            return;
        }
        let mut heads = Heads::default();
        for item in Items::new(&record.value).map_while(Result::ok) {
            let span = SpanView::parse(item.body).ok();
            let Some(id) = span.and_then(|span| span.valid_trace_id()) else {
                continue;
            };
            for (_, _, wanted, found) in &mut self.traces {
                if wanted.key.id != *id || !wants(wanted) || found.too_large {
                    continue;
                }
                let around = heads.bytes(&item);
                let bytes_max = options.bus.record_bytes_limit.saturating_sub(around);
                let suffix = stamp.of(item.body, id, wanted.kept(), options.stamping, bytes_max);
                self.bytes += found.add(&record.tenant, &item, suffix, around, options);
            }
        }
        if self.bytes > self.hold.bytes() {
            self.shrink();
        }
    }

    /// Too much for one reading: the others wait for the next, and what is too large alone is given up. Those that have the spare part
    /// can't wait for another, so the largest are given up.
    fn shrink(&mut self) {
        if self.hold.is_spare() {
            while self.bytes > self.hold.bytes()
                && let Some((_, _, _, largest)) =
                    (self.traces.iter_mut()).max_by_key(|(_, _, _, found)| found.held_bytes)
            {
                self.bytes -= largest.held_bytes;
                *largest = Found::too_large();
            }
            return;
        }
        let first = (self.traces.iter().enumerate())
            .min_by_key(|(_, (at, place, ..))| (*at, *place))
            .map(|(index, _)| index);
        if self.traces.len() > 1
            && let Some(first) = first
        {
            self.traces = vec![self.traces.swap_remove(first)];
            self.end = self.traces[0].2.within.end;
        }
        let held = self.traces.iter().map(|(_, _, _, found)| found.held_bytes);
        self.bytes = held.sum();
        if self.bytes > self.hold.bytes() {
            for (_, _, _, found) in &mut self.traces {
                *found = Found::too_large();
            }
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests;
