//! Lists of promoted attributes by number, equal ones once, each as long as somebody refers to it.

use bytes::Bytes;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::decide::traces::index::NONE;

/// What a list takes besides its text: the allocation.
const LIST_OVERHEAD: usize = 16;

/// One list, and how many traces have it.
#[derive(Debug)]
struct List {
    bytes: Bytes,
    references: u32,
}

/// See the head of the file.
#[derive(Debug, Default)]
pub(super) struct Lists {
    slots: Vec<List>,
    free: Vec<u32>,
    table: HashTable<u32>,
    /// Of all lists, with what each takes besides.
    held_bytes: usize,
}

impl Lists {
    fn find(&self, list: &[u8]) -> Option<u32> {
        let found = (self.table).find(xxh3_64(list), |&at| self.slots[at as usize].bytes == list);
        found.copied()
    }

    /// The number of a list, with a reference to it; [`NONE`]: it is empty.
    pub(super) fn enter(&mut self, list: &[u8]) -> u32 {
        if list.is_empty() {
            return NONE;
        }
        if let Some(known) = self.find(list) {
            self.hold(known);
            return known;
        }
        let entry = List {
            bytes: Bytes::copy_from_slice(list),
            references: 1,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = entry;
                at
            }
            None => {
                self.slots.push(entry);
                (self.slots.len() - 1) as u32
            }
        };
        self.held_bytes += list.len() + LIST_OVERHEAD;
        let slots = &self.slots;
        self.table
            .insert_unique(xxh3_64(list), at, |&at| xxh3_64(&slots[at as usize].bytes));
        at
    }

    pub(super) fn hold(&mut self, list: u32) {
        if let Some(held) = self.slots.get_mut(list as usize) {
            held.references += 1;
        }
    }

    #[inline]
    pub(super) fn release(&mut self, list: u32) {
        if list != NONE {
            self.let_go(list);
        }
    }

    #[inline(never)]
    fn let_go(&mut self, list: u32) {
        let held = &mut self.slots[list as usize];
        held.references -= 1;
        if held.references > 0 {
            return;
        }
        let bytes = std::mem::take(&mut held.bytes);
        self.held_bytes -= bytes.len() + LIST_OVERHEAD;
        let found = self.table.find_entry(xxh3_64(&bytes), |&at| at == list);
        if let Ok(entry) = found {
            entry.remove();
        }
        self.free.push(list);
        if self.table.is_empty() {
            self.reset();
        }
    }

    /// Nothing is held: a good moment to give memory back.
    fn reset(&mut self) {
        self.slots.clear();
        self.slots.shrink_to(1024);
        self.free.clear();
        self.free.shrink_to(1024);
        let slots = &self.slots;
        self.table
            .shrink_to(1024, |&at| xxh3_64(&slots[at as usize].bytes));
    }

    /// With one more list, which takes nothing if it is known. All that stands by number moves to twice the room when it is full.
    pub(super) fn bytes_with(&self, list: &[u8]) -> usize {
        if self.find(list).is_some() {
            return self.bytes();
        }
        let slots = match self.free.is_empty() && self.slots.len() == self.slots.capacity() {
            true => self.slots.capacity() * size_of::<List>(),
            false => 0,
        };
        let table = match self.table.len() == self.table.capacity() {
            true => self.table.allocation_size(),
            false => 0,
        };
        self.bytes() + slots + table + list.len() + LIST_OVERHEAD
    }

    pub(super) fn get(&self, list: u32) -> Option<&Bytes> {
        self.slots.get(list as usize).map(|list| &list.bytes)
    }

    pub(super) fn bytes(&self) -> usize {
        self.held_bytes
            + self.slots.capacity() * size_of::<List>()
            + self.free.capacity() * size_of::<u32>()
            + self.table.allocation_size()
    }

    /// How many there are, and the bytes of these.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.table.len(), self.held_bytes)
    }
}
