//! One partition: the [`Decider`] at the head of its log, the [`Copier`] behind it, and what the shell sees of both.
//!
//! Pure: no clock, no I/O. The shell feeds records, says when they were read and when there are no more ([`Partition::read_at`],
//! [`Partition::idle`]), and commits what [`Partition::take`] gives; after an aborted commit it throws the partition away and makes a new one from the
//! committed position. Such a new owner, with the verdicts of the decision log restored, comes to the same state at P, and writes nothing twice.

use std::ops::Range;
use std::sync::{Arc, Mutex, RwLock};

use schemas::decisions::DecisionBatch;
use schemas::headers::UnknownVersion;

use crate::budget::Budgets;
use crate::decide::Decider;
use crate::decide::facts::Facts;
use crate::decide::links::Linked;
use crate::emit::Copier;
use crate::memory::Pool;
use crate::options::Options;
use crate::output::{Counts, Output};
use crate::policy::Policies;
use crate::position::{Position, Start};
use crate::reconfigure::Reconfiguration;
use crate::record::RawRecord;
use crate::stats::{Group, Tallied};

/// The two cursors of one partition of the raw topic.
///
/// ```
/// use std::sync::Arc;
///
/// use sampler::partition::Partition;
/// use sampler::position::Start;
/// use sampler::record::RawRecord;
///
/// let config = sampler::RawConfig::default().validate("", &mut runtime::config::Problems::new());
/// let wait_ms = config.options.decision_wait_ms;
/// let mut partition = Partition::new(0, config.policies, config.options, Start::default(), 1 << 20);
/// // A request of one resource and one scope, with one span that has only a trace id and a span id.
/// let span = [&[0x0a, 16][..], &[7; 16], &[0x12, 8], &[1; 8]].concat();
/// let scope = [&[0x12, span.len() as u8][..], &span].concat();
/// let resource = [&[0x12, scope.len() as u8][..], &scope].concat();
/// let request = [&[0x0a, resource.len() as u8][..], &resource].concat();
/// partition.observe(RawRecord { offset: 0, timestamp_ms: 1_000_000, tenant: None, value: request.into() });
/// partition.emit(usize::MAX);
/// assert!(partition.take().decisions.entries.is_empty(), "its trace is still open");
/// partition.tick(1_000_000 + wait_ms);
/// partition.emit(usize::MAX);
/// let output = partition.take();
/// assert_eq!(output.decisions.entries.len(), 1);
/// assert_eq!(output.position.0, 1, "everything below offset 1 is done with");
/// ```
#[derive(Debug)]
pub struct Partition {
    number: u32,
    decider: Decider,
    copier: Copier,
    generation: u64,
    decisions_from: u64,
    decision_log: u64,
    /// Both cursors at the last take.
    taken: (u64, u64),
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
        Self {
            number,
            generation: options.generation,
            decisions_from: start.decisions_from,
            decision_log: options.bus.decision_log,
            taken: (start.emit, start.decide.max(start.emit)),
            copier: Copier::new(options.clone(), &start, cache_bytes),
            decider: Decider::new(number, policies, options, start),
        }
    }

    /// The partition's number in its topic.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// One record of the decision log, in log order, before the first [`Partition::observe`].
    pub fn restore(&mut self, batch: &DecisionBatch) {
        self.decider.restore(batch);
        self.hand_over();
    }

    /// The decide cursor is still below P: there is no output, and the partition must not be in a commit.
    pub fn rebuilding(&self) -> bool {
        self.decider.rebuilding()
    }

    /// The decide cursor reads a record. Offsets below the cursor are ignored (a fetch may repeat); gaps are normal.
    pub fn observe(&mut self, record: RawRecord) {
        self.read(record, None);
    }

    /// The decide cursor comes to a record that this build can't read: nothing in it is looked at, and the emit cursor puts it to the dead letters.
    pub fn refuse(&mut self, record: RawRecord, why: UnknownVersion) {
        self.read(record, Some(why));
    }

    fn read(&mut self, record: RawRecord, refused: Option<UnknownVersion>) {
        if record.offset < self.decider.offset() {
            return;
        }
        let record = self.copier.admit(record, self.decider.offset());
        let observed = self.decider.observe(&record, refused);
        self.copier.observed(record.offset, observed);
        self.hand_over();
        self.decider.forget(self.copier.offset());
    }

    /// What late errors ask of the past.
    fn hand_over(&mut self) {
        for wanted in self.decider.take_wanted() {
            self.copier.want(wanted);
        }
    }

    /// The records that are observed next were read by then, on the process's monotonic clock.
    pub fn read_at(&mut self, monotonic_ms: u64) {
        self.decider.read_at(monotonic_ms);
    }

    /// An idle partition: everything that had been written by then, on the process's monotonic clock, was observed.
    pub fn idle(&mut self, monotonic_ms: u64) {
        self.decider.idle(monotonic_ms);
        self.hand_over();
    }

    /// It is so late at least on the bus's clock. Only when everything on the partition was observed.
    pub fn tick(&mut self, time_ms: u64) {
        self.decider.tick(time_ms);
        self.hand_over();
    }

    /// Keeps undecided traces that kept ones of other partitions link to.
    pub fn keep(&mut self, linked: Linked) {
        self.decider.keep(linked);
        self.hand_over();
    }

    /// Traces of other partitions that are to be kept for the sake of kept ones here, since the last call.
    pub fn take_links(&mut self) -> Vec<Linked> {
        self.decider.take_links()
    }

    /// Moves the emit cursor as far as low watermark, cache and `budget_bytes` of output permit; the bytes of output. A record is never
    /// cut, so the budget may be passed by one record and what was rescued for it.
    pub fn emit(&mut self, budget_bytes: usize) -> usize {
        if self.rebuilding() {
            return 0;
        }
        let bytes = self.copier.copy(self.decider.verdicts(), budget_bytes);
        self.decider.forget(self.copier.offset());
        bytes
    }

    /// Nothing below `offset` will ever be read again: retention deleted it. Moves both cursors.
    pub fn skip_to(&mut self, offset: u64) {
        let decide = self.decider.offset();
        self.decider.skip_to(offset);
        self.hand_over();
        self.copier.skip_to(offset, decide);
    }

    /// Offsets that the emit cursor needs, now or soon, and that are not in the cache: to be read again, in order.
    pub fn missing(&self) -> Option<Range<u64>> {
        match self.rebuilding() {
            true => None,
            false => self.copier.missing(self.decider.verdicts().watermark),
        }
    }

    /// Records that were read again; every record from `missing().start` to `read_to` that exists is among what was supplied.
    pub fn supply(&mut self, records: impl IntoIterator<Item = RawRecord>, read_to: u64) {
        let read_to = read_to.min(self.decider.offset());
        self.copier.supply(records, read_to);
    }

    /// Records of dropped traces that late errors brought back: to be read again, and handed to [`Partition::supply_rescue`].
    pub fn missing_for_rescue(&mut self) -> Option<Range<u64>> {
        match self.rebuilding() {
            true => None,
            false => {
                let watermark = self.decider.verdicts().watermark;
                self.copier.missing_for_rescue(watermark)
            }
        }
    }

    /// As [`Partition::supply`], for `missing_for_rescue`.
    pub fn supply_rescue(&mut self, records: impl IntoIterator<Item = RawRecord>, read_to: u64) {
        let verdicts = self.decider.verdicts();
        self.copier.supply_rescue(records, read_to, verdicts);
    }

    /// Another configuration, from the next record on. To be called between a [`Partition::take`] and the first record after it.
    ///
    /// The window, the verdicts and the place in the log stay. Conditions that both configurations have keep what was gathered. What only the new one asks
    /// for is not known of the spans that open traces have already: it counts as not satisfied by them, but for latency, which is known of every trace.
    pub fn reconfigure(&mut self, change: &Reconfiguration) {
        self.decider.reconfigure(change);
        self.copier.reconfigure(&change.options);
        self.generation = change.options.generation;
    }

    /// What this epoch makes visible since the last take; only counters while rebuilding.
    pub fn take(&mut self) -> Output {
        let counts = Counts {
            decider: self.decider.take_counts(),
            copier: self.copier.take_counts(),
        };
        if self.rebuilding() {
            return Output {
                counts,
                ..Output::default()
            };
        }
        let decisions = self.decider.take_decisions();
        let emitted = self.copier.take();
        let cursors = (self.copier.offset(), self.decider.offset());
        let moved = cursors != self.taken
            || !decisions.entries.is_empty()
            || !emitted.sampled.is_empty()
            || !emitted.dead.is_empty();
        self.taken = cursors;
        let clock = self.copier.clock();
        let position = Position {
            decide: self.decider.offset(),
            clock_emit_ms: clock.now_ms(),
            jump_emit_ms: clock.jump_ms(),
            clock_decide_ms: self.clock_ms(),
            generation: self.generation,
            decisions_from: self.decisions_from,
            decision_log: self.decision_log,
        };
        Output {
            decisions,
            sampled: emitted.sampled,
            dead: emitted.dead,
            position: (self.copier.offset(), position.to_metadata()),
            moved,
            counts,
        }
    }

    /// What late errors bring back is taken from here from now on.
    pub(crate) fn share_rescues(&mut self, pool: &Arc<Pool>) {
        self.copier.share_rescues(pool);
    }

    /// Exchanges the memory that records are read into: the partitions of one worker share it.
    pub(crate) fn exchange_scratch(&mut self, scratch: &mut Facts) {
        self.decider.exchange_scratch(scratch);
    }

    /// What the statistics counted since the last call, for the other partitions.
    pub(crate) fn take_news(&mut self) -> Vec<Tallied> {
        self.decider.take_news()
    }

    /// What the statistics found in the decision log since the last call, for the rates.
    pub(crate) fn take_restored(&mut self) -> Vec<Tallied> {
        self.decider.take_restored()
    }

    /// What other partitions counted is found there from now on.
    pub(crate) fn join(&mut self, group: &Arc<RwLock<Group>>) {
        self.decider.join_group(group);
    }

    /// The budgets that all partitions of the process spend from.
    pub(crate) fn join_budgets(&mut self, budgets: &Arc<Mutex<Budgets>>) {
        self.decider.join_budgets(budgets);
    }

    /// The statistics' bound from now on.
    pub(crate) fn set_statistics_bytes(&mut self, bytes: usize) {
        self.decider.set_statistics_bytes(bytes);
    }

    /// Keys that the statistics know, and the bytes they take.
    pub fn statistics(&self) -> (usize, usize) {
        self.decider.statistics()
    }

    /// The record cache's bound from now on: the memory limit is divided anew when partitions come and go. What is beyond it is let go,
    /// and read again when the emit cursor comes by.
    pub fn set_cache_bytes(&mut self, bytes: usize) {
        self.copier.set_cache_bytes(bytes);
    }

    /// The bound of what is promoted of traces, open and decided, from now on.
    pub fn set_promoted_bytes(&mut self, bytes: usize) {
        self.decider.set_promoted_bytes(bytes);
    }

    /// Bytes of what is promoted of traces.
    pub fn promoted_bytes(&self) -> usize {
        self.decider.promoted_bytes()
    }

    /// L.
    pub fn emit_offset(&self) -> u64 {
        self.copier.offset()
    }

    /// P: the next offset to observe.
    pub fn decide_offset(&self) -> u64 {
        self.decider.offset()
    }

    /// The partition's clock: deadlines up to it have fired.
    pub fn clock_ms(&self) -> u64 {
        self.decider.clock_ms()
    }

    pub fn open_traces(&self) -> usize {
        self.decider.open_traces()
    }

    /// Spans between the cursors.
    pub fn pending_spans(&self) -> u64 {
        self.copier.pending_spans()
    }

    /// Bytes of records, and of what late errors bring back.
    pub fn cache_bytes(&self) -> usize {
        self.copier.cache_bytes()
    }

    /// Bytes of records that were read again and are more than the cache's share.
    pub(crate) fn bytes_beyond_cache(&self) -> usize {
        self.copier.bytes_beyond_cache()
    }

    pub fn verdicts_stored(&self) -> usize {
        self.decider.verdicts_stored()
    }

    /// Bytes of the window and the verdicts, record cache and output aside.
    pub fn window_bytes(&self) -> usize {
        self.decider.bytes() + self.copier.bookkeeping_bytes()
    }
}
