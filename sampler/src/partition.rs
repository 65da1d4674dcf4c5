//! The two cursors of one partition: the decide cursor gathers facts and gives verdicts at the head of the log (`decide`), the emit
//! cursor follows and copies kept spans out (`emit`). Here is what they share, and what the shell sees of them.
//!
//! Pure: no clock, no I/O. The shell feeds records and ticks, and commits what [`Partition::take`] gives; after an aborted commit it
//! throws the partition away and makes a new one from the committed position.
//!
//! **What replays.** Everything up to a verdict is a function of the records from L on and the state committed with L. Traces are opened
//! and verdicts forgotten by the log's own clock; ticks only let deadlines fire earlier. A verdict's time is its deadline, whoever let it fire. So a new owner,
//! with the verdicts of the decision log restored, comes to the same state at P, and writes nothing twice.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use schemas::decisions::{Decision, DecisionBatch};

use crate::budget::Bucket;
use crate::cache::RecordCache;
use crate::clock::LogClock;
use crate::decide::HeldRecord;
use crate::emit::{Emitter, Oddities};
use crate::facts::SpanFacts;
use crate::index::{self, Place, TraceIndex};
use crate::log::DecisionLog;
use crate::names::Names;
use crate::pending::Pending;
use crate::policy::Policies;
use crate::position::Position;
use crate::verdicts::{NO_POLICY, Verdicts};
use crate::window::{NONE, Window};

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
    /// A record further than this ahead of the partition's clock is held back until the next record confirms its time.
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
    /// The log's clock at L.
    pub clock_emit_ms: u64,
    /// A jump in time that was held back at L, see [`Options::future_limit_ms`]; 0: none.
    pub jump_emit_ms: u64,
    /// The partition's clock at P, ticks included.
    pub clock_decide_ms: u64,
}

/// Clocks of brokers may differ by this much.
const SCAN_MARGIN_MS: u64 = 60_000;

impl Start {
    /// The bus time from which the decision log has to be read before the first record: every verdict that may still be
    /// needed has an entry at or after it. 0: all of it.
    ///
    /// A span at or above L belongs to a verdict of a time at most 1.5 ttl before the clock at L, and an entry is never on the
    /// bus before its own time by the raw topic's clock. Where producers stamp raw records (`CreateTime`) and live in the future, the caller has to subtract how far.
    pub fn scan_from_ms(&self, options: &Options) -> u64 {
        self.clock_emit_ms
            .min(self.clock_decide_ms)
            .saturating_sub(options.decision_cache_ttl_ms.saturating_mul(2))
            .saturating_sub(SCAN_MARGIN_MS)
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

/// What happened since the last take, on top of gauges. consumed = kept + dropped + dead_lettered + lost + the change of pending.
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
    /// Spans that retention deleted after they were consumed and before they were emitted.
    pub lost_spans: u64,
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
#[derive(Debug)]
pub struct Partition {
    pub(crate) number: u32,
    pub(crate) policies: Arc<Policies>,
    pub(crate) options: Options,
    pub(crate) start: Start,
    // The decide cursor.
    pub(crate) decide: u64,
    pub(crate) clock: LogClock,
    /// By ticks, and before a restart by the clock at P.
    pub(crate) tick_ms: u64,
    pub(crate) index: TraceIndex,
    pub(crate) window: Window,
    pub(crate) verdicts: Verdicts,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) names: Names,
    pub(crate) scratch: Vec<SpanFacts>,
    pub(crate) held: Option<HeldRecord>,
    pub(crate) log: DecisionLog,
    // The emit cursor.
    pub(crate) emit: u64,
    pub(crate) emit_clock: LogClock,
    pub(crate) cache: RecordCache,
    pub(crate) pending: Pending,
    pub(crate) oddities: Oddities,
    pub(crate) emitter: Emitter,
    // Since the last take.
    pub(crate) counts: Counts,
    pub(crate) taken: (u64, u64),
}

impl Partition {
    /// `cache_bytes` bounds the record cache.
    pub fn new(
        number: u32,
        policies: Arc<Policies>,
        options: Options,
        start: Start,
        cache_bytes: usize,
    ) -> Self {
        let share = 1.0 / f64::from(options.partitions.max(1));
        let clock = LogClock::new(start.clock_emit_ms, start.jump_emit_ms);
        let mut partition = Self {
            number,
            decide: start.emit,
            clock,
            tick_ms: 0,
            index: TraceIndex::default(),
            window: Window::new(
                options.decision_wait_ms,
                options.decision_wait_after_root_ms,
            ),
            verdicts: Verdicts::new(options.decision_cache_ttl_ms),
            buckets: policies
                .limits()
                .iter()
                .map(|&limit| Bucket::new(limit, share))
                .collect(),
            names: Names::default(),
            scratch: Vec::new(),
            held: None,
            log: DecisionLog::default(),
            emit: start.emit,
            emit_clock: clock,
            cache: RecordCache::new(cache_bytes),
            pending: Pending::default(),
            oddities: Oddities::default(),
            emitter: Emitter::new(options.record_bytes_max),
            counts: Counts::default(),
            taken: (start.emit, start.decide.max(start.emit)),
            policies,
            options,
            start,
        };
        partition.finish_rebuild();
        partition
    }

    /// The partition's number in its topic.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// One record of the decision log, in log order, before the first `observe`.
    pub fn restore(&mut self, batch: &DecisionBatch) {
        for entry in &batch.entries {
            let until = self.verdicts.holds_until_ms(entry.time_ms);
            if until < self.clock.now_ms() {
                continue;
            }
            let policy = entry
                .policy
                .and_then(|at| batch.policies.get(usize::from(at)));
            let policy = policy
                .and_then(|name| self.policies.names().iter().position(|known| known == name))
                .map_or(NO_POLICY, |at| at as u16);
            self.restore_entry(entry, policy);
        }
    }

    fn restore_entry(&mut self, entry: &Decision, policy: u16) {
        let hash = index::hash(&entry.trace_id);
        let newest = match self.find(hash, &entry.trace_id) {
            Some(Place::Decided(slot)) => slot,
            // Restoring comes before observing, so nothing is open yet.
            Some(Place::Open(_)) => return,
            None => NONE,
        };
        // Where it belongs in the chain: behind the last verdict that holds from a later offset.
        let (mut newer, mut at) = (NONE, newest);
        while at != NONE && self.verdicts.get(at).first_offset > entry.first_offset {
            (newer, at) = (at, self.verdicts.get(at).older);
        }
        if at != NONE && self.verdicts.get(at).first_offset == entry.first_offset {
            // A renewal; or the same verdict once more, and what was written first wins.
            self.verdicts.renew(at, entry.last_offset, entry.time_ms);
            if policy != NO_POLICY && self.verdicts.get(at).policy == NO_POLICY {
                self.verdicts.set_policy(at, policy);
            }
            return;
        }
        let offsets = (entry.first_offset, entry.last_offset);
        let slot = self.verdicts.insert(
            entry.trace_id,
            offsets,
            entry.time_ms,
            entry.verdict,
            policy,
            at,
        );
        if newer != NONE {
            self.verdicts.set_older(newer, slot);
        } else if newest != NONE {
            self.index
                .replace(hash, Place::Decided(newest), Place::Decided(slot));
        } else {
            self.index.insert(hash, Place::Decided(slot));
        }
    }

    /// The decide cursor is still below `start.decide`: there is no output, and the partition must not be in a commit.
    pub fn rebuilding(&self) -> bool {
        self.decide < self.start.decide
    }

    /// From here on the partition's clock is at least what it was at P.
    pub(crate) fn finish_rebuild(&mut self) {
        if !self.rebuilding() {
            self.tick_ms = self.tick_ms.max(self.start.clock_decide_ms);
        }
    }

    /// Nothing below `offset` will ever be read again: retention deleted it. Moves both cursors.
    pub fn skip_to(&mut self, offset: u64) {
        if offset > self.decide {
            self.cache.admit_gap(self.decide..offset);
            self.decide = offset;
            self.finish_rebuild();
        }
        if offset > self.emit {
            self.pending.close();
            self.move_emit(offset);
            self.cache.skip_to(offset);
        }
    }

    pub(crate) fn move_emit(&mut self, offset: u64) {
        self.emit = offset;
        self.counts.lost_spans += self.pending.settle(offset);
    }

    /// The emit cursor may move up to here: everything below is observed, and every trace below is decided.
    pub(crate) fn emit_limit(&self) -> u64 {
        let watermark = self.window.low_watermark().unwrap_or(u64::MAX);
        let held = self.held.as_ref().map_or(u64::MAX, |held| held.offset);
        watermark.min(held).min(self.decide)
    }

    /// Offsets that the emit cursor needs, now or soon, and that are not in the cache: to be read again, in order.
    pub fn missing(&self) -> Option<Range<u64>> {
        if self.rebuilding() {
            return None;
        }
        let limit = self.emit_limit();
        let gap = self.cache.missing(self.emit)?;
        (gap.start < limit).then(|| gap.start..gap.end.min(limit))
    }

    /// Records that were read again; every record from `missing().start` to `read_to` that exists is among what was supplied.
    pub fn supply(&mut self, records: impl IntoIterator<Item = RawRecord>, read_to: u64) {
        // Retention may have been there before the reader.
        self.pending.close();
        self.cache
            .supply(records, self.emit, read_to.min(self.decide));
    }

    /// Per rate budget (see [`Policies::budgets`]): tokens asked for since the last call.
    pub fn demand(&mut self) -> Vec<u64> {
        self.buckets.iter_mut().map(Bucket::take_asked).collect()
    }

    /// Per rate budget: this partition's share of the limit, 0..=1; from [`crate::budget::shares`].
    pub fn set_shares(&mut self, shares: &[f64]) {
        for (bucket, &share) in self.buckets.iter_mut().zip(shares) {
            bucket.set_share(share);
        }
    }

    /// The record cache's bound from now on (the memory limit is divided anew when partitions come and go).
    pub fn set_cache_bytes(&mut self, bytes: usize) {
        self.cache.set_bytes_max(bytes);
    }

    /// What this epoch makes visible since the last take; only counters while rebuilding.
    pub fn take(&mut self) -> Output {
        let counts = std::mem::take(&mut self.counts);
        if self.rebuilding() {
            return Output {
                counts,
                ..Output::default()
            };
        }
        let decisions = self.log.take(self.policies.names());
        let (sampled, dead) = self.emitter.take();
        let cursors = (self.emit, self.decide);
        let moved = cursors != self.taken
            || !decisions.entries.is_empty()
            || !sampled.is_empty()
            || !dead.is_empty();
        self.taken = cursors;
        let position = Position {
            decide: self.decide,
            clock_emit_ms: self.emit_clock.now_ms(),
            jump_emit_ms: self.emit_clock.jump_ms(),
            clock_decide_ms: self.clock_ms(),
            generation: self.options.generation,
        };
        Output {
            decisions,
            sampled,
            dead,
            position: (self.emit, position.to_metadata()),
            moved,
            counts,
        }
    }

    /// L.
    pub fn emit_offset(&self) -> u64 {
        self.emit
    }

    /// The decide cursor: the next offset to observe.
    pub fn decide_offset(&self) -> u64 {
        self.decide
    }

    /// The partition's clock: deadlines up to it have fired.
    pub fn clock_ms(&self) -> u64 {
        self.clock.now_ms().max(self.tick_ms)
    }

    pub fn open_traces(&self) -> usize {
        self.window.open_traces()
    }

    /// Spans between the cursors.
    pub fn pending_spans(&self) -> u64 {
        self.pending.spans()
    }

    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }

    pub fn verdicts_held(&self) -> usize {
        self.verdicts.held()
    }

    /// Bytes of the window and the verdicts, record cache and output aside.
    pub fn window_bytes(&self) -> usize {
        self.window.bytes()
            + self.verdicts.bytes()
            + self.index.bytes()
            + self.names.bytes()
            + self.pending.bytes()
            + self.scratch.capacity() * size_of::<SpanFacts>()
    }
}
