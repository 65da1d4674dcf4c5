//! Records of one signal that wait until a batch is due. Pure: time is given.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bus::TopicPartition;

use crate::delivery::queue::remaking::Remaking;
use crate::delivery::queue::sizes::Sizes;
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::grouping::Grouping;
use crate::records::limits::BatchLimits;

/// The records of one signal that wait to be sent, in the order of arrival.
///
/// Where a batch is of one partition, its limits hold for each partition; see [`BatchLimits::waiting_bytes`] for what holds for all together.
#[derive(Debug)]
pub struct Waiting {
    limits: BatchLimits,
    grouping: Grouping,
    entries: VecDeque<(Entry, Instant)>,
    items: usize,
    bytes: usize,
    defects: usize,
    /// Where a batch is of one partition.
    sizes: Sizes,
    remaking: Remaking,
}

impl Waiting {
    pub fn new(limits: BatchLimits, grouping: Grouping) -> Self {
        Self {
            limits,
            grouping,
            entries: VecDeque::new(),
            items: 0,
            bytes: 0,
            defects: 0,
            sizes: Sizes::default(),
            remaking: Remaking::default(),
        }
    }

    pub fn push(&mut self, entry: Entry, now: Instant) {
        self.remaking
            .seen(entry.record.partition, entry.record.offset);
        self.items += entry.items;
        self.bytes += entry.bytes();
        self.defects += usize::from(entry.defect.is_some());
        self.sizes.add(&entry);
        self.entries.push_back((entry, now));
    }

    /// The next batch of a partition is one that may have been sent already: it ends with the record at this offset.
    pub fn remake(&mut self, partition: u32, last: u64) {
        self.remaking.begin(partition, last);
    }

    /// A record was read that isn't for this backend.
    pub fn skip(&mut self, partition: u32, offset: u64) {
        self.remaking.seen(partition, offset);
    }

    /// A whole batch waits: there is no use in reading more before it is gone.
    pub fn is_full(&self) -> bool {
        if self.grouping == Grouping::Partition {
            return self.due_for_size().is_some();
        }
        let (bytes, items) = (self.bytes, self.items);
        bytes >= self.limits.bytes || items >= self.limits.items || self.defects > 0
    }

    /// The partition whose batch is due for its size.
    fn due_for_size(&self) -> Option<u32> {
        let is_ready = |partition| self.remaking.is_ready(partition);
        let due = self.sizes.due(&self.limits, is_ready);
        // Without a bound of their own, all partitions together have room for one batch.
        let is_over =
            self.limits.waiting_bytes.is_none() && self.sizes.bytes(is_ready) >= self.limits.bytes;
        due.or_else(|| {
            let (largest, _) = self.sizes.largest(is_ready).filter(|_| is_over)?;
            Some(largest)
        })
    }

    /// What waits and could be sent, in bytes. To be made again, a batch must be read to its end, whatever else waits.
    pub fn bytes_ready(&self) -> usize {
        self.sizes
            .bytes(|partition| self.remaking.is_ready(partition))
    }

    /// What waits of the partition that has most, in bytes.
    pub fn largest(&self) -> usize {
        let largest = self
            .sizes
            .largest(|partition| self.remaking.is_ready(partition));
        largest.map_or(0, |(_, bytes)| bytes)
    }

    /// The largest batch is due, to make room.
    pub fn close_largest(&mut self) {
        let largest = self
            .sizes
            .largest(|partition| self.remaking.is_ready(partition));
        if let Some((partition, _)) = largest {
            self.sizes.close(partition);
        }
    }

    /// How long until a batch is due; zero when it is. `None` when nothing waits that could be sent.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        let (_, since) = self.ready().next()?;
        if self.is_full() || self.complete_again().is_some() {
            return Some(Duration::ZERO);
        }
        Some((*since + self.limits.timeout).saturating_duration_since(now))
    }

    /// The partition whose turn it is, where a batch is of one: that of the oldest record when its time is up, or else one that is due for another reason.
    fn next_partition(&self, now: Instant) -> Option<u32> {
        let (oldest, since) = self.ready().next()?;
        let oldest = oldest.record.partition;
        if now >= *since + self.limits.timeout {
            return Some(oldest);
        }
        let due = self.complete_again().or_else(|| self.due_for_size());
        Some(due.unwrap_or(oldest))
    }

    /// A partition of which all waits that belongs to a batch that is made again.
    fn complete_again(&self) -> Option<u32> {
        let complete = self.sizes.largest(|at| self.remaking.is_complete(at));
        complete.map(|(partition, _)| partition)
    }

    /// All that may be sent now.
    fn ready(&self) -> impl Iterator<Item = &(Entry, Instant)> {
        let is_ready =
            |(entry, _): &&(Entry, Instant)| self.remaking.is_ready(entry.record.partition);
        self.entries.iter().filter(is_ready)
    }

    /// The next batch: as many records as the limits allow, at least one. A defective record stands alone. Where the records of a batch have
    /// something in common, it is that of the record that waits longest, and the others stay where they are. Where that is the partition, one that is
    /// full comes before one that waits.
    pub fn take(&mut self, now: Instant) -> Option<Batch> {
        let turn = match self.grouping {
            Grouping::Partition => Some(self.next_partition(now)?),
            _ => None,
        };
        let mut batch = Batch::default();
        let mut others = VecDeque::new();
        let mut remade = None;
        while let Some((entry, since)) = self.entries.pop_front() {
            let is_first = batch.entries.is_empty();
            let partition = entry.record.partition;
            let belongs = match is_first {
                true => turn.is_none_or(|turn| turn == partition),
                false => self.belongs(&entry, &batch),
            };
            if !belongs {
                others.push_back((entry, since));
                continue;
            }
            if is_first {
                remade = self.remaking.end(partition);
                // Retention took all of it.
                remade = remade.filter(|last| *last >= entry.record.offset);
            }
            let fits = match remade {
                // As it was, whatever the limits are now.
                Some(last) => entry.record.offset <= last,
                None => {
                    batch.bytes + entry.record.value.len() <= self.limits.bytes
                        && batch.items + entry.items <= self.limits.items
                        && entry.defect.is_none()
                        && batch.defect().is_none()
                }
            };
            if !is_first && !fits {
                self.entries.push_front((entry, since));
                break;
            }
            self.forget(&entry);
            batch.push(entry);
        }
        while let Some(other) = others.pop_back() {
            self.entries.push_front(other);
        }
        if let Some(partition) = turn {
            self.sizes.taken(partition);
        }
        (!batch.entries.is_empty()).then_some(batch)
    }

    fn belongs(&self, entry: &Entry, batch: &Batch) -> bool {
        match self.grouping {
            Grouping::None => true,
            Grouping::Tenant => entry.tenant() == batch.tenant(),
            Grouping::Partition => {
                let first = batch.entries.first();
                first.is_some_and(|first| first.record.partition == entry.record.partition)
            }
        }
    }

    /// Drops what belongs to partitions that this process no longer owns.
    pub fn give_up(&mut self, gone: &[TopicPartition]) {
        let entries = std::mem::take(&mut self.entries);
        for (entry, since) in entries {
            if gone.contains(&entry.at()) {
                self.forget(&entry);
            } else {
                self.entries.push_back((entry, since));
            }
        }
    }

    /// A partition went; its next owner makes the batch.
    pub fn forget_remaking(&mut self, partition: u32) {
        self.remaking.end(partition);
    }

    fn forget(&mut self, entry: &Entry) {
        self.items -= entry.items;
        self.bytes -= entry.bytes();
        self.defects -= usize::from(entry.defect.is_some());
        self.sizes.remove(entry);
    }
}

#[cfg(test)]
mod tests;
