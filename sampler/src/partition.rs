//! The two cursors of one partition: the decide cursor gathers facts and gives verdicts at the head of the log (`decide`), the emit
//! cursor follows and copies kept spans out (`emit`). Here is what they share, and what the shell sees of them.
//!
//! Pure: no clock, no I/O. The shell feeds records, says when they were read and when there are no more ([`Partition::read_at`],
//! [`Partition::idle`]), and commits what [`Partition::take`] gives; after an aborted commit it throws the partition away and makes a new one from the
//! committed position.
//!
//! **What replays.** Everything up to a verdict is a function of the records from L on and the state committed with L. Traces are opened
//! and verdicts forgotten by the log's own clock; ticks only let deadlines fire earlier. A verdict's time is its deadline, whoever let it fire. So a new owner,
//! with the verdicts of the decision log restored, comes to the same state at P, and writes nothing twice.

use std::sync::{Arc, Mutex, RwLock};

use bytes::Bytes;

use crate::budget::Budgets;
use crate::decide::HeldRecord;
use crate::decide::clock::{LogClock, Silence};
use crate::decide::facts::Facts;
use crate::decide::index::TraceIndex;
use crate::decide::links::{Linked, Links};
use crate::decide::log::DecisionLog;
use crate::decide::names::Names;
use crate::decide::oddities::Oddities;
use crate::decide::tenants::Tenants;
use crate::decide::verdicts::Verdicts;
use crate::decide::window::Window;
use crate::emit::cache::RecordCache;
use crate::emit::emitter::Emitter;
pub use crate::emit::output::{Counts, DeadLetter, Output};
use crate::emit::pending::Pending;
use crate::emit::rescue::Rescues;
use crate::memory::Pool;
pub use crate::options::{OfBus, Options};
use crate::policy::{Policies, State};
use crate::recovery::position::Position;
pub use crate::recovery::position::Start;
use crate::stats::{Group, Tallied};

/// A record of the raw topic. `value` is refcounted.
#[derive(Clone, Debug)]
pub struct RawRecord {
    pub offset: u64,
    pub timestamp_ms: u64,
    /// Whose spans these are; `None`: the default tenant's.
    pub tenant: Option<Bytes>,
    pub value: Bytes,
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
    /// No verdict gets an earlier time: a shorter wait makes traces due at once that have had spans since.
    pub(crate) decided_from_ms: u64,
    /// Since the last record, or since the clock at P was handed over.
    pub(crate) silence: Silence,
    /// The monotonic clock when the records were read that are observed now.
    pub(crate) read_ms: u64,
    pub(crate) tenants: Tenants,
    pub(crate) index: TraceIndex,
    pub(crate) window: Window,
    pub(crate) verdicts: Verdicts,
    /// What policies remember from trace to trace.
    pub(crate) state: State,
    pub(crate) names: Names,
    pub(crate) scratch: Facts,
    /// Of the trace that is being decided; kept for its memory.
    pub(crate) marks: Vec<u64>,
    pub(crate) held: Option<HeldRecord>,
    pub(crate) log: DecisionLog,
    pub(crate) links: Links,
    /// Traces of this partition to be kept, with the times of the verdicts that ask for it.
    pub(crate) linked: Vec<(Linked, u64)>,
    /// Traces of this partition that others ask to keep, while it rebuilds.
    pub(crate) asked: Vec<Linked>,
    /// Traces of other partitions to be kept.
    pub(crate) links_out: Vec<Linked>,
    // The emit cursor.
    pub(crate) emit: u64,
    pub(crate) emit_clock: LogClock,
    pub(crate) cache: RecordCache,
    pub(crate) pending: Pending,
    pub(crate) oddities: Oddities,
    pub(crate) emitter: Emitter,
    pub(crate) rescues: Rescues,
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
        let identities = policies.keyed().iter().map(|rule| rule.identity).collect();
        let clock = LogClock::new(start.clock_emit_ms, start.jump_emit_ms);
        let mut partition = Self {
            number,
            decide: start.emit,
            clock,
            tick_ms: 0,
            decided_from_ms: 0,
            silence: Silence::new(start.clock_decide_ms),
            read_ms: 0,
            tenants: Tenants::default(),
            index: TraceIndex::default(),
            window: Window::new(
                options.decision_wait_ms,
                options.decision_wait_after_root_ms,
            ),
            verdicts: Verdicts::new(options.decision_cache_ttl_ms),
            state: State::new(&policies, options.bus.partitions, options.statistics_bytes),
            names: Names::new(options.bus.partitions),
            scratch: Facts::default(),
            marks: Vec::new(),
            held: None,
            log: DecisionLog::new(identities),
            links: Links::new(options.bus.partitions),
            linked: Vec::new(),
            asked: Vec::new(),
            links_out: Vec::new(),
            emit: start.emit,
            emit_clock: clock,
            cache: RecordCache::new(cache_bytes, options.bus.copy_cached),
            pending: Pending::default(),
            oddities: Oddities::default(),
            emitter: Emitter::new(options.bus),
            rescues: Rescues::default(),
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

    /// Traces of other partitions that are to be kept for the sake of kept ones here, since the last call.
    pub fn take_links(&mut self) -> Vec<Linked> {
        std::mem::take(&mut self.links_out)
    }

    /// Keeps undecided traces that kept ones of other partitions link to.
    pub fn keep(&mut self, linked: Linked) {
        if self.rebuilding() {
            // The trace may be open again only when its window is.
            self.asked.push(linked);
        } else {
            self.linked.push((linked, self.clock_ms()));
            self.keep_linked();
        }
    }

    /// What late errors bring back is taken from here from now on.
    pub(crate) fn share_rescues(&mut self, pool: &Arc<Pool>) {
        self.rescues.share(pool);
    }

    /// Exchanges the memory that records are read into: the partitions of one worker share it.
    pub(crate) fn exchange_scratch(&mut self, scratch: &mut Facts) {
        std::mem::swap(&mut self.scratch, scratch);
    }

    /// What the statistics counted since the last call, for the other partitions.
    pub(crate) fn take_news(&mut self) -> Vec<Tallied> {
        self.state.statistics.take_news()
    }

    /// What the statistics found in the decision log since the last call, for the rates.
    pub(crate) fn take_restored(&mut self) -> Vec<Tallied> {
        self.state.statistics.take_restored()
    }

    /// What other partitions counted is found there from now on.
    pub(crate) fn join(&mut self, group: &Arc<RwLock<Group>>) {
        self.state.statistics.join(group);
    }

    /// The budgets that all partitions of the process spend from.
    pub(crate) fn join_budgets(&mut self, budgets: &Arc<Mutex<Budgets>>) {
        self.state.join_budgets(budgets);
    }

    /// The statistics' bound from now on.
    pub(crate) fn set_statistics_bytes(&mut self, bytes: usize) {
        self.state.statistics.set_bytes_max(bytes);
    }

    /// Keys that the statistics know, and the bytes they take.
    pub fn statistics(&self) -> (usize, usize) {
        let statistics = &self.state.statistics;
        (statistics.keys(), statistics.bytes())
    }

    /// The record cache's bound from now on: the memory limit is divided anew when partitions come and go. What is beyond it is let go,
    /// and read again when the emit cursor comes by.
    pub fn set_cache_bytes(&mut self, bytes: usize) {
        self.cache.set_bytes_max(bytes);
    }

    /// What this epoch makes visible since the last take; only counters while rebuilding.
    pub fn take(&mut self) -> Output {
        let mut counts = std::mem::take(&mut self.counts);
        counts.condition_failures = std::mem::take(&mut self.state.failures);
        if self.rebuilding() {
            return Output {
                counts,
                ..Output::default()
            };
        }
        let decisions = self
            .log
            .take(self.policies.names(), self.options.generation);
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
            decisions_from: self.start.decisions_from,
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

    /// Bytes of records, and of what late errors bring back.
    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes() + self.rescues.bytes()
    }

    /// Bytes of records that were read again and are more than the cache's share.
    pub(crate) fn bytes_beyond_cache(&self) -> usize {
        self.cache.bytes_beyond()
    }

    pub fn verdicts_held(&self) -> usize {
        self.verdicts.held()
    }

    /// Bytes of the window and the verdicts, record cache and output aside.
    pub fn window_bytes(&self) -> usize {
        self.window.bytes()
            + self.verdicts.bytes()
            + self.index.bytes()
            + self.tenants.bytes()
            + self.names.bytes()
            + self.pending.bytes()
            + self.scratch.bytes()
            + self.state.statistics.bytes()
            + self.links.bytes()
            + self.rescues.bytes()
    }
}
