//! A token bucket on the time of the stream that remembers its past, so that it can be asked in any order.
//!
//! One bucket serves all partitions of a process, and their clocks differ: by an epoch usually, by minutes while a backlog is read. A plain bucket has one
//! clock. The partition that is ahead would move it, tokens would overflow, and the partitions behind would find them gone. So this one keeps
//! an account of the newest slots of time: the least that was in it during each, and what overflowed. A request of the past is granted if the
//! bucket has what it takes from that time until now. So what is kept stays within the limit in every stretch of stream time, whoever asks first.
//!
//! Asked in the order of time, it answers as `golang.org/x/time/rate` does. One difference: a request above the capacity is granted as long as the
//! bucket isn't empty, and leaves it in debt. So a limit smaller than a trace holds on average.

use std::collections::VecDeque;

use super::limit::{Limit, Refill};

/// A slot is so much of the time in which an empty bucket fills.
const SLOTS_TO_FILL: f64 = 8.0;
const SLOT_MS_MIN: f64 = 5.0;
/// `composite` counts by the second.
const SLOT_MS_MAX: f64 = 1000.0;
/// Sums of fractions of a token may fall short by so much.
const TOLERANCE: f64 = 1e-6;

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The fewest tokens that were in the bucket during the slot. Below 0: debt.
    least: f64,
    /// Tokens that came while the bucket was full.
    overflow: f64,
}

/// A token bucket that can be asked in any order of time.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    limit: Limit,
    /// The part of the limit that this bucket has, 0 to 1.
    share: f64,
    slot_ms: u64,
    slots_max: usize,
    tokens: f64,
    now_ms: u64,
    /// The last one is of `now_ms`; empty: nobody asked yet.
    slots: VecDeque<Slot>,
    /// Number of the last slot.
    newest: u64,
    /// Before the first slot the bucket was full.
    was_full: bool,
    /// What overflowed in slots below this number is nobody's any more.
    offered: u64,
    /// Tokens of other processes, which come within a second.
    gift: f64,
    gift_per_second: f64,
    /// What was wanted beyond its own tokens since the last [`Bucket::take_wanted`]: refused, or given by others.
    wanted: f64,
}

impl Bucket {
    /// `slots_max`: how much of the past it knows, 16 bytes each.
    pub(crate) fn new(limit: Limit, share: f64, slots_max: usize) -> Self {
        let slot_ms = match limit.refill {
            Refill::EachSecond => SLOT_MS_MAX,
            Refill::Steady => (limit.burst / limit.per_second * 1000.0 / SLOTS_TO_FILL)
                .clamp(SLOT_MS_MIN, SLOT_MS_MAX),
        };
        Self {
            limit,
            share,
            slot_ms: (slot_ms as u64).max(1),
            slots_max,
            tokens: 0.0,
            now_ms: 0,
            slots: VecDeque::new(),
            newest: 0,
            was_full: true,
            offered: 0,
            gift: 0.0,
            gift_per_second: 0.0,
            wanted: 0.0,
        }
    }

    /// From now on. A larger share comes empty, but after none at all the bucket begins anew, and full.
    pub(crate) fn set_share(&mut self, share: f64) {
        self.share = share;
        if share == 0.0 {
            self.slots.clear();
        }
        self.tokens = self.tokens.min(self.capacity());
        self.touch();
    }

    fn capacity(&self) -> f64 {
        self.limit.burst * self.share
    }

    /// Spends the tokens, if they are there at that time. `None`: nothing is known any more of a time so long ago.
    pub(crate) fn spend(&mut self, tokens: u64, at_ms: u64) -> Option<bool> {
        let wanted = tokens as f64;
        if self.slots.is_empty() {
            self.begin(at_ms);
        }
        if at_ms >= self.now_ms {
            self.advance(at_ms);
            if self.tokens >= self.least(wanted) {
                self.tokens -= wanted;
                self.touch();
                return Some(true);
            }
        } else {
            let slot = self.place(at_ms)?;
            if self.has(wanted, slot) {
                self.take(wanted, slot);
                return Some(true);
            }
        }
        self.wanted += wanted;
        Some(false)
    }

    /// Takes what overflowed until a time, and at most so much: others may have it. What nobody takes is kept for a while, see [`Bucket::spare_from`].
    pub(crate) fn take_overflow(&mut self, until_ms: u64, most: f64) -> f64 {
        if self.slots.is_empty() {
            if most <= 0.0 {
                return 0.0;
            }
            self.begin(until_ms);
        }
        if until_ms > self.now_ms {
            self.advance(until_ms);
        }
        let first = self.newest + 1 - self.slots.len() as u64;
        let end = until_ms / self.slot_ms;
        let from = self.spare_from(self.offered.max(first), end);
        self.offered = from;
        let mut left = most;
        for slot in from..end {
            if let Some(slot) = self.slots.get_mut((slot - first) as usize) {
                let taken = slot.overflow.min(left);
                slot.overflow -= taken;
                left -= taken;
            }
        }
        most - left
    }

    /// From which slot on overflow is to spare, of slots that were not offered before: as much as a full bucket. So a process that takes a trace
    /// now and then finds what was to spare between two of them, and a time without traces saves up no more than another burst.
    fn spare_from(&self, oldest: u64, end: u64) -> u64 {
        let first = self.newest + 1 - self.slots.len() as u64;
        let (mut from, mut spare) = (end.max(oldest), 0.0);
        while from > oldest && spare < self.capacity() {
            from -= 1;
            let slot = self.slots.get((from - first) as usize);
            spare += slot.map_or(0.0, |slot| slot.overflow);
        }
        from
    }

    /// Tokens of another process. They come within a second, and never more than there is room for.
    pub(crate) fn give(&mut self, tokens: f64) {
        let most = self.limit.burst - self.tokens.min(0.0);
        self.gift = (self.gift + tokens).min(most);
        self.gift_per_second = self.gift;
    }

    pub(crate) fn take_wanted(&mut self) -> f64 {
        std::mem::take(&mut self.wanted)
    }

    /// What must be there for so much to be taken.
    fn least(&self, wanted: f64) -> f64 {
        if wanted > self.capacity() {
            TOLERANCE
        } else {
            wanted - TOLERANCE
        }
    }

    fn begin(&mut self, at_ms: u64) {
        self.tokens = self.capacity();
        self.now_ms = at_ms;
        self.newest = at_ms / self.slot_ms;
        self.was_full = true;
        self.slots.push_back(Slot {
            least: self.tokens,
            overflow: 0.0,
        });
    }

    /// Fills up to a time that is not past.
    fn advance(&mut self, at_ms: u64) {
        let slot = at_ms / self.slot_ms;
        if slot - self.newest > self.slots_max as u64 {
            self.fill(at_ms);
            self.slots.clear();
            let full = self.tokens >= self.capacity();
            let tokens = self.tokens;
            self.begin(at_ms);
            (self.tokens, self.was_full) = (tokens, full);
            self.touch();
            return;
        }
        while self.newest < slot {
            self.newest += 1;
            self.fill(self.newest * self.slot_ms);
            self.slots.push_back(Slot {
                least: self.tokens,
                overflow: 0.0,
            });
            if self.slots.len() > self.slots_max {
                self.slots.pop_front();
                self.was_full = false;
            }
        }
        self.fill(at_ms);
    }

    fn fill(&mut self, at_ms: u64) {
        let passed = (at_ms - self.now_ms) as f64 / 1000.0;
        let seconds = match self.limit.refill {
            Refill::Steady => passed,
            Refill::EachSecond => (at_ms / 1000 - self.now_ms / 1000) as f64,
        };
        self.now_ms = at_ms;
        self.tokens += seconds * self.limit.per_second * self.share;
        let room = (self.capacity() - self.tokens).max(0.0);
        let gift = self.gift.min(self.gift_per_second * passed);
        self.gift -= gift;
        self.wanted += gift.min(room);
        // What has no room here any more overflows, and others may have it.
        self.tokens += gift;
        let overflow = self.tokens - self.capacity();
        if overflow > 0.0 {
            self.tokens -= overflow;
            if let Some(slot) = self.slots.back_mut() {
                slot.overflow += overflow;
            }
        }
    }

    fn touch(&mut self) {
        if let Some(slot) = self.slots.back_mut() {
            slot.least = slot.least.min(self.tokens);
        }
    }

    /// Index of the slot of a time that is past. Before the first request the bucket was full.
    fn place(&mut self, at_ms: u64) -> Option<usize> {
        let back = (self.newest - at_ms / self.slot_ms) as usize;
        if back >= self.slots_max {
            return None;
        }
        if back >= self.slots.len() && !self.was_full {
            return None;
        }
        let (least, seconds) = (self.capacity(), self.slot_ms as f64 / 1000.0);
        let overflow = seconds * self.limit.per_second * self.share;
        while back >= self.slots.len() {
            self.slots.push_front(Slot { least, overflow });
        }
        Some(self.slots.len() - 1 - back)
    }

    /// Whether the bucket has what it takes from a slot on. What overflowed in later slots makes good for it; in the slot itself it may have
    /// been before.
    fn has(&self, wanted: f64, slot: usize) -> bool {
        let least = self.least(wanted);
        let mut left = wanted;
        let mut slots = self.slots.range(slot..);
        if slots.next().is_some_and(|slot| slot.least < least) {
            return false;
        }
        for slot in slots {
            if slot.least < least.min(left - TOLERANCE) {
                return false;
            }
            left -= slot.overflow;
            if left <= 0.0 {
                break;
            }
        }
        true
    }

    fn take(&mut self, wanted: f64, slot: usize) {
        let mut left = wanted;
        let mut slots = self.slots.range_mut(slot..);
        if let Some(slot) = slots.next() {
            slot.least -= left;
        }
        for slot in slots {
            slot.least -= left;
            let absorbed = slot.overflow.min(left);
            slot.overflow -= absorbed;
            left -= absorbed;
            if left <= 0.0 {
                return;
            }
        }
        self.tokens -= left;
    }
}

#[cfg(test)]
mod tests;
