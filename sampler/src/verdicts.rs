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

use schemas::decisions::Verdict;

use crate::window::NONE;

/// One verdict.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) id: [u8; 16],
    pub(crate) first_offset: u64,
    /// Of the last span seen.
    pub(crate) last_offset: u64,
    /// As in the decision log: when it was given or last renewed.
    pub(crate) time_ms: u64,
    pub(crate) older: u32,
    /// Index of the policy; [`NO_POLICY`]: none.
    pub(crate) policy: u16,
    pub(crate) verdict: Verdict,
    /// `time_ms` grew since it was queued for forgetting.
    renewed: bool,
}

/// No policy gave this verdict.
pub(crate) const NO_POLICY: u16 = u16::MAX;

#[derive(Debug)]
pub(crate) struct Verdicts {
    slots: Vec<Held>,
    /// Free slots, linked through `older`.
    free: u32,
    held: usize,
    /// Slots in order of time, more or less: see [`Verdicts::forgettable`].
    queue: VecDeque<u32>,
    ttl_ms: u64,
}

impl Verdicts {
    pub(crate) fn new(ttl_ms: u64) -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            held: 0,
            queue: VecDeque::new(),
            ttl_ms,
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Held {
        &self.slots[slot as usize]
    }

    pub(crate) fn set_older(&mut self, slot: u32, older: u32) {
        self.slots[slot as usize].older = older;
    }

    pub(crate) fn set_policy(&mut self, slot: u32, policy: u16) {
        self.slots[slot as usize].policy = policy;
    }

    /// The last time, on the partition's clock, at which a verdict of that time holds.
    pub(crate) fn holds_until_ms(&self, time_ms: u64) -> u64 {
        time_ms.saturating_add(self.ttl_ms.saturating_add(self.ttl_ms / 2))
    }

    pub(crate) fn insert(
        &mut self,
        id: [u8; 16],
        offsets: (u64, u64),
        time_ms: u64,
        verdict: Verdict,
        policy: u16,
        older: u32,
    ) -> u32 {
        let held = Held {
            id,
            first_offset: offsets.0,
            last_offset: offsets.1,
            time_ms,
            older,
            policy,
            verdict,
            renewed: false,
        };
        let slot = if self.free == NONE {
            self.slots.push(held);
            (self.slots.len() - 1) as u32
        } else {
            let slot = self.free;
            self.free = self.slots[slot as usize].older;
            self.slots[slot as usize] = held;
            slot
        };
        self.queue.push_back(slot);
        self.held += 1;
        slot
    }

    /// The verdict of the chain that holds at an offset.
    #[inline]
    pub(crate) fn at(&self, newest: u32, offset: u64) -> Option<u32> {
        let mut slot = newest;
        while slot != NONE {
            let held = self.get(slot);
            if held.first_offset <= offset {
                return Some(slot);
            }
            slot = held.older;
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
        let held = &mut self.slots[slot as usize];
        held.last_offset = held.last_offset.max(offset);
        if now_ms <= held.time_ms.saturating_add(half) {
            return false;
        }
        held.time_ms = now_ms;
        held.renewed = true;
        true
    }

    /// As the decision log has it.
    pub(crate) fn renew(&mut self, slot: u32, last_offset: u64, time_ms: u64) {
        let held = &mut self.slots[slot as usize];
        held.last_offset = held.last_offset.max(last_offset);
        if time_ms > held.time_ms {
            held.time_ms = time_ms;
            held.renewed = true;
        }
    }

    /// The next verdict that is logically forgotten at `clock_ms` and whose spans are all below `emit`. It leaves the
    /// queue: the caller unlinks it and calls [`Verdicts::remove`].
    pub(crate) fn forgettable(&mut self, clock_ms: u64, emit: u64) -> Option<u32> {
        while let Some(&slot) = self.queue.front() {
            let held = &mut self.slots[slot as usize];
            if held.renewed {
                held.renewed = false;
                self.queue.pop_front();
                self.queue.push_back(slot);
                continue;
            }
            let (time_ms, last_offset) = (held.time_ms, held.last_offset);
            if self.holds_until_ms(time_ms) >= clock_ms || last_offset >= emit {
                return None;
            }
            self.queue.pop_front();
            return Some(slot);
        }
        None
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        self.slots[slot as usize].older = self.free;
        self.free = slot;
        self.held -= 1;
        if self.held == 0 {
            self.slots.clear();
            self.slots.shrink_to(1024);
            self.queue.shrink_to(1024);
            self.free = NONE;
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Held>() + self.queue.capacity() * size_of::<u32>()
    }
}
