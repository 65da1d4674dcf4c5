//! Batches that may have been sent before a crash: each is made again of exactly the same records, before anything else of its partition. Pure.

use std::collections::BTreeMap;

/// By partition, where the batch ends that is to be made again.
#[derive(Debug, Default)]
pub struct Remaking {
    partitions: BTreeMap<u32, End>,
}

#[derive(Debug)]
struct End {
    /// The offset of its last record.
    last: u64,
    /// All records up to there were read.
    is_complete: bool,
}

impl Remaking {
    pub fn begin(&mut self, partition: u32, last: u64) {
        let end = End {
            last,
            is_complete: false,
        };
        self.partitions.insert(partition, end);
    }

    /// A record was read, for the backend or not.
    pub fn seen(&mut self, partition: u32, offset: u64) {
        if let Some(end) = self.partitions.get_mut(&partition) {
            end.is_complete |= offset >= end.last;
        }
    }

    /// A batch of this partition is to be made again, and all of it was read.
    pub fn is_complete(&self, partition: u32) -> bool {
        self.partitions
            .get(&partition)
            .is_some_and(|end| end.is_complete)
    }

    /// A batch of this partition can be made.
    pub fn is_ready(&self, partition: u32) -> bool {
        self.partitions
            .get(&partition)
            .is_none_or(|end| end.is_complete)
    }

    /// It is made, or no longer ours; where it ends, if there was one.
    pub fn end(&mut self, partition: u32) -> Option<u64> {
        Some(self.partitions.remove(&partition)?.last)
    }
}
