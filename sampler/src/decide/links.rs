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

/// What the open traces of a partition link to, by slot.
#[derive(Debug)]
pub(crate) struct Links {
    links_max: usize,
    targets: HashMap<u32, Vec<[u8; 16]>>,
    held: usize,
}

impl Links {
    /// Of one of so many partitions. Which links are followed is a function of the log: the number of partitions that a process owns is not.
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            links_max: LINKS_MAX.min(LINKS_OF_ALL_MAX / partitions.max(1) as usize),
            targets: HashMap::new(),
            held: 0,
        }
    }

    pub(crate) fn add(&mut self, slot: u32, target: [u8; 16]) {
        if self.held >= self.links_max {
            return;
        }
        let targets = self.targets.entry(slot).or_default();
        if targets.len() < LINKS_OF_ONE_MAX && !targets.contains(&target) {
            targets.push(target);
            self.held += 1;
        }
    }

    /// Of a trace that is decided.
    pub(crate) fn take(&mut self, slot: u32) -> Vec<[u8; 16]> {
        if self.targets.is_empty() {
            return Vec::new();
        }
        let targets = self.targets.remove(&slot).unwrap_or_default();
        self.held -= targets.len();
        if self.targets.is_empty() {
            self.targets.shrink_to(64);
        }
        targets
    }

    pub(crate) fn bytes(&self) -> usize {
        self.targets.allocation_size() + self.held * size_of::<[u8; 16]>()
    }
}
