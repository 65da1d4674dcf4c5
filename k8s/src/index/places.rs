//! Places by the hash of a key, without the key: who asks compares what lies there.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// A multimap from keys to places.
#[derive(Debug, Default)]
pub(super) struct Places {
    hasher: DefaultHashBuilder,
    /// With half of the hash, by which a table that grows finds the new room of each place.
    table: HashTable<(u32, u32)>,
}

impl Places {
    pub(super) fn add(&mut self, key: impl Hash, place: u32) {
        let half = self.half(key);
        self.table
            .insert_unique(whole(half), (half, place), |(half, _)| whole(*half));
    }

    pub(super) fn remove(&mut self, key: impl Hash, place: u32) {
        let half = self.half(key);
        if let Ok(entry) = (self.table).find_entry(whole(half), |known| *known == (half, place)) {
            entry.remove();
        }
    }

    /// All places of the key, and perhaps some of others.
    pub(super) fn at(&self, key: impl Hash) -> impl Iterator<Item = u32> {
        let half = self.half(key);
        let found = self.table.iter_hash(whole(half));
        found
            .filter(move |(known, _)| *known == half)
            .map(|(_, place)| *place)
    }

    fn half(&self, key: impl Hash) -> u32 {
        self.hasher.hash_one(key) as u32
    }
}

/// Spread over all bits, of which the table takes the uppermost as well as the lowest.
fn whole(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
