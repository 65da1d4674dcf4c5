//! Service and operation names of root spans, each held once. Bounded in number and bytes: when full, names that no open trace uses are let
//! go, and a name for which there is no room is missing in the decision log.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::decide::traces::index::NONE;

/// Names held at most.
const NAMES_MAX: usize = 16_384;
/// A longer name is cut.
const NAME_BYTES_MAX: usize = 256;
/// What a name takes besides its text.
const NAME_OVERHEAD: usize = 32;
/// What the names of one partition take at most, and those of all partitions of a topic.
const BYTES_MAX: usize = 4 << 20;
const BYTES_OF_ALL_MAX: usize = 32 << 20;

#[derive(Debug)]
pub(crate) struct Names {
    bytes_max: usize,
    names: Vec<Box<str>>,
    table: HashTable<u32>,
    /// Of the texts.
    bytes: usize,
    /// Names left after the last cleaning, and their bytes; cleaning again waits until there are many more.
    cleaned: (usize, usize),
}

impl Default for Names {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Names {
    /// Of one of so many partitions.
    pub(crate) fn new(partitions: u32) -> Self {
        Self::within(BYTES_MAX.min(BYTES_OF_ALL_MAX / partitions.max(1) as usize))
    }

    fn within(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            names: Vec::new(),
            table: HashTable::new(),
            bytes: 0,
            cleaned: (0, 0),
        }
    }

    fn held_bytes(&self) -> usize {
        self.bytes + self.names.len() * NAME_OVERHEAD
    }

    /// The number of a name; [`NONE`] when it is empty or no more fit.
    pub(crate) fn intern(&mut self, name: &[u8]) -> u32 {
        let name = &name[..name.len().min(NAME_BYTES_MAX)];
        if name.is_empty() {
            return NONE;
        }
        let hash = xxh3_64(name);
        let names = &self.names;
        if let Some(&at) = self
            .table
            .find(hash, |&at| names[at as usize].as_bytes() == name)
        {
            return at;
        }
        let text = String::from_utf8_lossy(name);
        if text.as_bytes() != name {
            // Not UTF-8, or cut within a character: look up what it becomes.
            return self.intern(text.trim_end_matches('\u{FFFD}').as_bytes());
        }
        let bytes = self.held_bytes() + text.len() + NAME_OVERHEAD;
        if self.names.len() >= NAMES_MAX || bytes > self.bytes_max {
            return NONE;
        }
        let at = self.names.len() as u32;
        self.bytes += text.len();
        self.names.push(text.into());
        let names = &self.names;
        self.table
            .insert_unique(hash, at, |&at| xxh3_64(names[at as usize].as_bytes()));
        at
    }

    pub(crate) fn get(&self, at: u32) -> Option<&str> {
        self.names.get(at as usize).map(|name| &**name)
    }

    /// So full that cleaning is worth its cost.
    pub(crate) fn crowded(&self) -> bool {
        let many = |held, cleaned, max| held >= max / 2 && held >= cleaned + max / 4;
        many(self.names.len(), self.cleaned.0, NAMES_MAX)
            || many(self.held_bytes(), self.cleaned.1, self.bytes_max)
    }

    /// Keeps the names that `used` yields, and gives them new numbers in place.
    pub(crate) fn clean<'a>(&mut self, used: impl Iterator<Item = &'a mut u32>) {
        let before = std::mem::replace(self, Self::within(self.bytes_max));
        for at in used {
            *at = before
                .get(*at)
                .map_or(NONE, |name| self.intern(name.as_bytes()));
        }
        self.cleaned = (self.names.len(), self.held_bytes());
    }

    pub(crate) fn bytes(&self) -> usize {
        self.names.capacity() * size_of::<Box<str>>() + self.table.allocation_size() + self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_have_one_number_and_odd_ones_are_made_readable() {
        let mut names = Names::default();
        let cart = names.intern(b"cart");
        assert_eq!(names.intern(b"cart"), cart);
        assert_ne!(names.intern(b"checkout"), cart);
        assert_eq!(names.intern(b""), NONE);
        let cut = names.intern("ü".repeat(200).as_bytes());
        assert_eq!(names.get(cut), Some("ü".repeat(128).as_str()));
        let odd = names.intern(b"a\xFFb");
        assert_eq!(names.get(odd), Some("a\u{FFFD}b"));
        assert_eq!(names.intern(b"\xFF"), NONE);
    }

    /// Long names, as of operations with a URL in them, on one of many partitions.
    #[test]
    fn names_are_bounded_in_bytes() {
        let mut names = Names::new(96);
        let name = |at: u32| format!("GET /{at:0200}");
        let fit = (0..).take_while(|&at| names.intern(name(at).as_bytes()) != NONE);
        let fit = fit.count();
        assert!((1000..2000).contains(&fit), "{fit}");
        assert!(names.bytes() < 2 * BYTES_OF_ALL_MAX / 96);
        assert!(names.crowded());
        let mut used = [7];
        names.clean(used.iter_mut());
        assert_eq!(names.get(used[0]), Some(&*name(7)));
        assert!(!names.crowded());
        assert_ne!(names.intern(b"another"), NONE);
    }

    #[test]
    fn it_is_bounded_and_cleaning_keeps_what_is_used() {
        let mut names = Names::default();
        for at in 0..NAMES_MAX {
            assert_ne!(names.intern(format!("operation {at}").as_bytes()), NONE);
        }
        assert_eq!(names.intern(b"one more"), NONE);
        assert!(names.crowded());
        let mut used = [77, 99, NONE];
        names.clean(used.iter_mut());
        assert_eq!(names.get(used[0]), Some("operation 77"));
        assert_eq!(names.get(used[1]), Some("operation 99"));
        assert_eq!(used[2], NONE);
        assert!(!names.crowded());
        assert_ne!(names.intern(b"one more"), NONE);
    }
}
