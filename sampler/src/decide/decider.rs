//! The decide cursor of one partition. Giving a verdict is in `closing`, the way back from the decision log in `restore`: both see its fields, nobody else does.

mod closing;
mod restore;

use std::sync::{Arc, Mutex, RwLock};

use bytes::Bytes;
use schemas::decisions::{DecisionBatch, Verdict};
use schemas::headers::UnknownVersion;

use crate::budget::Budgets;
use crate::decide::clock::Silence;
use crate::decide::counts::{Cause, DecideCounts};
use crate::decide::facts::{Facts, Irregularity, SpanFacts};
use crate::decide::handover::{Observed, VerdictsView, WantedTrace};
use crate::decide::judge::Judge;
use crate::decide::links::{Linked, Links};
use crate::decide::partition_clock::{Jump, PartitionClock};
use crate::decide::traces::Traces;
use crate::decide::traces::index::{Place, Tenant, TraceKey};
use crate::decide::traces::verdicts::NO_POLICY;
use crate::options::Options;
use crate::policy::{Policies, SetId, Transition};
use crate::position::Start;
use crate::reconfigure::Reconfiguration;
use crate::record::RawRecord;
use crate::stats::{Group, Tallied};

/// A record whose timestamp is a jump that was neither confirmed nor refuted yet.
#[derive(Debug)]
struct HeldRecord {
    offset: u64,
    /// With a reference to it.
    tenant: Tenant,
    facts: Facts,
    /// Of the record, where something of it is promoted.
    value: Bytes,
    /// What its timestamp says, should it be true.
    silence: Silence,
    first_tick_ms: u64,
}

/// A span that can be used, at its place in the log.
#[derive(Debug)]
struct Seen<'a> {
    span: &'a SpanFacts,
    marks: &'a [u64],
    offset: u64,
    /// Which policies hold for it.
    set: SetId,
    /// The record that it is in, and where it begins there.
    value: &'a [u8],
    start: u32,
}

impl Seen<'_> {
    fn body(&self) -> &[u8] {
        let start = self.start as usize;
        let body = self.value.get(start..start + self.span.bytes as usize);
        body.unwrap_or_default()
    }
}

/// The decide cursor of one partition, and all that it knows.
///
/// Everything up to a verdict is a function of the records from L on and the state committed with L. Traces are opened and verdicts forgotten by the
/// log's own clock; ticks only let deadlines fire earlier. A verdict's time is its deadline, whoever let it fire.
#[derive(Debug)]
pub(crate) struct Decider {
    number: u32,
    options: Options,
    start: Start,
    /// P.
    offset: u64,
    clock: PartitionClock,
    /// No verdict gets an earlier time: a shorter wait makes traces due at once that have had spans since.
    decided_from_ms: u64,
    traces: Traces,
    judge: Judge,
    links: Links,
    held: Option<HeldRecord>,
    /// For the Copier, since the last call of [`Decider::take_wanted`].
    wanted: Vec<WantedTrace>,
    counts: DecideCounts,
    /// Records are read into this, one after the other.
    scratch: Facts,
    /// Of the trace that is being decided; kept for its memory.
    marks: Vec<u64>,
}

impl Decider {
    pub(crate) fn new(
        number: u32,
        policies: Arc<Policies>,
        options: Options,
        start: Start,
    ) -> Self {
        let mut decider = Self {
            number,
            offset: start.emit,
            clock: PartitionClock::new(&start),
            decided_from_ms: 0,
            traces: Traces::new(&policies, &options),
            judge: Judge::new(policies, &options),
            links: Links::new(options.bus.partitions),
            held: None,
            wanted: Vec::new(),
            counts: DecideCounts::default(),
            scratch: Facts::default(),
            marks: Vec::new(),
            options,
            start,
        };
        decider.finish_rebuild();
        decider
    }

    /// Reads the record at or above the cursor. `refused`: this build can't read it, and nothing in it is looked at.
    pub(crate) fn observe(
        &mut self,
        record: &RawRecord,
        refused: Option<UnknownVersion>,
    ) -> Observed<'_> {
        let (offset, limit_ms) = (record.offset, self.options.jump_limit_ms());
        self.clock.resolve(record.timestamp_ms, limit_ms);
        self.apply_held();
        let arrival = self.clock.arrive(record.timestamp_ms, limit_ms);
        if arrival.settled {
            self.count_silence(arrival.silence, offset);
        }
        self.fire();
        if self.judge.names_crowded() {
            self.judge.clean_names(self.traces.names_mut());
        }
        let mut facts = std::mem::take(&mut self.scratch);
        let tenant = record.tenant.as_deref();
        let tenant = self.traces.enter_tenant(tenant, self.judge.policies());
        let set = self.traces.set_of(tenant);
        let irregularity = match refused {
            Some(unknown) => {
                facts.clear();
                Some(Irregularity::Refused(unknown))
            }
            None => self
                .judge
                .read(&record.value, set, self.options.keep_linked, &mut facts),
        };
        let spans = facts.spans.len() as u64;
        self.counts.consumed_records += 1;
        self.counts.consumed_bytes += record.value.len() as u64;
        self.counts.consumed_spans += spans;
        let of_tenant = self.counts.by_tenant.of(&record.tenant);
        of_tenant.consumed += spans;
        of_tenant.consumed_bytes += record.value.len() as u64;
        if arrival.settled {
            self.apply(&record.value, &facts, tenant, offset);
            self.traces.release_tenant(tenant);
            self.scratch = facts;
        } else {
            self.hold(record, tenant, facts, arrival.silence);
        }
        self.offset = offset + 1;
        self.finish_rebuild();
        let read = self.held.as_ref().map_or(&self.scratch, |held| &held.facts);
        Observed {
            spans,
            starts: &read.starts,
            irregularity,
        }
    }

    fn hold(&mut self, record: &RawRecord, tenant: Tenant, facts: Facts, silence: Silence) {
        self.held = Some(HeldRecord {
            offset: record.offset,
            tenant,
            facts,
            value: match self.options.promote.is_empty() {
                true => Bytes::new(),
                false => record.value.clone(),
            },
            silence,
            first_tick_ms: 0,
        });
    }

    /// Retention deleted what lies below `offset`.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        if offset > self.offset {
            self.offset = offset;
            self.finish_rebuild();
        }
    }

    /// The record that was held back for its jump in time is next: the clock says when.
    fn apply_held(&mut self) {
        if let Some(held) = self.held.take() {
            self.fire();
            self.apply(&held.value, &held.facts, held.tenant, held.offset);
            self.traces.release_tenant(held.tenant);
            self.scratch = held.facts;
        }
    }

    /// Gathers the facts of one record's spans; `value` is the record.
    fn apply(&mut self, value: &[u8], facts: &Facts, tenant: Tenant, offset: u64) {
        let mut last: Option<(&[u8; 16], Place)> = None;
        let mut links = facts.links.iter().peekable();
        let set = self.traces.set_of(tenant);
        for (index, span) in facts.spans.iter().enumerate() {
            if !span.valid {
                continue;
            }
            let seen = Seen {
                span,
                marks: facts.marks_of(index),
                offset,
                set,
                value,
                start: facts.starts[index],
            };
            let key = TraceKey {
                tenant,
                id: span.id,
            };
            // Spans of one trace often stand together.
            let place = match last {
                Some((id, place)) if *id == span.id => Some(place),
                _ => self.traces.find(&key),
            };
            let place = match place {
                Some(Place::Open(slot)) => self.gather(slot, &seen),
                Some(Place::Decided(newest)) => self.follow(newest, &seen),
                None => {
                    let slot = self.traces.open(key, offset, self.clock.log_ms());
                    self.gather(slot, &seen)
                }
            };
            while let Some(link) = links.next_if(|link| link.span as usize <= index) {
                if let Place::Open(slot) = place
                    && link.span as usize == index
                {
                    self.links.add(slot, link.target);
                }
            }
            last = Some((&span.id, place));
        }
        self.keep_linked();
    }

    #[inline]
    fn gather(&mut self, slot: u32, seen: &Seen<'_>) -> Place {
        let now_ms = self.clock.log_ms();
        let rules = self.judge.rules(seen.set);
        let span = (seen.span, seen.marks);
        let bytes = self.traces.gather(slot, span, seen.offset, now_ms, rules);
        if !self.options.promote.is_empty() {
            let (span, body) = (seen.span, seen.body());
            (self.traces).gather_promoted(slot, span, body, &self.options.promote);
        }
        let max = self.options.maximum_trace_size_bytes;
        if max > 0 && bytes > max {
            return self.close(slot, now_ms, Cause::Oversized);
        }
        Place::Open(slot)
    }

    /// A span of a trace that has a verdict: it follows it, or the verdict is forgotten and the trace opens anew.
    fn follow(&mut self, newest: u32, seen: &Seen<'_>) -> Place {
        let (now_ms, offset) = (self.clock.log_ms(), seen.offset);
        // A replay meets verdicts that were given later; those below the newest hold by their offsets.
        let at = self.traces.verdict_at(newest, offset);
        let verdict = self.traces.verdict(at);
        // What the log says a verdict covers is covered, at whatever time a replay comes to it.
        let forgotten = at == newest
            && offset > verdict.last_offset
            && now_ms > self.traces.holds_until_ms(verdict.time_ms);
        let reopened = !forgotten && at == newest && self.reopens(at, seen.span, offset);
        if forgotten || reopened {
            let slot = self.traces.open_again(newest, offset, now_ms);
            if reopened {
                let dropped = self.traces.dropped_below(at, offset, self.start.emit);
                let promote = &self.options.promote;
                self.traces.set_reopened(slot, at, dropped, promote);
            }
            return self.gather(slot, seen);
        }
        self.counts.late_spans += 1;
        if self.traces.touch(at, offset, now_ms) {
            let verdict = self.traces.verdict(at);
            self.judge.extended(
                verdict,
                self.traces.choice(at),
                self.traces.promoted(at),
                self.traces.dropped(at),
                self.traces.tenant_name(verdict.tenant),
            );
        }
        Place::Decided(newest)
    }

    /// A late error in a trace that was dropped, though not on purpose. A replay meets the spans of before the verdict too: they are not late.
    fn reopens(&self, at: u32, span: &SpanFacts, offset: u64) -> bool {
        let verdict = self.traces.verdict(at);
        self.options.rescue_late_errors
            && span.error
            && verdict.verdict == Verdict::Drop
            && !verdict.is_final()
            && self.clock.log_ms() >= verdict.time_ms
            && offset >= verdict.last_offset
            && offset > verdict.first_offset
    }

    /// Decides every trace that is due, in order of deadlines.
    fn fire(&mut self) {
        let now_ms = self.clock.now_ms();
        while let Some((slot, deadline_ms)) = self.traces.due(now_ms) {
            let time_ms = deadline_ms.max(self.decided_from_ms);
            self.close(slot, time_ms, Cause::Due);
            self.keep_linked();
        }
    }

    /// Keeps an undecided trace that a kept one of another partition links to.
    pub(crate) fn keep(&mut self, linked: Linked) {
        if self.rebuilding() {
            self.links.keep_later(linked);
        } else {
            self.links.keep(linked, self.clock.now_ms());
            self.keep_linked();
        }
    }

    /// Traces of other partitions that are to be kept for the sake of kept ones here, since the last call.
    pub(crate) fn take_links(&mut self) -> Vec<Linked> {
        self.links.take_outgoing()
    }

    /// Traces whose dropped spans are wanted back, since the last call.
    pub(crate) fn take_wanted(&mut self) -> Vec<WantedTrace> {
        std::mem::take(&mut self.wanted)
    }

    /// The records that are observed next were read by then, on the process's monotonic clock.
    pub(crate) fn read_at(&mut self, monotonic_ms: u64) {
        self.clock.read_at(monotonic_ms);
    }

    /// An idle partition: everything that had been written by then, on the process's monotonic clock, was observed.
    pub(crate) fn idle(&mut self, monotonic_ms: u64) {
        let time_ms = self.clock.idle_at(monotonic_ms);
        self.tick(time_ms);
    }

    /// It is so late at least on the bus's clock. Only when everything on the partition was observed.
    pub(crate) fn tick(&mut self, time_ms: u64) {
        if self.rebuilding() {
            return;
        }
        self.clock.tick(time_ms);
        self.settle_held(time_ms);
        self.fire();
    }

    /// A jump in time that no record has confirmed or refuted: the time that has passed may.
    fn settle_held(&mut self, time_ms: u64) {
        let Some(held) = &mut self.held else {
            return;
        };
        if held.first_tick_ms == 0 {
            held.first_tick_ms = time_ms;
        }
        let waited_ms = time_ms.saturating_sub(held.first_tick_ms);
        let has_waited_enough = waited_ms > self.options.decision_wait_ms;
        let (silence, offset) = (held.silence, held.offset);
        let limit_ms = self.options.jump_limit_ms();
        match self.clock.settle_jump(time_ms, limit_ms, has_waited_enough) {
            None => return,
            Some(Jump::Believed) => self.count_silence(silence, offset),
            Some(Jump::Refuted) => {}
        }
        self.apply_held();
    }

    /// The time of the record at `offset` is settled.
    fn count_silence(&mut self, silence: Silence, offset: u64) {
        let limit_ms = self.options.jump_limit_ms();
        let is_replayed = offset < self.start.decide;
        self.clock.count_silence(silence, limit_ms, is_replayed);
    }

    /// The cursor is still below `start.decide`: there is no output, and the partition must not be in a commit.
    pub(crate) fn rebuilding(&self) -> bool {
        self.offset < self.start.decide
    }

    /// From here on the partition's clock is at least what it was at P.
    fn finish_rebuild(&mut self) {
        if !self.rebuilding() {
            self.clock.tick(self.start.clock_decide_ms);
            self.links.rebuilt(self.clock.now_ms());
            self.keep_linked();
        }
    }

    /// Lets go of verdicts that neither cursor needs any more; the emit cursor stands at `emit`.
    pub(crate) fn forget(&mut self, emit: u64) {
        self.traces.forget(self.clock.log_ms(), emit);
    }

    /// What the Copier may ask.
    pub(crate) fn verdicts(&self) -> VerdictsView<'_> {
        let oldest_open = self.traces.low_watermark().unwrap_or(u64::MAX);
        let held = self.held.as_ref().map_or(u64::MAX, |held| held.offset);
        let watermark = oldest_open.min(held).min(self.offset);
        VerdictsView::new(&self.traces, self.judge.policies(), watermark)
    }

    /// Another configuration, from the next record on.
    pub(crate) fn reconfigure(&mut self, change: &Reconfiguration) {
        let (after, options) = (&change.policies, &change.options);
        let mut transition = Transition::new(self.judge.policies(), after);
        let places = self.judge.places_in(after);
        let renumber = |policy: u16| *(places.get(usize::from(policy))).unwrap_or(&NO_POLICY);
        let promote = &self.options.promote;
        let sets = (self.traces).reconfigure(&mut transition, promote, options, renumber);
        if let Some(held) = &mut self.held {
            let (before, after) = sets[held.tenant.0 as usize];
            held.facts.reconfigure(&transition.between(before, after));
        }
        self.judge.reconfigure(after, &self.options, renumber);
        self.counts.forget_policies();
        // After every span that was seen: a replay tells by a verdict's time which errors came too late for it.
        self.decided_from_ms = self.clock.log_ms() + 1;
        self.options = options.clone();
    }

    /// What happened since the last call.
    pub(crate) fn take_counts(&mut self) -> DecideCounts {
        self.counts.condition_failures = self.judge.take_failures();
        std::mem::take(&mut self.counts)
    }

    /// New verdicts since the last call, for the decision log.
    pub(crate) fn take_decisions(&mut self) -> DecisionBatch {
        self.judge.take_log(self.options.generation)
    }

    /// What the statistics counted since the last call, for the other partitions.
    pub(crate) fn take_news(&mut self) -> Vec<Tallied> {
        self.judge.take_news()
    }

    /// What the statistics found in the decision log since the last call, for the rates.
    pub(crate) fn take_restored(&mut self) -> Vec<Tallied> {
        self.judge.take_restored()
    }

    /// What other partitions counted is found there from now on.
    pub(crate) fn join_group(&mut self, group: &Arc<RwLock<Group>>) {
        self.judge.join_group(group);
    }

    /// The budgets that all partitions of the process spend from.
    pub(crate) fn join_budgets(&mut self, budgets: &Arc<Mutex<Budgets>>) {
        self.judge.join_budgets(budgets);
    }

    /// The statistics' bound from now on.
    pub(crate) fn set_statistics_bytes(&mut self, bytes: usize) {
        self.judge.set_statistics_bytes(bytes);
    }

    /// Keys that the statistics know, and the bytes they take.
    pub(crate) fn statistics(&self) -> (usize, usize) {
        let statistics = self.judge.statistics();
        (statistics.keys(), statistics.bytes())
    }

    /// The bound of what is promoted from now on.
    pub(crate) fn set_promoted_bytes(&mut self, bytes: usize) {
        self.traces.set_promoted_bytes(bytes);
    }

    /// Of all that is held to be promoted.
    pub(crate) fn promoted_bytes(&self) -> usize {
        self.traces.promoted_bytes()
    }

    /// Exchanges the memory that records are read into: the partitions of one worker share it.
    pub(crate) fn exchange_scratch(&mut self, scratch: &mut Facts) {
        std::mem::swap(&mut self.scratch, scratch);
    }

    /// P: the next offset to observe.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The partition's clock: deadlines up to it have fired.
    pub(crate) fn clock_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn open_traces(&self) -> usize {
        self.traces.open_traces()
    }

    pub(crate) fn verdicts_stored(&self) -> usize {
        self.traces.verdicts_stored()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.traces.bytes() + self.judge.bytes() + self.links.bytes() + self.scratch.bytes()
    }
}
