//! The window: what is known of the undecided traces of one partition, about a hundred bytes a trace, no payload.
//!
//! Deadlines need no timers. The partition's clock never goes back and every trace waits equally long, so traces come due in
//! the order in which they were opened: a list through the entries. Roots, when they shorten the wait, are a second queue.
//! The front of the list is also the low watermark.

use std::collections::VecDeque;

use crate::facts::SpanFacts;
use crate::policy::{Bits, Policies};

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// What is known of an open trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    pub(crate) id: [u8; 16],
    pub(crate) first_offset: u64,
    pub(crate) last_offset: u64,
    pub(crate) opened_ms: u64,
    min_start: u64,
    max_end: u64,
    pub(crate) bytes: u64,
    pub(crate) bits: Bits,
    pub(crate) spans: u32,
    pub(crate) root_service: u32,
    pub(crate) root_operation: u32,
    /// The trace's last verdict, if it had one that was forgotten and may still be needed by the emit cursor.
    pub(crate) older: u32,
    /// Neighbours in order of opening; `next` also links free slots.
    previous: u32,
    next: u32,
    /// Distinguishes the traces that used a slot.
    sequence: u32,
}

#[derive(Clone, Copy, Debug)]
struct Root {
    seen_ms: u64,
    slot: u32,
    sequence: u32,
}

#[derive(Debug)]
pub(crate) struct Window {
    slots: Vec<Trace>,
    free: u32,
    front: u32,
    back: u32,
    open: usize,
    sequence: u32,
    roots: VecDeque<Root>,
    wait_ms: u64,
    /// 0: a root changes nothing.
    wait_after_root_ms: u64,
}

impl Window {
    pub(crate) fn new(wait_ms: u64, wait_after_root_ms: u64) -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            front: NONE,
            back: NONE,
            open: 0,
            sequence: 0,
            roots: VecDeque::new(),
            wait_ms,
            wait_after_root_ms,
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Trace {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(crate) fn id_at(&self, slot: u32) -> &[u8; 16] {
        &self.slots[slot as usize].id
    }

    pub(crate) fn set_older(&mut self, slot: u32, older: u32) {
        self.slots[slot as usize].older = older;
    }

    /// Opens a trace without spans; [`Window::gather`] adds its first.
    pub(crate) fn open(&mut self, id: [u8; 16], offset: u64, opened_ms: u64, older: u32) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let trace = Trace {
            id,
            first_offset: offset,
            last_offset: offset,
            opened_ms,
            min_start: 0,
            max_end: 0,
            bytes: 0,
            bits: Bits::default(),
            spans: 0,
            root_service: NONE,
            root_operation: NONE,
            older,
            previous: self.back,
            next: NONE,
            sequence: self.sequence,
        };
        let slot = if self.free == NONE {
            self.slots.push(trace);
            (self.slots.len() - 1) as u32
        } else {
            let slot = self.free;
            self.free = self.slots[slot as usize].next;
            self.slots[slot as usize] = trace;
            slot
        };
        match self.back {
            NONE => self.front = slot,
            back => self.slots[back as usize].next = slot,
        }
        self.back = slot;
        self.open += 1;
        slot
    }

    /// Adds a span's facts; the trace's bytes afterwards.
    #[inline]
    pub(crate) fn gather(
        &mut self,
        slot: u32,
        span: &SpanFacts,
        offset: u64,
        now_ms: u64,
        policies: &Policies,
    ) -> u64 {
        let trace = &mut self.slots[slot as usize];
        trace.last_offset = offset;
        trace.spans = trace.spans.saturating_add(1);
        trace.bytes += u64::from(span.bytes);
        trace.bits |= span.bits;
        // As the Collector's latency policy: a start or end of 0 counts as not yet known, and the first value replaces it.
        if trace.min_start == 0 || span.start_unix_nano < trace.min_start {
            trace.min_start = span.start_unix_nano;
        }
        if trace.max_end == 0 || span.end_unix_nano > trace.max_end {
            trace.max_end = span.end_unix_nano;
        }
        trace.bits |= policies.latency_bits(trace.min_start, trace.max_end);
        if span.root {
            if trace.root_service == NONE && trace.root_operation == NONE {
                trace.root_service = span.root_service;
                trace.root_operation = span.root_operation;
            }
            if self.wait_after_root_ms > 0 {
                self.roots.push_back(Root {
                    seen_ms: now_ms,
                    slot,
                    sequence: trace.sequence,
                });
            }
        }
        trace.bytes
    }

    /// The next trace that is due at `now_ms`, with its deadline. It stays open until it is taken.
    pub(crate) fn due(&mut self, now_ms: u64) -> Option<(u32, u64)> {
        while let Some(root) = self.roots.front() {
            let trace = &self.slots[root.slot as usize];
            if trace.sequence == root.sequence && trace.spans > 0 {
                break;
            }
            self.roots.pop_front();
        }
        let opening = (self.front != NONE).then(|| {
            (
                self.front,
                self.get(self.front).opened_ms.saturating_add(self.wait_ms),
            )
        });
        let root = self.roots.front().map(|root| {
            (
                root.slot,
                root.seen_ms.saturating_add(self.wait_after_root_ms),
            )
        });
        let next = match (opening, root) {
            (Some(opening), Some(root)) if root.1 < opening.1 => Some(root),
            (Some(opening), _) => Some(opening),
            (None, root) => root,
        };
        next.filter(|&(_, deadline)| deadline <= now_ms)
    }

    /// Removes a trace that is decided.
    pub(crate) fn close(&mut self, slot: u32) -> Trace {
        let trace = self.slots[slot as usize];
        match trace.previous {
            NONE => self.front = trace.next,
            previous => self.slots[previous as usize].next = trace.next,
        }
        match trace.next {
            NONE => self.back = trace.previous,
            next => self.slots[next as usize].previous = trace.previous,
        }
        let freed = &mut self.slots[slot as usize];
        freed.spans = 0;
        freed.next = self.free;
        self.free = slot;
        self.open -= 1;
        if self.open == 0 {
            self.reset();
        }
        trace
    }

    /// Nothing is open: a good moment to give memory back.
    fn reset(&mut self) {
        self.slots.clear();
        self.slots.shrink_to(1024);
        self.roots.clear();
        self.roots.shrink_to(1024);
        self.free = NONE;
    }

    /// The offset at which the oldest undecided trace has its first span.
    pub(crate) fn low_watermark(&self) -> Option<u64> {
        (self.front != NONE).then(|| self.get(self.front).first_offset)
    }

    /// All open traces, in order of opening.
    pub(crate) fn traces_mut(&mut self) -> impl Iterator<Item = &mut Trace> {
        self.slots.iter_mut().filter(|trace| trace.spans > 0)
    }

    pub(crate) fn open_traces(&self) -> usize {
        self.open
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Trace>() + self.roots.capacity() * size_of::<Root>()
    }
}
