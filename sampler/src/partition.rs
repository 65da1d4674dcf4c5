//! The two cursors of one partition: the decide cursor gathers facts and gives verdicts at the head of the log, the emit
//! cursor follows and copies kept spans out. Pure: no clock, no I/O; the shell feeds records and ticks, and commits what [`Partition::take`] gives.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use schemas::decisions::DecisionBatch;

use crate::policy::Policies;

/// What every partition of a sampler has in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// From a trace's first span to its verdict.
    pub decision_wait_ms: u64,
    /// From a trace's root span to its verdict; 0: off.
    pub decision_wait_after_root_ms: u64,
    /// A verdict holds at least this long after the trace's last span.
    pub decision_cache_ttl_ms: u64,
    /// A trace that grows beyond it is dropped at once; 0: no limit.
    pub maximum_trace_size_bytes: u64,
    /// Output records are finished when they reach this length.
    pub record_bytes_max: usize,
    /// A record further than this ahead of the partition's clock does not move the clock unless the next record confirms it.
    pub future_limit_ms: u64,
    /// Number of partitions of the raw topic: a rate budget is split over them.
    pub partitions: u32,
    /// Which configuration gave the verdicts; written into position metadata.
    pub generation: u64,
}

/// A record of the raw topic. `value` is refcounted.
#[derive(Clone, Debug)]
pub struct RawRecord {
    pub offset: u64,
    pub timestamp_ms: u64,
    pub tenant: Option<Bytes>,
    pub value: Bytes,
}

/// Where a partition starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// L: every record below it is done with.
    pub emit: u64,
    /// P: verdicts for everything below it are in the decision log; the decide cursor rebuilds up to here.
    pub decide: u64,
    pub clock_emit_ms: u64,
    pub clock_decide_ms: u64,
}

impl Start {
    /// The time from which the decision log has to be read before the first record: every verdict that may still be
    /// needed has an entry at or after it. 0 when nothing was ever committed and the log need not be read.
    pub fn scan_from_ms(&self, options: &Options) -> u64 {
        let _ = options;
        todo!()
    }
}

/// A record, or part of one, that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Of the raw record.
    pub offset: u64,
    pub tenant: Option<Bytes>,
    pub reason: String,
    /// The raw record's value, or a request with the spans that were refused.
    pub value: Bytes,
}

/// What happened since the last take, on top of gauges. consumed = kept + dropped + dead_lettered + the change of pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub consumed_spans: u64,
    pub consumed_bytes: u64,
    pub consumed_records: u64,
    pub kept_spans: u64,
    pub kept_bytes: u64,
    pub dropped_spans: u64,
    /// Spans that arrived after their trace's verdict; they are among kept or dropped as well.
    pub late_spans: u64,
    /// Spans in dead letters (a bad record counts none: its spans cannot be counted).
    pub dead_lettered_spans: u64,
    pub bad_records: u64,
    /// New verdicts by policy, in order of `Policies`: (kept, dropped).
    pub verdicts: Vec<(u64, u64)>,
    /// New verdicts that no policy gave (all dropped).
    pub unmatched: u64,
    /// Traces dropped for their size.
    pub oversized: u64,
}

/// What one epoch makes visible.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Empty: write none.
    pub decisions: DecisionBatch,
    /// Records for the sampled topic: tenant and value.
    pub sampled: Vec<(Option<Bytes>, Bytes)>,
    pub dead: Vec<DeadLetter>,
    /// L and the metadata to commit with it. Meaningless while rebuilding.
    pub position: (u64, String),
    /// The position differs from the last one taken, or there is output: worth committing.
    pub moved: bool,
    pub counts: Counts,
}

/// One partition.
pub struct Partition {}

impl Partition {
    pub fn new(
        number: u32,
        policies: Arc<Policies>,
        options: Options,
        start: Start,
        cache_bytes: usize,
    ) -> Self {
        let _ = (number, policies, options, start, cache_bytes);
        todo!()
    }

    /// One record of the decision log, in log order, before the first `observe`.
    pub fn restore(&mut self, batch: &DecisionBatch) {
        let _ = batch;
        todo!()
    }

    /// The decide cursor is still below `start.decide`: there is no output, and the partition must not be in a commit.
    pub fn rebuilding(&self) -> bool {
        todo!()
    }

    /// The decide cursor reads a record. Offsets below the cursor are ignored (a fetch may repeat); gaps are normal.
    pub fn observe(&mut self, record: RawRecord) {
        let _ = record;
        todo!()
    }

    /// An idle partition: the wall clock less an allowance. Only when everything on the partition was observed.
    pub fn tick(&mut self, time_ms: u64) {
        let _ = time_ms;
        todo!()
    }

    /// Nothing below `offset` will ever be read again: retention deleted it. Moves both cursors.
    pub fn skip_to(&mut self, offset: u64) {
        let _ = offset;
        todo!()
    }

    /// Moves the emit cursor as far as low watermark, cache and `budget_bytes` of output permit.
    pub fn emit(&mut self, budget_bytes: usize) {
        let _ = budget_bytes;
        todo!()
    }

    /// Offsets that the emit cursor could pass if it had them, but that left the cache: to be read again, in order.
    pub fn missing(&self) -> Option<Range<u64>> {
        todo!()
    }

    /// Records that were read again; every record below `read_to` that exists is among what was supplied.
    pub fn supply(&mut self, records: impl IntoIterator<Item = RawRecord>, read_to: u64) {
        let _ = (records.into_iter(), read_to);
        todo!()
    }

    /// Per rate budget (see `Policies::budgets`): tokens asked for since the last call.
    pub fn demand(&mut self) -> Vec<u64> {
        todo!()
    }

    /// Per rate budget: this partition's share of the limit, 0..=1; from `budget::shares`.
    pub fn set_shares(&mut self, shares: &[f64]) {
        let _ = shares;
        todo!()
    }

    /// The record cache's bound from now on (the memory limit is divided anew when partitions come and go).
    pub fn set_cache_bytes(&mut self, bytes: usize) {
        let _ = bytes;
        todo!()
    }

    /// What this epoch makes visible since the last take; only counters while rebuilding.
    pub fn take(&mut self) -> Output {
        todo!()
    }

    /// L.
    pub fn emit_offset(&self) -> u64 {
        todo!()
    }

    /// The decide cursor: the next offset to observe.
    pub fn decide_offset(&self) -> u64 {
        todo!()
    }

    pub fn clock_ms(&self) -> u64 {
        todo!()
    }

    pub fn open_traces(&self) -> usize {
        todo!()
    }

    /// Spans between the cursors.
    pub fn pending_spans(&self) -> u64 {
        todo!()
    }

    pub fn cache_bytes(&self) -> usize {
        todo!()
    }

    pub fn verdicts_held(&self) -> usize {
        todo!()
    }

    /// Bytes of the window and the verdicts, record cache aside.
    pub fn window_bytes(&self) -> usize {
        todo!()
    }
}
