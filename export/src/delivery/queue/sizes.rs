//! How much of each partition waits, and whose batch is due for its size. Pure.
//!
//! A batch is due when it is full, when it was closed to make room, or when a record in it has to stand alone.

use std::collections::BTreeMap;

use crate::records::entry::Entry;
use crate::records::limits::BatchLimits;

/// By partition, those of which something waits.
#[derive(Debug, Default)]
pub struct Sizes(BTreeMap<u32, Size>);

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    bytes: usize,
    items: usize,
    records: usize,
    defects: usize,
    closed: bool,
}

impl Sizes {
    pub fn add(&mut self, entry: &Entry) {
        let size = self.0.entry(entry.record.partition).or_default();
        size.bytes += entry.bytes();
        size.items += entry.items;
        size.records += 1;
        size.defects += usize::from(entry.defect.is_some());
    }

    pub fn remove(&mut self, entry: &Entry) {
        let partition = entry.record.partition;
        let Some(size) = self.0.get_mut(&partition) else {
            return;
        };
        size.bytes -= entry.bytes();
        size.items -= entry.items;
        size.records -= 1;
        size.defects -= usize::from(entry.defect.is_some());
        if size.records == 0 {
            self.0.remove(&partition);
        }
    }

    /// What waits of the partitions that `counts` holds for: bytes.
    pub fn bytes(&self, counts: impl Fn(u32) -> bool) -> usize {
        let counted = self.0.iter().filter(|(partition, _)| counts(**partition));
        counted.map(|(_, size)| size.bytes).sum()
    }

    /// The partition whose batch is due for its size, among those that may be sent: of several the largest.
    pub fn due(&self, limits: &BatchLimits, may: impl Fn(u32) -> bool) -> Option<u32> {
        let is_due = |size: &Size| {
            size.closed
                || size.defects > 0
                || size.bytes >= limits.bytes
                || size.items >= limits.items
        };
        let due = self.0.iter().filter(|(_, size)| is_due(size));
        let due = due.filter(|(partition, _)| may(**partition));
        due.max_by_key(|(_, size)| size.bytes)
            .map(|(partition, _)| *partition)
    }

    /// The partition of which most waits, among those that may be sent, and how many bytes that is.
    pub fn largest(&self, may: impl Fn(u32) -> bool) -> Option<(u32, usize)> {
        let all = self.0.iter().filter(|(partition, _)| may(**partition));
        all.max_by_key(|(_, size)| size.bytes)
            .map(|(partition, size)| (*partition, size.bytes))
    }

    /// The batch of a partition is due from now on, until one is taken.
    pub fn close(&mut self, partition: u32) {
        if let Some(size) = self.0.get_mut(&partition) {
            size.closed = true;
        }
    }

    /// A batch of the partition was taken.
    pub fn taken(&mut self, partition: u32) {
        if let Some(size) = self.0.get_mut(&partition) {
            size.closed = false;
        }
    }
}
