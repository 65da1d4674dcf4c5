//! Records of one signal that wait until a batch is due. Pure: time is given.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bus::TopicPartition;

use crate::delivery::queue::remaking::Remaking;
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::grouping::Grouping;
use crate::records::limits::BatchLimits;

/// The records of one signal that wait to be sent, in the order of arrival.
#[derive(Debug)]
pub struct Waiting {
    limits: BatchLimits,
    grouping: Grouping,
    entries: VecDeque<(Entry, Instant)>,
    items: usize,
    bytes: usize,
    defects: usize,
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
            remaking: Remaking::default(),
        }
    }

    pub fn push(&mut self, entry: Entry, now: Instant) {
        self.remaking
            .seen(entry.record.partition, entry.record.offset);
        self.items += entry.items;
        self.bytes += entry.bytes();
        self.defects += usize::from(entry.defect.is_some());
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
        let (bytes, items) = match self.remaking.is_any() {
            false => (self.bytes, self.items),
            // To be made again, a batch must be read to its end, whatever else waits.
            true => self.ready().fold((0, 0), |(bytes, items), (entry, _)| {
                (bytes + entry.bytes(), items + entry.items)
            }),
        };
        bytes >= self.limits.bytes || items >= self.limits.items || self.defects > 0
    }

    /// How long until a batch is due; zero when it is. `None` when nothing waits that could be sent.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        let (_, since) = self.ready().next()?;
        if self.is_full() || self.remaking.is_any_complete() {
            return Some(Duration::ZERO);
        }
        Some((*since + self.limits.timeout).saturating_duration_since(now))
    }

    /// All that may be sent now.
    fn ready(&self) -> impl Iterator<Item = &(Entry, Instant)> {
        let is_ready =
            |(entry, _): &&(Entry, Instant)| self.remaking.is_ready(entry.record.partition);
        self.entries.iter().filter(is_ready)
    }

    /// The next batch: as many records as the limits allow, at least one. A defective record stands alone. Where the records of a batch have
    /// something in common, it is that of the record that waits longest, and the others stay where they are.
    pub fn take(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut others = VecDeque::new();
        let mut remade = None;
        while let Some((entry, since)) = self.entries.pop_front() {
            let is_first = batch.entries.is_empty();
            let partition = entry.record.partition;
            let belongs = match is_first {
                true => self.remaking.is_ready(partition),
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
        (!batch.entries.is_empty()).then_some(batch)
    }

    fn belongs(&self, entry: &Entry, batch: &Batch) -> bool {
        match self.grouping {
            Grouping::None => self.remaking.is_ready(entry.record.partition),
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
    }
}

#[cfg(test)]
mod tests;
