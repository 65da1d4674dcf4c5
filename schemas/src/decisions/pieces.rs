//! A batch in as many records as the bus asks for: a window that becomes due at once has more verdicts than a record holds.

use std::ops::Range;

use bytes::Bytes;
use hashbrown::HashMap;

use super::{DecisionBatch, Link};

impl DecisionBatch {
    /// The batch as record values of at most `bytes_max` each, in the order of entries. One entry alone may be larger.
    pub fn encode_within(&self, bytes_max: usize) -> Vec<Bytes> {
        let whole = self.encode();
        if whole.len() <= bytes_max || self.entries.len() < 2 {
            return vec![whole];
        }
        drop(whole);
        let (middle, end) = (self.entries.len() / 2, self.entries.len());
        let halves = [self.piece(0..middle), self.piece(middle..end)];
        halves
            .iter()
            .flat_map(|half| half.encode_within(bytes_max))
            .collect()
    }

    /// The batch with these entries alone, and the names, attributes and match sets that they refer to.
    fn piece(&self, range: Range<usize>) -> Self {
        let mut strings = Subset::new(&self.strings);
        let mut tenants = Subset::new(&self.tenants);
        let mut promoted = Subset::new(&self.promoted);
        let mut match_sets = Subset::new(&self.match_sets);
        let mut entries = self.entries[range.clone()].to_vec();
        for entry in &mut entries {
            entry.match_set = match_sets.enter(entry.match_set);
            entry.tenant = entry.tenant.map(|at| tenants.enter(at));
            entry.promoted = entry.promoted.map(|at| promoted.enter(at));
            for name in [&mut entry.root_service, &mut entry.root_operation] {
                *name = name.map(|at| strings.enter(at));
            }
        }
        let moved = |entry: u32| {
            let inside = range.contains(&(entry as usize));
            inside.then(|| entry - range.start as u32)
        };
        let links = |links: &[Link]| {
            let links = links.iter();
            let moved = |link: &Link| {
                Some(Link {
                    entry: moved(link.entry)?,
                    ..*link
                })
            };
            links.filter_map(moved).collect()
        };
        let rescues = self.rescues.iter().filter_map(|rescue| {
            let entry = moved(rescue.entry)?;
            Some(super::Rescue { entry, ..*rescue })
        });
        let rules = self.statistics.len();
        Self {
            generation: self.generation,
            policies: self.policies.clone(),
            strings: strings.taken,
            tenants: tenants.taken,
            promoted: promoted.taken,
            match_sets: match_sets.taken,
            entries,
            links: links(&self.links),
            sources: links(&self.sources),
            rescues: rescues.collect(),
            statistics: self.statistics.clone(),
            keys: self.keys[range.start * rules..range.end * rules].to_vec(),
        }
    }
}

/// The part of a list that is referred to, with new indexes.
struct Subset<'a, T> {
    all: &'a [T],
    taken: Vec<T>,
    numbers: HashMap<u32, u32>,
}

impl<'a, T: Clone> Subset<'a, T> {
    fn new(all: &'a [T]) -> Self {
        Self {
            all,
            taken: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    fn enter(&mut self, at: u32) -> u32 {
        *self.numbers.entry(at).or_insert_with(|| {
            self.taken.push(self.all[at as usize].clone());
            self.taken.len() as u32 - 1
        })
    }
}
