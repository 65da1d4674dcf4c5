//! The decide cursor: reads at the head of the log, gathers facts about each trace, and gives verdicts when they are due.
pub(crate) mod clock;
pub(crate) mod close;
pub(crate) mod facts;
pub(crate) mod forget;
pub(crate) mod index;
pub mod links;
pub(crate) mod log;
pub(crate) mod names;
pub(crate) mod oddities;
pub(crate) mod services;
pub(crate) mod tenants;
pub(crate) mod verdicts;
pub(crate) mod window;

use schemas::decisions::Verdict;
use schemas::headers::UnknownVersion;

use crate::decide::clock::Silence;
use crate::decide::close::Cause;
use crate::decide::facts::{Facts, SpanFacts};
use crate::decide::index::{Place, Tenant, TraceKey};
use crate::decide::oddities::Oddity;
use crate::decide::window::NONE;
use crate::partition::{Partition, RawRecord};
use crate::policy::{BitMap, Policies};

/// A record whose timestamp is a jump that was neither confirmed nor refuted yet.
#[derive(Debug)]
pub(crate) struct HeldRecord {
    pub(crate) offset: u64,
    /// Held: see [`crate::decide::tenants::Tenants`].
    tenant: Tenant,
    facts: Facts,
    /// What its timestamp says, should it be true.
    silence: Silence,
    first_tick_ms: u64,
}

impl Partition {
    /// The decide cursor reads a record. Offsets below the cursor are ignored (a fetch may repeat); gaps are normal.
    pub fn observe(&mut self, record: RawRecord) {
        self.look_at(record, None);
    }

    /// The decide cursor comes to a record that this build can't read: nothing in it is looked at, and the emit cursor puts it to the dead letters.
    pub fn refuse(&mut self, record: RawRecord, why: UnknownVersion) {
        self.look_at(record, Some(why));
    }

    fn look_at(&mut self, record: RawRecord, refused: Option<UnknownVersion>) {
        if record.offset < self.decide {
            return;
        }
        let limit_ms = self.options.jump_limit_ms();
        self.clock.resolve(record.timestamp_ms, limit_ms);
        self.apply_held();
        let silence = Silence::since(record.timestamp_ms, self.read_ms);
        let settled = self.clock.advance(record.timestamp_ms, limit_ms);
        if settled {
            self.hear(silence, record.offset);
        }
        self.fire();
        if self.names.crowded() {
            self.clean_names();
        }
        self.counts.consumed_records += 1;
        self.counts.consumed_bytes += record.value.len() as u64;
        let offset = record.offset;
        let tenant = self.tenants.enter(record.tenant.as_deref());
        let value = self.cache.admit(record, self.decide);
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = match refused {
            Some(unknown) => {
                scratch.clear();
                Some(Oddity::Refused(unknown))
            }
            None => facts::read(
                &value,
                &self.policies,
                &mut self.names,
                &mut self.state.failures,
                self.options.keep_linked,
                &mut scratch,
            ),
        };
        if let Some(oddity) = read {
            self.oddities.add(offset, oddity);
        }
        self.cache.know_starts(offset, &scratch.starts);
        let spans = scratch.spans.len() as u64;
        self.counts.consumed_spans += spans;
        self.pending.observed(offset, spans);
        if settled {
            self.apply(&scratch, tenant, offset);
            self.tenants.release(tenant);
            self.scratch = scratch;
        } else {
            self.held = Some(HeldRecord {
                offset,
                tenant,
                facts: scratch,
                silence,
                first_tick_ms: 0,
            });
        }

        self.decide = offset + 1;
        self.finish_rebuild();
        self.forget();
    }

    /// The bits of a record that is held back, under another configuration.
    pub(crate) fn hold_bits(&mut self, bits: &BitMap, policies: &Policies) {
        if let Some(held) = &mut self.held {
            let (before, after) = (self.policies.marks(), policies.marks());
            held.facts.carry_marks(before, after);
        }
        for span in self.held.iter_mut().flat_map(|held| &mut held.facts.spans) {
            span.bits = bits.apply(span.bits);
        }
    }

    /// The record that was held back for its jump in time is next: the clock says when.
    fn apply_held(&mut self) {
        if let Some(held) = self.held.take() {
            self.fire();
            self.apply(&held.facts, held.tenant, held.offset);
            self.tenants.release(held.tenant);
            self.scratch = held.facts;
        }
    }

    /// Gathers the facts of one record's spans.
    fn apply(&mut self, facts: &Facts, tenant: Tenant, offset: u64) {
        let mut last: Option<(&[u8; 16], Place)> = None;
        let mut links = facts.links.iter().peekable();
        for (index, span) in facts.spans.iter().enumerate() {
            if !span.valid {
                continue;
            }
            let marks = facts.marks_of(index);
            // Spans of one trace often stand together.
            let place = match last {
                Some((id, place)) if *id == span.id => Some(place),
                _ => self.find(&TraceKey {
                    tenant,
                    id: span.id,
                }),
            };
            let place = match place {
                Some(Place::Open(slot)) => self.gather(slot, (span, marks), offset),
                Some(Place::Decided(newest)) => self.follow(newest, (span, marks), offset),
                None => {
                    let key = TraceKey {
                        tenant,
                        id: span.id,
                    };
                    let slot = self.open(key, offset, NONE);
                    self.index.insert(key.hash(), Place::Open(slot));
                    self.gather(slot, (span, marks), offset)
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

    fn open(&mut self, key: TraceKey, offset: u64, older: u32) -> u32 {
        self.tenants.hold(key.tenant);
        self.window.open(key, offset, self.clock.now_ms(), older)
    }

    #[inline]
    fn gather(&mut self, slot: u32, span: (&SpanFacts, &[u64]), offset: u64) -> Place {
        let now_ms = self.clock.now_ms();
        let bytes = self
            .window
            .gather(slot, span, offset, now_ms, &self.policies);
        let max = self.options.maximum_trace_size_bytes;
        if max > 0 && bytes > max {
            return self.close(slot, now_ms, Cause::Oversized);
        }
        Place::Open(slot)
    }

    /// A span of a trace that has a verdict: it follows it, or the verdict is forgotten and the trace opens anew.
    fn follow(&mut self, newest: u32, (span, marks): (&SpanFacts, &[u64]), offset: u64) -> Place {
        let now_ms = self.clock.now_ms();
        // A replay meets verdicts that were given later; those below the newest hold by their offsets. Below the oldest there
        // is nothing, unless the decision log was lost in part: then the nearest verdict is the best there is.
        let at = self
            .verdicts
            .at(newest, offset)
            .unwrap_or_else(|| self.verdicts.oldest(newest));
        // What the log says a verdict covers is covered, at whatever time a replay comes to it.
        let forgotten = at == newest
            && offset > self.verdicts.get(at).last_offset
            && now_ms > self.verdicts.holds_until_ms(self.verdicts.get(at).time_ms);
        let reopened = !forgotten && at == newest && self.reopens(at, span, offset);
        if forgotten || reopened {
            let key = self.verdicts.get(newest).key();
            let slot = self.open(key, offset, newest);
            self.index
                .replace(key.hash(), Place::Decided(newest), Place::Open(slot));
            if reopened {
                let dropped = self.verdicts.dropped_below(at, offset, self.start.emit);
                self.window.reopen(slot, dropped);
            }
            return self.gather(slot, (span, marks), offset);
        }
        self.counts.late_spans += 1;
        if self.verdicts.touch(at, offset, self.clock.now_ms()) {
            let verdicts = &self.verdicts;
            let held = verdicts.get(at);
            self.log.extended(
                held,
                verdicts.choice(at),
                verdicts.dropped(at),
                self.tenants.name(held.tenant),
            );
        }
        Place::Decided(newest)
    }

    /// A late error in a trace that was dropped, though not on purpose. A replay meets the spans of before the verdict too: they are not late.
    fn reopens(&self, at: u32, span: &SpanFacts, offset: u64) -> bool {
        let held = self.verdicts.get(at);
        self.options.rescue_late_errors
            && span.error
            && held.verdict == Verdict::Drop
            && !held.is_final()
            && self.clock.now_ms() >= held.time_ms
            && offset >= held.last_offset
            && offset > held.first_offset
    }

    /// Decides every trace that is due, in order of deadlines.
    fn fire(&mut self) {
        let now_ms = self.clock_ms();
        while let Some((slot, deadline_ms)) = self.window.due(now_ms) {
            let time_ms = deadline_ms.max(self.decided_from_ms);
            self.close(slot, time_ms, Cause::Due);
            self.keep_linked();
        }
    }

    #[inline]
    pub(crate) fn find(&self, key: &TraceKey) -> Option<Place> {
        self.index.find(key.hash(), |place| match place {
            Place::Open(slot) => self.window.get(slot).key() == *key,
            Place::Decided(slot) => self.verdicts.get(slot).key() == *key,
        })
    }

    fn clean_names(&mut self) {
        self.log.forget_names();
        self.names.clean(
            self.window
                .traces_mut()
                .flat_map(|trace| [&mut trace.root_service, &mut trace.root_operation]),
        );
    }

    /// The records that are observed next were read by then, on the process's monotonic clock.
    pub fn read_at(&mut self, monotonic_ms: u64) {
        self.read_ms = monotonic_ms;
        self.silence.begin(monotonic_ms);
    }

    /// An idle partition: everything that had been written by then, on the process's monotonic clock, was observed.
    pub fn idle(&mut self, monotonic_ms: u64) {
        let time_ms = self.silence.at(monotonic_ms);
        self.tick(time_ms);
    }

    /// It is so late at least on the bus's clock. Only when everything on the partition was observed.
    pub fn tick(&mut self, time_ms: u64) {
        if self.rebuilding() {
            return;
        }
        self.tick_ms = self.tick_ms.max(time_ms);
        self.settle_held(time_ms);
        self.fire();
    }

    /// A jump in time that no record has confirmed or refuted: the time that has passed may.
    fn settle_held(&mut self, time_ms: u64) {
        let limit_ms = self.options.jump_limit_ms();
        let Some(held) = &mut self.held else {
            return;
        };
        if held.first_tick_ms == 0 {
            held.first_tick_ms = time_ms;
        }
        let waited_ms = time_ms.saturating_sub(held.first_tick_ms);
        let (silence, offset) = (held.silence, held.offset);
        if self.clock.confirms(time_ms, limit_ms) {
            self.clock.resolve(time_ms, limit_ms);
            self.hear(silence, offset);
        } else if waited_ms <= self.options.decision_wait_ms {
            return;
        } else if self.clock.now_ms() == 0 {
            // Nothing else is known of the time, as on a new topic.
            self.clock.believe();
            self.hear(silence, offset);
        } else {
            // A record from the future, and silence since: its traces must not wait for that future.
            self.clock.resolve(time_ms, limit_ms);
        }
        self.apply_held();
    }

    /// A record's time is settled: silence is counted from there. Producers' clocks differ, and the last one may be hours behind; brokers' clocks differ little,
    /// and what they say counts, also after another broker has taken over.
    fn hear(&mut self, silence: Silence, offset: u64) {
        let least_ms = (self.clock.now_ms()).saturating_sub(self.options.jump_limit_ms());
        let silence = silence.not_before(least_ms);
        self.silence = if offset < self.start.decide {
            // The clock at P is known, which is later.
            self.silence.or_later(silence, self.read_ms)
        } else {
            silence
        };
    }
}
