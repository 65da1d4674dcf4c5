//! One map for all traces of a partition, by tenant and trace id: where the trace's state is, open or decided.
//!
//! The map holds eight bytes a trace: 32 bits of hash, so that growing it touches no state, and a tagged slot number. The
//! hash has a fixed seed and is not the partition function, whose low bits are equal for all traces of a partition.

use hashbrown::HashTable;

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// A tenant's number within its partition: see [`crate::decide::traces::tenants::Tenants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenant(pub(crate) u32);

impl Tenant {
    /// Of records that name none.
    pub(crate) const DEFAULT: Self = Self(0);
}

/// What tells traces apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceKey {
    pub(crate) tenant: Tenant,
    pub(crate) id: [u8; 16],
}

/// A slot of the window or of the verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Open(u32),
    Decided(u32),
}

const DECIDED: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    tagged: u32,
}

impl Entry {
    fn place(self) -> Place {
        if self.tagged & DECIDED == 0 {
            Place::Open(self.tagged)
        } else {
            Place::Decided(self.tagged & !DECIDED)
        }
    }
}

fn tag(place: Place) -> u32 {
    match place {
        Place::Open(slot) => slot,
        Place::Decided(slot) => slot | DECIDED,
    }
}

impl TraceKey {
    /// 32 bits of a hash.
    #[inline]
    pub(crate) fn hash(&self) -> u32 {
        let word = u128::from_le_bytes(self.id);
        // Both halves: some tracers leave one of them zero.
        let folded = (word as u64) ^ ((word >> 64) as u64).rotate_left(29);
        let of_tenant = u64::from(self.tenant.0).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        ((folded ^ of_tenant).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
    }
}

/// hashbrown wants good bits at both ends of 64.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(hash)
}

#[derive(Debug, Default)]
pub(crate) struct TraceIndex {
    table: HashTable<Entry>,
}

impl TraceIndex {
    /// The newest state of a trace; `is` says whether a place belongs to it.
    #[inline]
    pub(crate) fn find(&self, hash: u32, is: impl Fn(Place) -> bool) -> Option<Place> {
        self.table
            .find(spread(hash), |entry| {
                entry.hash == hash && is(entry.place())
            })
            .map(|entry| entry.place())
    }

    pub(crate) fn insert(&mut self, hash: u32, place: Place) {
        let entry = Entry {
            hash,
            tagged: tag(place),
        };
        self.table
            .insert_unique(spread(hash), entry, |entry| spread(entry.hash));
    }

    /// The trace that was at `from` is now at `to`.
    pub(crate) fn replace(&mut self, hash: u32, from: Place, to: Place) {
        let from = tag(from);
        if let Some(entry) = self
            .table
            .find_mut(spread(hash), |entry| entry.tagged == from)
        {
            entry.tagged = tag(to);
        }
    }

    pub(crate) fn remove(&mut self, hash: u32, place: Place) {
        let tagged = tag(place);
        if let Ok(entry) = self
            .table
            .find_entry(spread(hash), |entry| entry.tagged == tagged)
        {
            entry.remove();
        }
        // A burst of traces must not hold its memory for ever.
        if self.table.capacity() > 1024 && self.table.len() < self.table.capacity() / 8 {
            self.table
                .shrink_to(self.table.len() * 2, |entry| spread(entry.hash));
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.allocation_size()
    }
}
