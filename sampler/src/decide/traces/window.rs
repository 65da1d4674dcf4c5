//! The window: what is known of the undecided traces of one partition, about 180 bytes a trace with the index, no payload.
//!
//! Deadlines need no timers. The partition's clock never goes back and every trace waits equally long, so traces come due in
//! the order in which they were opened: a list through the entries. Roots, when they shorten the wait, are a second queue.
//! The front of the list is also the low watermark.

use std::collections::VecDeque;
use std::ops::Range;

use hashbrown::HashMap;

use crate::decide::facts::{NO_RANDOMNESS, SpanFacts};
use crate::decide::traces::index::{NONE, Tenant, TraceKey};
use crate::decide::traces::services::Services;
use crate::options::Options;
use crate::policy::{Bits, Marks, RuleSet, SetId, Transition};
use schemas::otlp::sampling;

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
    pub(crate) errors: u32,
    pub(crate) root_service: u32,
    pub(crate) root_operation: u32,
    /// The trace's last verdict, if it had one that was forgotten and may still be needed by the emit cursor.
    pub(crate) older: u32,
    /// Neighbours in order of opening; `next` also links free slots.
    previous: u32,
    next: u32,
    /// Distinguishes the traces that used a slot.
    sequence: u32,
    pub(crate) tenant: Tenant,
    /// Its root span was seen.
    rooted: bool,
    /// It stands in the queue of roots. Its first root has the earliest deadline, so others would only cost memory.
    root_queued: bool,
}

impl Trace {
    #[inline]
    pub(crate) fn key(&self) -> TraceKey {
        TraceKey {
            tenant: self.tenant,
            id: self.id,
        }
    }

    /// From the earliest start to the latest end; 0 where they contradict each other.
    pub(crate) fn duration_ns(&self) -> u64 {
        self.max_end.saturating_sub(self.min_start)
    }

    pub(crate) fn duration_us(&self) -> u64 {
        self.duration_ns() / 1000
    }
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
    /// By slot: the words of the trace's marks, `mark_words` for each.
    marks: Vec<u64>,
    mark_words: usize,
    roots: VecDeque<Root>,
    /// R of the traces that somebody sampled before us.
    upstream: HashMap<u32, u64>,
    services: Services,
    /// Where the dropped spans lie of traces that a late error reopened.
    reopened: HashMap<u32, Range<u64>>,
    wait_ms: u64,
    /// 0: a root changes nothing.
    wait_after_root_ms: u64,
}

impl Window {
    pub(crate) fn new(wait_ms: u64, wait_after_root_ms: u64, mark_words: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            front: NONE,
            back: NONE,
            open: 0,
            sequence: 0,
            marks: Vec::new(),
            mark_words,
            roots: VecDeque::new(),
            upstream: HashMap::new(),
            services: Services::default(),
            reopened: HashMap::new(),
            wait_ms,
            wait_after_root_ms,
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Trace {
        &self.slots[slot as usize]
    }

    pub(crate) fn set_older(&mut self, slot: u32, older: u32) {
        self.slots[slot as usize].older = older;
    }

    /// Opens a trace without spans; [`Window::gather`] adds its first.
    pub(crate) fn open(&mut self, key: TraceKey, offset: u64, opened_ms: u64, older: u32) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let trace = Trace {
            id: key.id,
            tenant: key.tenant,
            first_offset: offset,
            last_offset: offset,
            opened_ms,
            min_start: 0,
            max_end: 0,
            bytes: 0,
            bits: Bits::default(),
            spans: 0,
            errors: 0,
            root_service: NONE,
            root_operation: NONE,
            older,
            previous: self.back,
            next: NONE,
            sequence: self.sequence,
            rooted: false,
            root_queued: false,
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
        (span, marks): (&SpanFacts, &[u64]),
        offset: u64,
        now_ms: u64,
        rules: &RuleSet,
    ) -> u64 {
        if !marks.is_empty() {
            self.merge_marks(slot, span, marks, rules.marks());
        }
        let trace = &mut self.slots[slot as usize];
        trace.last_offset = offset;
        trace.spans = trace.spans.saturating_add(1);
        trace.errors = trace.errors.saturating_add(span.error.into());
        trace.bytes += u64::from(span.bytes);
        trace.bits = rules.gathered(trace.bits, span.bits);
        // As the Collector's latency policy: a start or end of 0 counts as not yet known, and the first value replaces it.
        if trace.min_start == 0 || span.start_unix_nano < trace.min_start {
            trace.min_start = span.start_unix_nano;
        }
        if trace.max_end == 0 || span.end_unix_nano > trace.max_end {
            trace.max_end = span.end_unix_nano;
        }
        trace.bits |= rules.latency_bits(trace.min_start, trace.max_end);
        if span.randomness != NO_RANDOMNESS {
            // A random value of its own weighs more than the one in the trace id.
            let known = self.upstream.entry(slot).or_insert(span.randomness);
            if span.randomness != sampling::trace_id_randomness(&span.id) {
                *known = span.randomness;
            }
        }
        if span.service != 0 {
            self.services.add(slot, span.service);
        }
        if span.root {
            if trace.root_service == NONE && trace.root_operation == NONE {
                trace.root_service = span.root_service;
                trace.root_operation = span.root_operation;
            }
            if self.wait_after_root_ms > 0 && !trace.root_queued {
                trace.root_queued = true;
                self.roots.push_back(Root {
                    seen_ms: now_ms,
                    slot,
                    sequence: trace.sequence,
                });
            }
        }
        trace.bytes
    }

    /// Merges what a span is told apart by into what its trace is, before the span's other facts.
    fn merge_marks(&mut self, slot: u32, span: &SpanFacts, of_span: &[u64], marks: &Marks) {
        let trace = &mut self.slots[slot as usize];
        let is_only = trace.spans == 0;
        let is_first = is_only || span.start_unix_nano < trace.min_start;
        let is_entry = !trace.rooted && (span.root || is_first);
        let words = marks.words();
        let at = slot as usize * self.mark_words;
        if self.marks.len() < at + words {
            self.marks.resize(at + self.mark_words, 0);
        }
        let of_trace = &mut self.marks[at..at + words];
        if is_only {
            of_trace.fill(0);
        }
        marks.merge(of_trace, of_span, is_entry);
        trace.rooted |= span.root;
    }

    /// What a trace is told apart by: one number a column.
    #[inline]
    pub(crate) fn marks_of(&self, slot: u32, marks: &Marks, out: &mut Vec<u64>) {
        let words = marks.words();
        if words == 0 {
            // Others may have marks, and no room was made for this trace.
            out.clear();
            return;
        }
        let at = slot as usize * self.mark_words;
        marks.finish(&self.marks[at..at + words], out);
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

    /// An open trace was dropped before; its spans lie in these records.
    pub(crate) fn reopen(&mut self, slot: u32, dropped: Range<u64>) {
        self.reopened.insert(slot, dropped);
    }

    /// Of a trace that is decided.
    pub(crate) fn take_reopened(&mut self, slot: u32) -> Option<Range<u64>> {
        match self.reopened.is_empty() {
            true => None,
            false => self.reopened.remove(&slot),
        }
    }

    /// R of a trace that somebody sampled before us, as it is decided.
    pub(crate) fn take_upstream(&mut self, slot: u32) -> Option<u64> {
        match self.upstream.is_empty() {
            true => None,
            false => self.upstream.remove(&slot),
        }
    }

    /// Another configuration: open traces keep the bits and marks that are carried over, and what is known of their latency. `sets`: by
    /// tenant, the policies that held and those that hold.
    pub(crate) fn reconfigure(
        &mut self,
        transition: &mut Transition<'_>,
        sets: &[(SetId, SetId)],
        options: &Options,
    ) {
        self.wait_ms = options.decision_wait_ms;
        self.wait_after_root_ms = options.decision_wait_after_root_ms;
        let unqueued = self.wait_after_root_ms == 0;
        if unqueued {
            self.roots.clear();
        }
        let words = transition.after().mark_words();
        let old = std::mem::take(&mut self.marks);
        let words_before = std::mem::replace(&mut self.mark_words, words);
        // Where nothing is known, what is known from here on is of later spans.
        self.marks.resize(self.slots.len() * words, 0);
        let mut slot = self.front;
        while slot != NONE {
            let trace = &mut self.slots[slot as usize];
            let (before, after) = sets[trace.tenant.0 as usize];
            let change = transition.between(before, after);
            trace.root_queued &= !unqueued;
            trace.bits = change.bits.apply(trace.bits)
                | change.after.latency_bits(trace.min_start, trace.max_end);
            let (at, to) = (slot as usize * words_before, slot as usize * words);
            let of_trace = old.get(at..at + words_before).unwrap_or_default();
            let (from, into) = (change.before.marks(), &mut self.marks[to..to + words]);
            change.after.marks().carry(from, of_trace, into);
            slot = trace.next;
        }
    }

    /// The number of services that a trace was seen in, as it is decided; 0 where no policy asks.
    pub(crate) fn take_services(&mut self, slot: u32) -> u64 {
        self.services.take(slot)
    }

    /// Removes a trace that is decided.
    #[inline(always)]
    pub(crate) fn close(&mut self, slot: u32) {
        let trace = &self.slots[slot as usize];
        let (previous, next) = (trace.previous, trace.next);
        match previous {
            NONE => self.front = next,
            previous => self.slots[previous as usize].next = next,
        }
        match next {
            NONE => self.back = previous,
            next => self.slots[next as usize].previous = previous,
        }
        let freed = &mut self.slots[slot as usize];
        freed.spans = 0;
        freed.next = self.free;
        self.free = slot;
        self.open -= 1;
        if self.open == 0 {
            self.reset();
        }
    }

    /// Nothing is open: a good moment to give memory back.
    fn reset(&mut self) {
        self.slots.clear();
        self.slots.shrink_to(1024);
        self.marks.clear();
        self.marks.shrink_to(16 * 1024);
        self.roots.clear();
        self.roots.shrink_to(1024);
        self.upstream.shrink_to(1024);
        self.services.clear();
        self.reopened.shrink_to(1024);
        self.free = NONE;
    }

    /// The offset at which the oldest undecided trace has its first span.
    pub(crate) fn low_watermark(&self) -> Option<u64> {
        (self.front != NONE).then(|| self.get(self.front).first_offset)
    }

    /// Of all open traces, in order of opening: the slot, the start of the span that starts first, and whether the root was seen.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, u64, bool)> {
        let mut slot = self.front;
        std::iter::from_fn(move || {
            let at = slot;
            let trace = self.slots.get(at as usize)?;
            slot = trace.next;
            let named = trace.root_service != NONE || trace.root_operation != NONE;
            Some((at, trace.min_start, named || trace.rooted))
        })
    }

    /// All open traces, in order of opening.
    pub(crate) fn traces_mut(&mut self) -> impl Iterator<Item = &mut Trace> {
        self.slots.iter_mut().filter(|trace| trace.spans > 0)
    }

    pub(crate) fn open_traces(&self) -> usize {
        self.open
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Trace>()
            + self.marks.capacity() * size_of::<u64>()
            + self.roots.capacity() * size_of::<Root>()
            + self.upstream.allocation_size()
            + self.services.bytes()
            + self.reopened.allocation_size()
    }
}
