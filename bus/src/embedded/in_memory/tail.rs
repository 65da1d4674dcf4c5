//! The newest records of all topics, in memory, shared by every reader.
//!
//! The stages read the same head one after the other; from here they get the very bytes that were published, without
//! touching the store. Bounded in bytes over all topics, oldest out first. What has left is read from the store.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::{Fetched, allocation_bytes};

/// What a record costs here besides its payload.
const RECORD_OVERHEAD_BYTES: usize = 256;

/// A partition by topic number and partition number.
pub(in crate::embedded) type PartitionKey = (u32, u32);

pub(in crate::embedded) struct Tail {
    bytes_max: usize,
    bytes: usize,
    partitions: HashMap<PartitionKey, VecDeque<Fetched>>,
    /// In order of arrival over all partitions.
    order: VecDeque<(PartitionKey, Instant)>,
}

impl Tail {
    pub(in crate::embedded) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            partitions: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Adds the next record of a partition.
    pub(in crate::embedded) fn push(&mut self, key: PartitionKey, record: Fetched, now: Instant) {
        self.bytes += weight(&record);
        self.partitions.entry(key).or_default().push_back(record);
        self.order.push_back((key, now));
        while self.bytes > self.bytes_max {
            self.pop();
        }
    }

    /// Lets go of what arrived before `before`: an idle process holds nothing.
    pub(in crate::embedded) fn expire(&mut self, before: Instant) {
        while self
            .order
            .front()
            .is_some_and(|(_, arrived)| *arrived < before)
        {
            self.pop();
        }
        if self.order.is_empty() {
            self.order.shrink_to_fit();
            self.partitions = HashMap::new();
        }
    }

    fn pop(&mut self) {
        let Some((key, _)) = self.order.pop_front() else {
            return;
        };
        if let Some(oldest) = self.partitions.get_mut(&key).and_then(VecDeque::pop_front) {
            self.bytes -= weight(&oldest);
        }
    }

    /// The oldest offset held of a partition.
    pub(in crate::embedded) fn first(&self, key: PartitionKey) -> Option<u64> {
        Some(self.partitions.get(&key)?.front()?.offset)
    }

    /// Appends records `from..to` up to about `bytes_left`, if `from` is held.
    pub(in crate::embedded) fn read(
        &self,
        key: PartitionKey,
        from: u64,
        to: u64,
        bytes_left: &mut usize,
        out: &mut Vec<Fetched>,
    ) {
        let Some(records) = self.partitions.get(&key) else {
            return;
        };
        let Some(skip) = records
            .front()
            .and_then(|first| from.checked_sub(first.offset))
        else {
            return;
        };
        for record in records.range((skip as usize).min(records.len())..) {
            if record.offset >= to || *bytes_left == 0 {
                return;
            }
            *bytes_left = bytes_left.saturating_sub(record.value.len().max(1));
            out.push(record.clone());
        }
    }
}

fn weight(record: &Fetched) -> usize {
    allocation_bytes(record.value.len()) + RECORD_OVERHEAD_BYTES
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn record(offset: u64, bytes: usize) -> Fetched {
        Fetched {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp_ms: 0,
            headers: vec![],
            value: Bytes::from(vec![0; bytes]),
        }
    }

    fn read(tail: &Tail, from: u64, to: u64, mut bytes: usize) -> Vec<u64> {
        let mut out = vec![];
        tail.read((0, 0), from, to, &mut bytes, &mut out);
        out.iter().map(|record| record.offset).collect()
    }

    /// Bounded in bytes; what is asked for below the oldest held is left to the store.
    #[test]
    fn holds_the_newest() {
        let mut tail = Tail::new(10 * weight(&record(0, 1000)));
        let start = Instant::now();
        for offset in 0..25 {
            tail.push((0, 0), record(offset, 1000), start);
        }
        assert_eq!(tail.first((0, 0)), Some(15));
        assert_eq!(read(&tail, 14, 25, usize::MAX), Vec::<u64>::new());
        assert_eq!(read(&tail, 15, 18, usize::MAX), [15, 16, 17]);
        assert_eq!(read(&tail, 22, 99, 1500), [22, 23]);
        assert_eq!(read(&tail, 25, 99, 1500), Vec::<u64>::new());
        assert_eq!(read(&tail, 99, 999, 1500), Vec::<u64>::new());
        tail.expire(start + std::time::Duration::from_secs(1));
        assert_eq!((tail.bytes, tail.first((0, 0))), (0, None));
    }
}
