//! Records of one signal that wait until a batch is due. Pure: time is given.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bus::TopicPartition;

use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::limits::BatchLimits;

/// The records of one signal that wait to be sent, in the order of arrival.
#[derive(Debug)]
pub struct Waiting {
    limits: BatchLimits,
    /// The backend is told whose a batch is, so that each is of one tenant.
    by_tenant: bool,
    entries: VecDeque<(Entry, Instant)>,
    items: usize,
    bytes: usize,
    defects: usize,
}

impl Waiting {
    pub fn new(limits: BatchLimits, by_tenant: bool) -> Self {
        Self {
            limits,
            by_tenant,
            entries: VecDeque::new(),
            items: 0,
            bytes: 0,
            defects: 0,
        }
    }

    pub fn push(&mut self, entry: Entry, now: Instant) {
        self.items += entry.items;
        self.bytes += entry.record.value.len();
        self.defects += usize::from(entry.defect.is_some());
        self.entries.push_back((entry, now));
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A whole batch waits: there is no use in reading more before it is gone.
    pub fn is_full(&self) -> bool {
        self.bytes >= self.limits.bytes || self.items >= self.limits.items || self.defects > 0
    }

    /// How long until a batch is due; zero when it is. `None` when nothing waits.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        let (_, since) = self.entries.front()?;
        if self.is_full() {
            return Some(Duration::ZERO);
        }
        Some((*since + self.limits.timeout).saturating_duration_since(now))
    }

    /// The next batch: as many records as the limits allow, at least one. A defective record stands alone. Where batches are of one
    /// tenant, it is the one that waits longest, and the others' records stay where they are.
    pub fn take(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut others = VecDeque::new();
        while let Some((entry, since)) = self.entries.pop_front() {
            let is_first = batch.entries.is_empty();
            if !is_first && self.by_tenant && entry.tenant() != batch.tenant() {
                others.push_back((entry, since));
                continue;
            }
            let fits = batch.bytes + entry.record.value.len() <= self.limits.bytes
                && batch.items + entry.items <= self.limits.items
                && entry.defect.is_none()
                && batch.defect().is_none();
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

    fn forget(&mut self, entry: &Entry) {
        self.items -= entry.items;
        self.bytes -= entry.record.value.len();
        self.defects -= usize::from(entry.defect.is_some());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bus::Fetched;
    use bytes::Bytes;

    use super::*;

    fn entry(partition: u32, offset: u64, bytes: usize, items: usize) -> Entry {
        Entry {
            record: Fetched {
                topic: "t".into(),
                partition,
                offset,
                timestamp_ms: 0,
                headers: vec![],
                value: Bytes::from(vec![0; bytes]),
            },
            items,
            defect: None,
        }
    }

    fn limits(bytes: usize, items: usize) -> BatchLimits {
        BatchLimits {
            bytes,
            items,
            timeout: Duration::from_millis(200),
        }
    }

    fn offsets(batch: &Batch) -> Vec<u64> {
        batch.entries.iter().map(|e| e.record.offset).collect()
    }

    /// Sizes in, batches out.
    #[track_caller]
    fn check(limits: BatchLimits, entries: &[(usize, usize)], expected: &[&[u64]]) {
        let mut waiting = Waiting::new(limits, false);
        let now = Instant::now();
        for (offset, (bytes, items)) in entries.iter().enumerate() {
            waiting.push(entry(0, offset as u64, *bytes, *items), now);
        }
        let batches: Vec<_> = std::iter::from_fn(|| waiting.take()).collect();
        let found: Vec<_> = batches.iter().map(offsets).collect();
        assert_eq!(found, expected);
        assert_eq!((waiting.bytes, waiting.items), (0, 0));
    }

    #[test]
    fn a_batch_ends_before_its_limits_are_passed() {
        check(
            limits(100, 99),
            &[(40, 1), (60, 1), (1, 1)],
            &[&[0, 1], &[2]],
        );
        check(limits(100, 99), &[(40, 1), (61, 1)], &[&[0], &[1]]);
        check(limits(100, 99), &[(500, 1), (1, 1)], &[&[0], &[1]]);
        check(limits(100, 3), &[(1, 2), (1, 1), (1, 1)], &[&[0, 1], &[2]]);
        check(limits(100, 3), &[(1, 9)], &[&[0]]);
    }

    #[test]
    fn a_batch_is_due_when_full_or_old() {
        let mut waiting = Waiting::new(limits(100, 99), false);
        let start = Instant::now();
        assert_eq!(waiting.due_in(start), None);
        waiting.push(entry(0, 0, 10, 1), start);
        waiting.push(entry(0, 1, 10, 1), start + Duration::from_millis(150));
        assert_eq!(waiting.due_in(start), Some(Duration::from_millis(200)));
        let later = start + Duration::from_millis(200);
        assert_eq!(waiting.due_in(later), Some(Duration::ZERO));
        waiting.take();
        waiting.push(entry(0, 2, 100, 1), start);
        assert_eq!(waiting.due_in(start), Some(Duration::ZERO));
    }

    #[test]
    fn a_defective_record_stands_alone() {
        let mut waiting = Waiting::new(limits(100, 99), false);
        let now = Instant::now();
        for offset in 0..4 {
            let mut entry = entry(0, offset, 1, 1);
            entry.defect = (offset == 1).then(|| "bad".into());
            waiting.push(entry, now);
        }
        let batches: Vec<_> = std::iter::from_fn(|| waiting.take()).collect();
        let found: Vec<_> = batches.iter().map(offsets).collect();
        assert_eq!(found, [vec![0], vec![1], vec![2, 3]]);
        assert_eq!(batches[1].defect(), Some("bad"));
    }

    #[test]
    fn batches_are_of_one_tenant_where_the_backend_is_told() {
        let mut waiting = Waiting::new(limits(100, 3), true);
        let now = Instant::now();
        for (offset, tenant) in ["a", "", "b", "a", "a", "", "a"].into_iter().enumerate() {
            let mut entry = entry(0, offset as u64, 1, 1);
            if !tenant.is_empty() {
                entry.record.headers.push(bus::Header {
                    name: schemas::headers::TENANT.into(),
                    value: Bytes::from_static(tenant.as_bytes()),
                });
            }
            waiting.push(entry, now);
        }
        let batches: Vec<_> = std::iter::from_fn(|| waiting.take()).collect();
        let found: Vec<_> = batches.iter().map(offsets).collect();
        assert_eq!(found, [vec![0, 3, 4], vec![1, 5], vec![2], vec![6]]);
        assert_eq!((waiting.bytes, waiting.items), (0, 0));
    }

    #[test]
    fn what_is_given_up_no_longer_counts() {
        let mut waiting = Waiting::new(limits(100, 99), false);
        let now = Instant::now();
        waiting.push(entry(0, 0, 60, 1), now);
        waiting.push(entry(1, 0, 60, 1), now);
        assert!(waiting.is_full());
        waiting.give_up(&[TopicPartition::new("t", 0)]);
        assert!(!waiting.is_full());
        let batch = waiting.take().unwrap();
        assert_eq!(batch.entries[0].record.partition, 1);
        assert!(waiting.take().is_none());
    }
}
