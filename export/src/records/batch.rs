//! Records of one signal that make one request.
//!
//! Protobuf messages of one type concatenate to one message (repeated fields accumulate), so a batch is the list
//! of its records' bytes and nothing is decoded or copied. That holds only for well-formed records: one truncated
//! record would swallow its neighbours, which is why each is walked once on its way in, and counted by that.

use bus::Topic;

use super::entry::Entry;

/// What is offered to a backend as one request, and accepted or refused as one: records of one signal, of one partition or of several.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Its records, in the order of their offsets in each partition.
    pub entries: Vec<Entry>,
    /// Spans, log records or metrics in all of them.
    pub items: usize,
    /// Of all values as they are on the bus.
    pub bytes: usize,
}

/// Which records of a partition are in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRange {
    pub topic: Topic,
    pub partition: u32,
    /// The offset of its first record.
    pub first: u64,
    /// The offset of its last record.
    pub last: u64,
}

impl Batch {
    /// Where its records are from; `None`: from several partitions. Of a backend with [`BackendKind::once`](crate::backends::kind::BackendKind::once) it is never
    /// `None`.
    pub fn range(&self) -> Option<BatchRange> {
        let (first, last) = (&self.entries.first()?.record, &self.entries.last()?.record);
        let is_of_one = |entry: &Entry| {
            entry.record.topic == first.topic && entry.record.partition == first.partition
        };
        self.entries.iter().all(is_of_one).then(|| BatchRange {
            topic: first.topic.clone(),
            partition: first.partition,
            first: first.offset,
            last: last.offset,
        })
    }

    pub fn push(&mut self, entry: Entry) {
        self.items += entry.items;
        self.bytes += entry.record.value.len();
        self.entries.push(entry);
    }

    /// Whose its first record is; for a backend that is told, it is the tenant of all of them. `None`: the default tenant.
    pub fn tenant(&self) -> Option<&[u8]> {
        self.entries.first()?.tenant()
    }

    /// The defect of a record that stands alone because of it.
    pub fn defect(&self) -> Option<&str> {
        self.entries.first()?.defect.as_deref()
    }

    /// Where a record of it comes from, for messages.
    pub fn place_of(&self, index: usize) -> String {
        let record = &self.entries[index].record;
        format!("{} at offset {}", self.entries[index].at(), record.offset)
    }

    /// Two halves by record; itself when there is nothing to divide.
    ///
    /// # Errors
    /// It is one record.
    pub fn split(mut self) -> Result<(Self, Self), Self> {
        if self.entries.len() < 2 {
            return Err(self);
        }
        let tail = self.entries.split_off(self.entries.len() / 2);
        Ok((
            self.entries.into_iter().collect(),
            tail.into_iter().collect(),
        ))
    }
}

impl FromIterator<Entry> for Batch {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut batch = Self::default();
        entries.into_iter().for_each(|entry| batch.push(entry));
        batch
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bus::Fetched;
    use bytes::Bytes;

    use super::*;

    fn entry(partition: u32, offset: u64, bytes: usize, items: usize) -> Entry {
        Entry::holding(
            Fetched {
                topic: "t".into(),
                partition,
                offset,
                timestamp_ms: 0,
                headers: vec![],
                value: Bytes::from(vec![0; bytes]),
            },
            items,
        )
    }

    fn offsets(batch: &Batch) -> Vec<u64> {
        batch.entries.iter().map(|e| e.record.offset).collect()
    }

    #[test]
    fn halves_hold_everything() {
        let batch: Batch = (0..5).map(|offset| entry(0, offset, 10, 2)).collect();
        let (head, tail) = batch.split().unwrap();
        assert_eq!(
            (offsets(&head), head.items, head.bytes),
            (vec![0, 1], 4, 20)
        );
        assert_eq!(
            (offsets(&tail), tail.items, tail.bytes),
            (vec![2, 3, 4], 6, 30)
        );
        let one: Batch = [entry(0, 0, 10, 2)].into_iter().collect();
        assert!(one.split().is_err());
    }
}
