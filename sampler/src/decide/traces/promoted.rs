//! What is promoted of each trace of one partition: while it is open, the attributes of the span that is its entry span so far; once it is decided,
//! those of its verdict.
//!
//! Equal lists are held once. Without keys to promote, nothing of this takes memory, unless the decision log brought some along. Values that don't
//! fit the bound are not promoted and counted; what a verdict has is never let go before it.

mod lists;

use bytes::Bytes;
use hashbrown::HashMap;

use crate::decide::facts::SpanFacts;
use crate::decide::traces::index::NONE;
use crate::promote::{self, PromotedKeys, Refused};
use lists::Lists;

/// Until it is told, as of one partition by itself.
const BYTES_MAX: usize = 16 << 20;

/// What is known of the entry span of a trace that is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryFacts {
    /// Number of the list, with a reference to it; [`NONE`]: there is nothing to promote.
    pub(crate) list: u32,
    pub(crate) refused: Refused,
}

impl Default for EntryFacts {
    fn default() -> Self {
        Self {
            list: NONE,
            refused: Refused::default(),
        }
    }
}

/// Which span is the entry span so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Entry {
    #[default]
    Unseen,
    /// The one that starts first.
    Earliest,
    /// That of the trace before a late error reopened it.
    Inherited,
    Root,
}

/// An open trace's. 16 bytes.
#[derive(Clone, Copy, Debug)]
struct OpenEntry {
    start_unix_nano: u64,
    list: u32,
    refused: Refused,
    entry: Entry,
}

impl Default for OpenEntry {
    fn default() -> Self {
        Self {
            start_unix_nano: 0,
            list: NONE,
            refused: Refused::default(),
            entry: Entry::default(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Promoted {
    lists: Lists,
    /// By the window's slot.
    open: Vec<OpenEntry>,
    /// By slot of the verdict: the number of its list.
    decided: HashMap<u32, u32>,
    bytes_max: usize,
    scratch: Vec<u8>,
}

impl Default for Promoted {
    fn default() -> Self {
        Self {
            lists: Lists::default(),
            open: Vec::new(),
            decided: HashMap::new(),
            bytes_max: BYTES_MAX,
            scratch: Vec::new(),
        }
    }
}

impl Promoted {
    /// The bound from now on.
    pub(crate) fn set_bytes_max(&mut self, bytes: usize) {
        self.bytes_max = bytes;
    }

    /// A span of an open trace: it may be the entry span. `body` is the span.
    pub(crate) fn gather(&mut self, slot: u32, span: &SpanFacts, body: &[u8], keys: &PromotedKeys) {
        let at = self.open_at(slot);
        let before = self.open[at];
        let is_entry = match before.entry {
            Entry::Unseen => true,
            Entry::Earliest => span.root || span.start_unix_nano < before.start_unix_nano,
            Entry::Inherited => span.root,
            Entry::Root => false,
        };
        if !is_entry {
            return;
        }
        let mut list = std::mem::take(&mut self.scratch);
        let mut refused = keys.read(body, &mut list);
        // First, so that a list that stays the same has its place.
        let number = match self.has_room(&list) {
            true => self.lists.enter(&list),
            false => {
                refused.no_memory = promote::count(&list) as u8;
                NONE
            }
        };
        self.scratch = list;
        self.lists.release(before.list);
        self.open[at] = OpenEntry {
            start_unix_nano: span.start_unix_nano,
            list: number,
            refused,
            entry: match span.root {
                true => Entry::Root,
                false => Entry::Earliest,
            },
        };
    }

    fn has_room(&self, list: &[u8]) -> bool {
        let held = self.lists.bytes_with(list) + self.decided.allocation_size();
        list.is_empty() || held <= self.bytes_max
    }

    /// Where an open trace stands.
    fn open_at(&mut self, slot: u32) -> usize {
        let at = slot as usize;
        if self.open.len() <= at {
            self.open.resize(at + 1, OpenEntry::default());
        }
        at
    }

    /// A late error opened this trace anew: it goes on with what its verdict at `at` has of these keys.
    pub(crate) fn inherit(&mut self, slot: u32, at: u32, keys: &PromotedKeys) {
        let mut retained = std::mem::take(&mut self.scratch);
        if let Some(list) = self.of_verdict(at) {
            keys.retain(list, &mut retained);
            if !retained.is_empty() {
                let open_at = self.open_at(slot);
                self.open[open_at].list = self.lists.enter(&retained);
                self.open[open_at].entry = Entry::Inherited;
            }
        }
        self.scratch = retained;
    }

    /// Takes what is known of an open trace that is decided. `is_last`: no other is open.
    #[inline]
    pub(crate) fn take(&mut self, slot: u32, is_last: bool) -> EntryFacts {
        let Some(open) = self.open.get_mut(slot as usize) else {
            return EntryFacts::default();
        };
        let taken = std::mem::take(open);
        if is_last {
            self.open.clear();
            self.open.shrink_to(1024);
        }
        EntryFacts {
            list: taken.list,
            refused: taken.refused,
        }
    }

    /// A reference to a list.
    pub(crate) fn enter(&mut self, list: &[u8]) -> u32 {
        self.lists.enter(list)
    }

    /// Gives back the reference that [`Promoted::take`] or [`Promoted::enter`] gave.
    #[inline]
    pub(crate) fn release(&mut self, list: u32) {
        self.lists.release(list);
    }

    /// The verdict at `at` has this list, with the reference to it.
    #[inline]
    pub(crate) fn decide(&mut self, at: u32, list: u32) {
        if list != NONE {
            self.decided.insert(at, list);
        }
    }

    /// The verdict at `at` has this list, if it has none yet.
    pub(crate) fn renew(&mut self, at: u32, list: u32) {
        match self.decided.contains_key(&at) {
            true => self.lists.release(list),
            false => self.decide(at, list),
        }
    }

    /// The verdict at `at` is gone.
    #[inline]
    pub(crate) fn forget(&mut self, at: u32) {
        if self.decided.is_empty() {
            return;
        }
        if let Some(list) = self.decided.remove(&at) {
            self.lists.release(list);
        }
        if self.decided.is_empty() {
            self.decided.shrink_to(1024);
        }
    }

    /// What is promoted by a verdict.
    #[inline]
    pub(crate) fn of_verdict(&self, at: u32) -> Option<&Bytes> {
        match self.decided.is_empty() {
            true => None,
            false => self.decided.get(&at).and_then(|&list| self.list(list)),
        }
    }

    #[inline]
    pub(crate) fn list(&self, list: u32) -> Option<&Bytes> {
        self.lists.get(list)
    }

    /// Other keys, for open traces: what their entry spans had of both stays. `open`: their slots, with the start of the first of the spans that they have
    /// already, and whether one of these was the root. New keys of these are not known.
    pub(crate) fn reconfigure(
        &mut self,
        (before, after): (&PromotedKeys, &PromotedKeys),
        open: impl Iterator<Item = (u32, u64, bool)>,
    ) {
        if before == after {
            return;
        }
        let mut retained = std::mem::take(&mut self.scratch);
        for (slot, start_unix_nano, rooted) in open {
            let at = self.open_at(slot);
            let list = self.open[at].list;
            if let Some(known) = self.lists.get(list) {
                after.retain(known, &mut retained);
                self.open[at].list = self.lists.enter(&retained);
                self.lists.release(list);
            }
            if self.open[at].entry == Entry::Unseen {
                self.open[at].start_unix_nano = start_unix_nano;
                self.open[at].entry = match rooted {
                    true => Entry::Root,
                    false => Entry::Earliest,
                };
            }
        }
        self.scratch = retained;
        if after.is_empty() {
            // All that stood here was given back.
            self.open = Vec::new();
        }
    }

    /// Of lists and of what refers to them: what the bound is for.
    pub(crate) fn held_bytes(&self) -> usize {
        self.lists.bytes() + self.decided.allocation_size()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.held_bytes() + self.open.capacity() * size_of::<OpenEntry>() + self.scratch.capacity()
    }
}

#[cfg(test)]
mod tests;
