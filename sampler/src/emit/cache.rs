//! The record cache: what the decide cursor fetched, until the emit cursor comes by. Bounded in bytes; the bus is its overflow.
//!
//! It covers *runs* of offsets. The emit cursor needs the oldest first, so what is in stays in, and newer records are not admitted
//! when it is full. Admission starts again when a quarter is free, so that a window larger than the cache leaves few long gaps
//! to be read again rather than many short ones. Records that were read again are always taken: whoever reads them bounds how much.
//!
//! What is admitted is copied where a value as the bus gave it may pin a buffer that is much larger: librdkafka sizes one for each batch of
//! records by guessing its compression ratio. A cache of 512 MiB took 130 MB more than it counted. The copy costs a tenth of a microsecond a span.
//!
//! When the bound falls, because partitions came, the newest records are let go: the emit cursor needs the oldest first.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::emit::prefetch::{self, Starts};
use crate::record::RawRecord;

/// What a record costs beside its value.
const RECORD_OVERHEAD: usize = size_of::<Cached>() + 32;

/// A gap is asked for when the emit cursor is this close to it, so that reading does not wait for emitting.
const READ_AHEAD_OFFSETS: u64 = 16;

/// Copies of consecutive records share an allocation of at most this size: first in, first out, it is let go as a whole.
const CHUNK_BYTES_MAX: usize = 1 << 20;
/// No chunk is larger than this part of the bound. The oldest may be used up almost, the newest almost unused.
const CHUNK_PARTS: usize = 16;

#[derive(Debug)]
struct Cached {
    record: RawRecord,
    /// In bytes, but for its starts.
    record_cost: usize,
    /// Known where the decide cursor saw this copy.
    starts: Starts,
}

impl Cached {
    fn new(record: RawRecord, record_cost: usize) -> Self {
        Self {
            record,
            record_cost,
            starts: Starts::default(),
        }
    }

    fn cost(&self) -> usize {
        self.record_cost + self.starts.bytes()
    }
}

#[derive(Debug)]
pub(crate) struct RecordCache {
    records: VecDeque<Cached>,
    /// Every record that exists within a run is in `records`. In order, apart, never empty.
    runs: VecDeque<Range<u64>>,
    bytes: usize,
    bytes_max: usize,
    full: bool,
    copies: bool,
    /// What is left of the newest chunk.
    chunk: BytesMut,
}

/// What the cache knows of an offset.
#[derive(Debug)]
pub(crate) enum Next {
    /// The first record at or above the offset.
    Record(RawRecord),
    /// No record exists from the offset up to here; it may be the limit.
    Nothing(u64),
    /// What stands here is not in the cache.
    Missing,
}

impl RecordCache {
    /// `copies`: values may pin more than themselves.
    pub(crate) fn new(bytes_max: usize, copies: bool) -> Self {
        Self {
            records: VecDeque::new(),
            runs: VecDeque::new(),
            bytes: 0,
            bytes_max: for_records(bytes_max, copies),
            full: false,
            copies,
            chunk: BytesMut::new(),
        }
    }

    pub(crate) fn set_bytes_max(&mut self, bytes_max: usize) {
        let before = self.bytes_max;
        self.bytes_max = for_records(bytes_max, self.copies);
        if self.bytes_max >= before {
            return;
        }
        while self.bytes > self.bytes_max
            && let Some(newest) = self.records.pop_back()
        {
            self.bytes -= newest.cost();
            self.full = true;
            self.end_at(newest.record.offset);
        }
        if self.records.is_empty() {
            self.records.shrink_to(16);
            self.chunk = BytesMut::new();
        }
    }

    /// Nothing is known of `offset` and what lies above it.
    fn end_at(&mut self, offset: u64) {
        while self.runs.pop_back_if(|run| run.start >= offset).is_some() {}
        if let Some(run) = self.runs.back_mut() {
            run.end = run.end.min(offset);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was read again may exceed the bound.
    pub(crate) fn bytes_beyond(&self) -> usize {
        self.bytes.saturating_sub(self.bytes_max)
    }

    /// A record that the decide cursor comes to; `from` is where that cursor stands. Gives the record to read: the copy, if there is one. Copying
    /// reads memory in order and so loads it into the processor's caches; the walk over spans hops, and would wait at each of them.
    pub(crate) fn admit(&mut self, mut record: RawRecord, from: u64) -> RawRecord {
        let bytes = self.cost(&record);
        if self.full && self.bytes > self.bytes_max / 4 * 3 {
            return record;
        }
        self.full = self.bytes + bytes > self.bytes_max;
        if self.full {
            return record;
        }
        self.extend(from..record.offset + 1);
        self.bytes += bytes;
        if self.copies {
            record.value = self.copy(&record.value);
        } else {
            prefetch::whole(&record.value);
        }
        self.records.push_back(Cached::new(record.clone(), bytes));
        record
    }

    /// What it takes: a copy's part of its chunk, or an allocation of its own.
    fn cost(&self, record: &RawRecord) -> usize {
        let value = match self.copies {
            true => record.value.len(),
            false => bus::allocation_bytes(record.value.len()),
        };
        value + record.tenant.as_ref().map_or(0, Bytes::len) + RECORD_OVERHEAD
    }

    /// Where the spans begin of the record that came last; nothing to do unless it was admitted.
    pub(crate) fn know_starts(&mut self, offset: u64, starts: &[u32]) {
        if let Some(last) = self.records.back_mut()
            && last.record.offset == offset
        {
            last.starts = Starts::new(starts);
            self.bytes += last.starts.bytes();
        }
    }

    fn copy(&mut self, value: &[u8]) -> Bytes {
        if self.chunk.capacity() < value.len() {
            let bytes = (self.bytes_max / CHUNK_PARTS).min(CHUNK_BYTES_MAX);
            self.chunk = BytesMut::with_capacity(bytes.max(value.len()));
        }
        self.chunk.extend_from_slice(value);
        self.chunk.split().freeze()
    }

    /// No record exists in a range at the head of the log.
    pub(crate) fn admit_gap(&mut self, range: Range<u64>) {
        if self.runs.back().is_some_and(|run| run.end == range.start) {
            self.extend(range);
        }
    }

    fn extend(&mut self, range: Range<u64>) {
        match self.runs.back_mut() {
            Some(run) if run.end == range.start => run.end = range.end,
            _ if range.is_empty() => {}
            _ => self.runs.push_back(range),
        }
    }

    /// Records read again: all that exist from the first gap at or above `emit` up to `to`. What is there already is kept.
    pub(crate) fn supply(
        &mut self,
        records: impl IntoIterator<Item = RawRecord>,
        emit: u64,
        to: u64,
    ) {
        self.skip_to(emit);
        let covered = self.runs.front().is_some_and(|run| run.start <= emit);
        let behind = usize::from(covered);
        let start = if covered { self.runs[0].end } else { emit };
        let end = self.runs.get(behind).map_or(to, |run| run.start.min(to));
        if start >= end {
            return;
        }
        let tail = self.records.split_off(
            self.records
                .partition_point(|cached| cached.record.offset < start),
        );
        let mut next = start;
        for record in records {
            if record.offset < next || record.offset >= end {
                continue;
            }
            next = record.offset + 1;
            let bytes = self.cost(&record);
            self.bytes += bytes;
            self.records.push_back(Cached::new(record, bytes));
        }
        self.records.extend(tail);
        self.runs.insert(behind, start..end);
        self.join(behind);
        if covered {
            self.join(0);
        }
    }

    /// Makes a run and the one after it one, if they touch.
    fn join(&mut self, at: usize) {
        if let Some(after) = self.runs.get(at + 1)
            && after.start == self.runs[at].end
        {
            self.runs[at].end = after.end;
            self.runs.remove(at + 1);
        }
    }

    /// What stands at `offset`, below `limit`; everything below it is let go. What a walk over the record needs first is loaded into the processor's caches.
    pub(crate) fn next(&mut self, offset: u64, limit: u64) -> Next {
        self.skip_to(offset);
        let end = match self.runs.front() {
            Some(run) if run.start <= offset => run.end.min(limit),
            _ => return Next::Missing,
        };
        let below = |cached: &mut Cached| cached.record.offset < end;
        let Some(cached) = self.records.pop_front_if(below) else {
            return Next::Nothing(end);
        };
        self.bytes -= cached.cost();
        if self.records.is_empty() {
            self.chunk = BytesMut::new();
        }
        cached.starts.load(&cached.record.value);
        Next::Record(cached.record)
    }

    /// The first gap at or soon above `offset`; its end is open when nothing lies behind it.
    pub(crate) fn missing(&self, offset: u64) -> Option<Range<u64>> {
        let mut runs = self.runs.iter().skip_while(|run| run.end <= offset);
        match runs.next() {
            Some(run) if run.start > offset => Some(offset..run.start),
            Some(run) if run.end - offset <= READ_AHEAD_OFFSETS => {
                Some(run.end..runs.next().map_or(u64::MAX, |run| run.start))
            }
            Some(_) => None,
            None => Some(offset..u64::MAX),
        }
    }

    /// Puts back what [`RecordCache::next`] gave.
    pub(crate) fn put_back(&mut self, record: RawRecord) {
        let bytes = self.cost(&record);
        self.bytes += bytes;
        self.records.push_front(Cached::new(record, bytes));
    }

    pub(crate) fn skip_to(&mut self, offset: u64) {
        while let Some(run) = self.runs.front_mut() {
            if run.end <= offset {
                self.runs.pop_front();
            } else {
                run.start = run.start.max(offset);
                break;
            }
        }
        while self
            .records
            .front()
            .is_some_and(|cached| cached.record.offset < offset)
        {
            if let Some(cached) = self.records.pop_front() {
                self.bytes -= cached.cost();
            }
        }
    }
}

/// What of a bound is for records: copies leave some of their chunks unused.
fn for_records(bytes_max: usize, copies: bool) -> usize {
    match copies {
        true => bytes_max - bytes_max / CHUNK_PARTS * 2,
        false => bytes_max,
    }
}

#[cfg(test)]
mod tests;
