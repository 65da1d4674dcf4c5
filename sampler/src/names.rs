//! Service and operation names of root spans, each held once. Bounded: when full, names that no open trace uses are let go.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::window::NONE;

/// Names held at most.
const NAMES_MAX: usize = 16_384;
/// A longer name is cut.
const NAME_BYTES_MAX: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Names {
    names: Vec<Box<str>>,
    table: HashTable<u32>,
    bytes: usize,
    /// Names left after the last cleaning; cleaning again waits until there are many more.
    cleaned: usize,
}

impl Names {
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
        if self.names.len() >= NAMES_MAX {
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
        self.names.len() >= NAMES_MAX / 2 && self.names.len() >= self.cleaned + NAMES_MAX / 4
    }

    /// Keeps the names that `used` yields, and gives them new numbers in place.
    pub(crate) fn clean<'a>(&mut self, used: impl Iterator<Item = &'a mut u32>) {
        let before = std::mem::take(self);
        for at in used {
            *at = before
                .get(*at)
                .map_or(NONE, |name| self.intern(name.as_bytes()));
        }
        self.cleaned = self.names.len();
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
