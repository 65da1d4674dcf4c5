//! Traces that are linked from kept ones are kept while they are undecided (`linked: keep`).
//!
//! A link stays within its tenant: no tenant can have another's trace kept. What open traces link to is held by trace. When one is kept, its targets in the same partition are closed at once; those in other partitions are for
//! the shell to pass on. The log entry of the kept trace names them, so that a new owner can pass them on again: keeping twice is keeping once.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// A trace that is to be kept, for the sake of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Whose traces both are; empty: the default tenant's.
    pub tenant: Box<[u8]>,
    pub target: [u8; 16],
    pub source: [u8; 16],
}

impl Linked {
    /// What it takes in a message to other processes, about.
    pub(crate) fn bytes(&self) -> usize {
        2 * size_of::<[u8; 16]>() + self.tenant.len()
    }
}

/// Links of one trace; the rest are not followed.
const LINKS_OF_ONE_MAX: usize = 32;
/// Links of all open traces of one partition, and of all partitions of a topic. The rest are not followed.
const LINKS_MAX: usize = 65_536;
const LINKS_OF_ALL_MAX: usize = 1 << 20;

/// What the open traces of a partition link to, by slot, and the links that are still to be followed.
#[derive(Debug)]
pub(crate) struct Links {
    links_max: usize,
    targets: HashMap<u32, Vec<[u8; 16]>>,
    stored: usize,
    /// Traces of this partition to be kept, with the times of the verdicts that ask for it.
    to_keep: Vec<(Linked, u64)>,
    /// Traces of this partition to be kept once it is rebuilt.
    to_keep_later: Vec<Linked>,
    /// Traces of other partitions to be kept.
    outgoing: Vec<Linked>,
}

impl Links {
    /// Of one of so many partitions. Which links are followed is a function of the log: the number of partitions that a process owns is not.
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            links_max: LINKS_MAX.min(LINKS_OF_ALL_MAX / partitions.max(1) as usize),
            targets: HashMap::new(),
            stored: 0,
            to_keep: Vec::new(),
            to_keep_later: Vec::new(),
            outgoing: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, slot: u32, target: [u8; 16]) {
        if self.stored >= self.links_max {
            return;
        }
        let targets = self.targets.entry(slot).or_default();
        if targets.len() < LINKS_OF_ONE_MAX && !targets.contains(&target) {
            targets.push(target);
            self.stored += 1;
        }
    }

    /// Of a trace that is decided.
    pub(crate) fn take(&mut self, slot: u32) -> Vec<[u8; 16]> {
        if self.targets.is_empty() {
            return Vec::new();
        }
        let targets = self.targets.remove(&slot).unwrap_or_default();
        self.stored -= targets.len();
        if self.targets.is_empty() {
            self.targets.shrink_to(64);
        }
        targets
    }

    /// A trace of this partition is to be kept.
    pub(crate) fn keep(&mut self, linked: Linked, time_ms: u64) {
        self.to_keep.push((linked, time_ms));
    }

    /// As [`Links::keep`], from [`Links::rebuilt`] on: the trace may be open again only when its window is.
    pub(crate) fn keep_later(&mut self, linked: Linked) {
        self.to_keep_later.push(linked);
    }

    /// The partition is rebuilt.
    pub(crate) fn rebuilt(&mut self, now_ms: u64) {
        let later = self.to_keep_later.drain(..);
        self.to_keep.extend(later.map(|linked| (linked, now_ms)));
    }

    /// The next trace of this partition to be kept, with the time of the verdict that asks for it.
    #[inline]
    pub(crate) fn next_to_keep(&mut self) -> Option<(Linked, u64)> {
        self.to_keep.pop()
    }

    /// A trace of another partition is to be kept.
    pub(crate) fn pass_on(&mut self, linked: Linked) {
        self.outgoing.push(linked);
    }

    /// Traces of other partitions to be kept, since the last call.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Linked> {
        std::mem::take(&mut self.outgoing)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.targets.allocation_size() + self.stored * size_of::<[u8; 16]>()
    }
}
