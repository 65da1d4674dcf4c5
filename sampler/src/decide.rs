//! The decide cursor: reads at the head of the log, gathers facts about each trace, and gives verdicts when they are due.

use schemas::decisions::Verdict;

use crate::facts::{self, SpanFacts};
use crate::index::{self, Place};
use crate::partition::{Partition, RawRecord};
use crate::policy::{Ruling, TraceFacts};
use crate::verdicts::NO_POLICY;
use crate::window::NONE;

/// A record whose timestamp is a jump that was neither confirmed nor refuted yet.
#[derive(Debug)]
pub(crate) struct HeldRecord {
    pub(crate) offset: u64,
    spans: Vec<SpanFacts>,
    first_tick_ms: u64,
}

/// Why a trace is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Due,
    Oversized,
}

impl Partition {
    /// The decide cursor reads a record. Offsets below the cursor are ignored (a fetch may repeat); gaps are normal.
    pub fn observe(&mut self, record: RawRecord) {
        if record.offset < self.decide {
            return;
        }
        let limit_ms = self.options.future_limit_ms;
        self.clock.resolve(record.timestamp_ms, limit_ms);
        self.apply_held();
        let settled = self.clock.advance(record.timestamp_ms, limit_ms);
        self.fire();
        if self.names.crowded() {
            self.clean_names();
        }
        self.counts.consumed_records += 1;
        self.counts.consumed_bytes += record.value.len() as u64;
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = facts::read(&record.value, &self.policies, &mut self.names, &mut scratch);
        if let Some(oddity) = read {
            self.oddities.add(record.offset, oddity);
        }
        self.counts.consumed_spans += scratch.len() as u64;
        self.pending.observed(record.offset, scratch.len() as u64);
        if settled {
            self.apply(&scratch, record.offset);
            self.scratch = scratch;
        } else {
            self.held = Some(HeldRecord {
                offset: record.offset,
                spans: scratch,
                first_tick_ms: 0,
            });
        }

        let from = self.decide;
        self.decide = record.offset + 1;
        self.cache.admit(record, from);
        self.finish_rebuild();
        self.forget();
    }

    /// The record that was held back for its jump in time is next: the clock says when.
    fn apply_held(&mut self) {
        if let Some(held) = self.held.take() {
            self.fire();
            self.apply(&held.spans, held.offset);
            self.scratch = held.spans;
        }
    }

    /// Gathers the facts of one record's spans.
    fn apply(&mut self, spans: &[SpanFacts], offset: u64) {
        let mut last: Option<(&[u8; 16], Place)> = None;
        for span in spans.iter().filter(|span| span.valid) {
            // Spans of one trace often stand together.
            let place = match last {
                Some((id, place)) if *id == span.id => Some(place),
                _ => self.find(index::hash(&span.id), &span.id),
            };
            let place = match place {
                Some(Place::Open(slot)) => self.gather(slot, span, offset),
                Some(Place::Decided(newest)) => self.follow(newest, span, offset),
                None => {
                    let slot = self.window.open(span.id, offset, self.clock.now_ms(), NONE);
                    self.index.insert(index::hash(&span.id), Place::Open(slot));
                    self.gather(slot, span, offset)
                }
            };
            last = Some((&span.id, place));
        }
    }

    #[inline]
    fn gather(&mut self, slot: u32, span: &SpanFacts, offset: u64) -> Place {
        let now_ms = self.clock.now_ms();
        let bytes = self
            .window
            .gather(slot, span, offset, now_ms, &self.policies);
        let max = self.options.maximum_trace_size_bytes;
        if max > 0 && bytes > max {
            self.counts.oversized += 1;
            return self.close(slot, now_ms, Cause::Oversized);
        }
        Place::Open(slot)
    }

    /// A span of a trace that has a verdict: it follows it, or the verdict is forgotten and the trace opens anew.
    fn follow(&mut self, newest: u32, span: &SpanFacts, offset: u64) -> Place {
        let now_ms = self.clock.now_ms();
        // A replay meets verdicts that were given later; those below the newest hold by their offsets. Below the oldest there
        // is nothing, unless the decision log was lost in part: then the nearest verdict is the best there is.
        let at = self
            .verdicts
            .at(newest, offset)
            .unwrap_or_else(|| self.verdicts.oldest(newest));
        let forgotten =
            at == newest && now_ms > self.verdicts.holds_until_ms(self.verdicts.get(at).time_ms);
        if forgotten {
            let slot = self
                .window
                .open(span.id, offset, self.clock.now_ms(), newest);
            self.index.replace(
                index::hash(&span.id),
                Place::Decided(newest),
                Place::Open(slot),
            );
            return self.gather(slot, span, offset);
        }
        self.counts.late_spans += 1;
        if self.verdicts.touch(at, offset, self.clock.now_ms()) {
            self.log.extended(self.verdicts.get(at));
        }
        Place::Decided(newest)
    }

    /// Decides every trace that is due, in order of deadlines.
    fn fire(&mut self) {
        let now_ms = self.clock_ms();
        while let Some((slot, deadline_ms)) = self.window.due(now_ms) {
            self.close(slot, deadline_ms, Cause::Due);
        }
    }

    fn close(&mut self, slot: u32, time_ms: u64, cause: Cause) -> Place {
        let trace = self.window.close(slot);
        let facts = TraceFacts {
            id: &trace.id,
            spans: u64::from(trace.spans),
            bytes: trace.bytes,
            bits: trace.bits,
        };
        let ruling = match cause {
            Cause::Due => self.policies.rule(&facts, &mut self.buckets, time_ms),
            Cause::Oversized => Ruling::oversized(),
        };
        self.count(ruling, cause);
        let held = self.verdicts.insert(
            trace.id,
            (trace.first_offset, trace.last_offset),
            time_ms,
            ruling.verdict,
            ruling.policy.unwrap_or(NO_POLICY),
            trace.older,
        );
        self.index.replace(
            index::hash(&trace.id),
            Place::Open(slot),
            Place::Decided(held),
        );
        self.log.decided(&trace, ruling, time_ms, &self.names);
        Place::Decided(held)
    }

    fn count(&mut self, ruling: Ruling, cause: Cause) {
        let counts = &mut self.counts.verdicts;
        counts.resize(self.policies.names().len(), (0, 0));
        match (ruling.policy, ruling.verdict) {
            (Some(policy), Verdict::Keep) => counts[usize::from(policy)].0 += 1,
            (Some(policy), Verdict::Drop) => counts[usize::from(policy)].1 += 1,
            (None, _) if cause == Cause::Due => self.counts.unmatched += 1,
            (None, _) => {}
        }
    }

    #[inline]
    pub(crate) fn find(&self, hash: u32, id: &[u8; 16]) -> Option<Place> {
        self.index.find(hash, |place| match place {
            Place::Open(slot) => self.window.id_at(slot) == id,
            Place::Decided(slot) => self.verdicts.get(slot).id == *id,
        })
    }

    /// Lets go of verdicts that neither cursor needs any more.
    pub(crate) fn forget(&mut self) {
        while let Some(slot) = self.verdicts.forgettable(self.clock.now_ms(), self.emit) {
            let held = *self.verdicts.get(slot);
            let hash = index::hash(&held.id);
            let newer = match self.find(hash, &held.id) {
                Some(Place::Decided(newest)) if newest == slot => {
                    if held.older == NONE {
                        self.index.remove(hash, Place::Decided(slot));
                    } else {
                        self.index
                            .replace(hash, Place::Decided(slot), Place::Decided(held.older));
                    }
                    NONE
                }
                Some(Place::Open(open)) if self.window.get(open).older == slot => {
                    self.window.set_older(open, held.older);
                    NONE
                }
                Some(Place::Open(open)) => self.window.get(open).older,
                Some(Place::Decided(newest)) => newest,
                None => NONE,
            };
            self.unlink(newer, slot, held.older);
            self.verdicts.remove(slot);
        }
    }

    /// Takes `slot` out of the chain that begins at `newer`.
    fn unlink(&mut self, newer: u32, slot: u32, older: u32) {
        let mut at = newer;
        while at != NONE {
            let next = self.verdicts.get(at).older;
            if next == slot {
                self.verdicts.set_older(at, older);
                return;
            }
            at = next;
        }
    }

    fn clean_names(&mut self) {
        self.log.forget_names();
        self.names.clean(
            self.window
                .traces_mut()
                .flat_map(|trace| [&mut trace.root_service, &mut trace.root_operation]),
        );
    }

    /// An idle partition: the wall clock less an allowance. Only when everything on the partition was observed.
    pub fn tick(&mut self, time_ms: u64) {
        if self.rebuilding() {
            return;
        }
        self.tick_ms = self.tick_ms.max(time_ms);
        let limit_ms = self.options.future_limit_ms;
        if let Some(held) = &mut self.held {
            if held.first_tick_ms == 0 {
                held.first_tick_ms = time_ms;
            }
            // The wall clock confirms the jump, as the next record would. A record from the future, and silence since: its traces must
            // not wait for that future.
            let waited_ms = time_ms.saturating_sub(held.first_tick_ms);
            if self.clock.confirms(time_ms, limit_ms) || waited_ms > self.options.decision_wait_ms {
                self.clock.resolve(time_ms, limit_ms);
                self.apply_held();
            }
        }
        self.fire();
    }
}
