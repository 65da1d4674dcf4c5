//! Verdicts that still hold, or that the emit cursor still needs.
//!
//! A verdict holds *from an offset*: a trace that was forgotten and came back has two, and a span belongs to the one with the
//! largest first offset that is not above its own. They form a chain, newest first, that starts at the trace's entry in the index.
//!
//! Two kinds of forgetting. *Logical*, for the decide cursor: a span opens the trace anew once the partition's clock is more
//! than one and a half ttl past the verdict's time. That time is in the decision log, so a replay forgets at the same span. A late span more
//! than half a ttl after it renews it there (`Extended`), so a verdict holds at least one ttl after the last span, at one entry per half ttl
//! at most. *Physical*: logically forgotten, and the emit cursor has passed the trace's last span. Forgetting by time alone
//! loses verdicts that a slow emit cursor needs.

use std::collections::VecDeque;
use std::ops::Range;

use hashbrown::HashMap;
use schemas::decisions::Verdict;

use crate::decide::traces::index::{NONE, Tenant, TraceKey};
use schemas::otlp::sampling::Choice;

/// A verdict as it is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenVerdict {
    pub(crate) key: TraceKey,
    pub(crate) first_offset: u64,
    pub(crate) last_offset: u64,
    pub(crate) time_ms: u64,
    pub(crate) verdict: Verdict,
    /// Index of the policy; [`NO_POLICY`]: none.
    pub(crate) policy: u16,
    pub(crate) choice: Choice,
    /// Number of the list of attributes that its kept spans get; [`NONE`]: they get none.
    pub(crate) promoted: u32,
    /// Late errors don't reopen it.
    pub(crate) is_final: bool,
    /// From the decision log: `last_offset` may be too low.
    pub(crate) restored: bool,
    /// The verdict before it.
    pub(crate) older: u32,
}

/// One verdict. 64 bytes: what few have stands elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredVerdict {
    pub(crate) id: [u8; 16],
    pub(crate) first_offset: u64,
    /// Of the last span seen.
    pub(crate) last_offset: u64,
    /// As in the decision log: when it was given or last renewed.
    pub(crate) time_ms: u64,
    /// As given, of a kept trace.
    threshold: u64,
    pub(crate) tenant: Tenant,
    pub(crate) older: u32,
    /// Index of the policy; [`NO_POLICY`]: none.
    pub(crate) policy: u16,
    pub(crate) verdict: Verdict,
    flags: u8,
}

/// `time_ms` grew since it was queued for forgetting.
const RENEWED: u8 = 1;
const FINAL: u8 = 2;
const RESTORED: u8 = 4;

impl StoredVerdict {
    #[inline]
    pub(crate) fn key(&self) -> TraceKey {
        TraceKey {
            tenant: self.tenant,
            id: self.id,
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.flags & FINAL != 0
    }

    pub(crate) fn is_restored(&self) -> bool {
        self.flags & RESTORED != 0
    }
}

/// No policy gave this verdict.
pub(crate) const NO_POLICY: u16 = u16::MAX;

#[derive(Debug)]
pub(crate) struct Verdicts {
    slots: Vec<StoredVerdict>,
    /// Free slots, linked through `older`.
    free: u32,
    stored: usize,
    /// Slots in order of time, more or less: see [`Verdicts::forgettable`].
    queue: VecDeque<u32>,
    /// R of the verdicts that were given by another one than their spans have.
    randomness: HashMap<u32, u64>,
    /// Where the dropped spans lie of the traces before a verdict that a late error asked for.
    dropped: HashMap<u32, Range<u64>>,
    ttl_ms: u64,
}

impl Verdicts {
    pub(crate) fn new(ttl_ms: u64) -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            stored: 0,
            queue: VecDeque::new(),
            randomness: HashMap::new(),
            dropped: HashMap::new(),
            ttl_ms,
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &StoredVerdict {
        &self.slots[slot as usize]
    }

    pub(crate) fn set_older(&mut self, slot: u32, older: u32) {
        self.slots[slot as usize].older = older;
    }

    /// Takes `slot` out of the chain that begins at `newer`.
    pub(crate) fn unlink(&mut self, newer: u32, slot: u32) {
        let older = self.get(slot).older;
        let mut at = newer;
        while at != NONE {
            let next = self.get(at).older;
            if next == slot {
                self.set_older(at, older);
                return;
            }
            at = next;
        }
    }

    pub(crate) fn set_policy(&mut self, slot: u32, policy: u16) {
        self.slots[slot as usize].policy = policy;
    }

    /// The last time, on the partition's clock, at which a verdict of that time holds.
    pub(crate) fn holds_until_ms(&self, time_ms: u64) -> u64 {
        time_ms.saturating_add(self.ttl_ms.saturating_add(self.ttl_ms / 2))
    }

    #[inline(always)]
    pub(crate) fn insert(&mut self, given: &GivenVerdict) -> u32 {
        let flag = |condition, flag| if condition { flag } else { 0 };
        let stored = StoredVerdict {
            id: given.key.id,
            tenant: given.key.tenant,
            first_offset: given.first_offset,
            last_offset: given.last_offset,
            time_ms: given.time_ms,
            threshold: given.choice.threshold,
            older: given.older,
            policy: given.policy,
            verdict: given.verdict,
            flags: flag(given.is_final, FINAL) | flag(given.restored, RESTORED),
        };
        let slot = if self.free == NONE {
            self.slots.push(stored);
            (self.slots.len() - 1) as u32
        } else {
            let slot = self.free;
            self.free = self.slots[slot as usize].older;
            self.slots[slot as usize] = stored;
            slot
        };
        if let Some(randomness) = given.choice.randomness {
            self.randomness.insert(slot, randomness);
        }
        self.queue.push_back(slot);
        self.stored += 1;
        slot
    }

    /// Another configuration, with other numbers for its policies.
    pub(crate) fn reconfigure(&mut self, ttl_ms: u64, policy: impl Fn(u16) -> u16) {
        self.ttl_ms = ttl_ms;
        for stored in &mut self.slots {
            stored.policy = policy(stored.policy);
        }
    }

    /// The verdict is about a trace that was dropped before; its spans lie in these records.
    pub(crate) fn set_dropped(&mut self, slot: u32, dropped: Range<u64>) {
        self.dropped.insert(slot, dropped);
    }

    pub(crate) fn dropped(&self, slot: u32) -> Option<&Range<u64>> {
        self.dropped.get(&slot)
    }

    /// Where the trace's dropped spans may lie below `offset`, if it was dropped by this verdict. `read_from` is where this process began to read.
    pub(crate) fn dropped_below(&self, slot: u32, offset: u64, read_from: u64) -> Range<u64> {
        let stored = self.get(slot);
        let before = self.dropped.get(&slot);
        let start = before.map_or(stored.first_offset, |before| before.start);
        let mut end = before
            .map_or(0, |before| before.end)
            .max(stored.last_offset + 1);
        if stored.is_restored() {
            // Late spans between its last entry in the log and there were not seen here.
            end = end.max(read_from);
        }
        start..end.min(offset)
    }

    /// The choice by which a trace was kept.
    pub(crate) fn choice(&self, slot: u32) -> Choice {
        let threshold = self.get(slot).threshold;
        Choice {
            threshold,
            randomness: match threshold {
                0 => None,
                _ => self.randomness.get(&slot).copied(),
            },
        }
    }

    /// The verdict of the chain that holds at an offset.
    #[inline]
    pub(crate) fn at(&self, newest: u32, offset: u64) -> Option<u32> {
        let mut slot = newest;
        while slot != NONE {
            let stored = self.get(slot);
            if stored.first_offset <= offset {
                return Some(slot);
            }
            slot = stored.older;
        }
        None
    }

    /// The last of a chain.
    pub(crate) fn oldest(&self, newest: u32) -> u32 {
        let mut slot = newest;
        while self.get(slot).older != NONE {
            slot = self.get(slot).older;
        }
        slot
    }

    /// A span at `offset`, observed at `now_ms`, goes the way of this verdict. `true`: the verdict has a new time, to be logged.
    pub(crate) fn touch(&mut self, slot: u32, offset: u64, now_ms: u64) -> bool {
        let half = self.ttl_ms / 2;
        let stored = &mut self.slots[slot as usize];
        stored.last_offset = stored.last_offset.max(offset);
        if now_ms <= stored.time_ms.saturating_add(half) {
            return false;
        }
        stored.time_ms = now_ms;
        stored.flags |= RENEWED;
        true
    }

    /// As the decision log has it.
    pub(crate) fn renew(&mut self, slot: u32, last_offset: u64, time_ms: u64) {
        let stored = &mut self.slots[slot as usize];
        stored.last_offset = stored.last_offset.max(last_offset);
        if time_ms > stored.time_ms {
            stored.time_ms = time_ms;
            stored.flags |= RENEWED;
        }
    }

    /// The next verdict that is logically forgotten at `clock_ms` and whose spans are all below `emit`. It leaves the
    /// queue: the caller unlinks it and calls [`Verdicts::remove`].
    pub(crate) fn forgettable(&mut self, clock_ms: u64, emit: u64) -> Option<u32> {
        while let Some(&slot) = self.queue.front() {
            let stored = &mut self.slots[slot as usize];
            if stored.flags & RENEWED != 0 {
                stored.flags &= !RENEWED;
                self.queue.pop_front();
                self.queue.push_back(slot);
                continue;
            }
            let (time_ms, last_offset) = (stored.time_ms, stored.last_offset);
            if self.holds_until_ms(time_ms) >= clock_ms || last_offset >= emit {
                return None;
            }
            self.queue.pop_front();
            return Some(slot);
        }
        None
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        self.randomness.remove(&slot);
        self.dropped.remove(&slot);
        self.slots[slot as usize].older = self.free;
        self.free = slot;
        self.stored -= 1;
        if self.stored == 0 {
            self.slots.clear();
            self.slots.shrink_to(1024);
            self.queue.shrink_to(1024);
            self.randomness.shrink_to(1024);
            self.free = NONE;
        }
    }

    pub(crate) fn stored(&self) -> usize {
        self.stored
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<StoredVerdict>()
            + self.queue.capacity() * size_of::<u32>()
            + self.randomness.allocation_size()
            + self.dropped.allocation_size()
    }
}
