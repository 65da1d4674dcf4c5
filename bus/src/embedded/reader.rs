//! Reading outside of a group.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::open::Open;
use crate::embedded::in_memory::signal::Signal;
use crate::embedded::in_memory::topic_log::TopicLog;
use crate::{Error, Fetched, Reader, Result, TopicPartition};

pub(super) struct EmbeddedReader {
    open: Arc<Open>,
    signal: Arc<Signal>,
    cursors: Vec<Cursor>,
    next: usize,
}

/// A place on a partition.
pub(super) struct Cursor {
    pub at: TopicPartition,
    pub topic: Arc<TopicLog>,
    pub offset: u64,
    pub paused: bool,
}

impl Cursor {
    pub(super) fn end(&self) -> u64 {
        self.topic.partitions[self.at.partition as usize].end()
    }

    pub(super) fn start(&self) -> u64 {
        self.topic.partitions[self.at.partition as usize].start()
    }
}

/// Reads on at all cursors, fairly: each gets an equal share of `bytes_max`, then the rest goes to whoever has more.
/// `next` turns, so that nobody always comes first. The last record may pass the bound, and no other: however many partitions there are.
pub(super) fn fetch(
    open: &Open,
    cursors: &mut [Cursor],
    next: &mut usize,
    bytes_max: usize,
) -> Result<Vec<Fetched>> {
    let mut out = Vec::new();
    let ready: Vec<usize> = (0..cursors.len())
        .map(|index| (index + *next) % cursors.len())
        .filter(|index| !cursors[*index].paused && cursors[*index].offset < cursors[*index].end())
        .collect();
    let Some(first) = ready.first() else {
        return Ok(out);
    };
    let share = (bytes_max / ready.len()).max(1);
    let mut left = bytes_max.max(1);
    *next = first + 1;
    for share in [share, usize::MAX] {
        for index in &ready {
            let cursor = &mut cursors[*index];
            let mut granted = share.min(left);
            let count = out.len();
            open.log.read(
                &cursor.topic,
                cursor.at.partition,
                cursor.offset,
                &mut granted,
                &mut out,
            )?;
            // A record is read whole, so it may be more than what was granted.
            let bytes: usize = out[count..]
                .iter()
                .map(|record| record.value.len().max(1))
                .sum();
            left = left.saturating_sub(bytes);
            if out.len() > count
                && let Some(last) = out.last()
            {
                cursor.offset = last.offset + 1;
                *next = index + 1;
            }
            if left == 0 {
                return Ok(out);
            }
        }
    }
    Ok(out)
}

impl EmbeddedReader {
    pub(super) fn new(open: Arc<Open>) -> Self {
        Self {
            open,
            signal: Arc::default(),
            cursors: Vec::new(),
            next: 0,
        }
    }

    fn unwatch(&self) {
        for cursor in &self.cursors {
            cursor.topic.unwatch(&self.signal);
        }
    }
}

impl Reader for EmbeddedReader {
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<()> {
        let mut cursors = Vec::with_capacity(from.len());
        for (at, offset) in from {
            let topic = self.open.log.topic(&at.topic)?;
            let start = topic.partition(at.partition)?.start();
            cursors.push(Cursor {
                at: at.clone(),
                topic,
                offset: start.max(*offset),
                paused: false,
            });
        }
        self.unwatch();
        for cursor in &cursors {
            cursor.topic.watch(&self.signal);
        }
        self.cursors = cursors;
        self.next = 0;
        Ok(())
    }

    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Vec<Fetched>> {
        let deadline = Instant::now() + timeout;
        loop {
            self.signal.clear();
            for cursor in &mut self.cursors {
                cursor.offset = cursor.offset.max(cursor.start());
            }
            let records = fetch(&self.open, &mut self.cursors, &mut self.next, max_bytes)?;
            if !records.is_empty() || Instant::now() >= deadline {
                return Ok(records);
            }
            self.signal.wait_until(deadline);
        }
    }

    fn position(&self, at: &TopicPartition) -> Result<u64> {
        self.cursors
            .iter()
            .find(|cursor| cursor.at == *at)
            .map(|cursor| cursor.offset)
            .ok_or_else(|| Error::Fatal(format!("{at} is not assigned to this reader")))
    }

    fn range(&mut self, at: &TopicPartition) -> Result<Range<u64>> {
        let topic = self.open.log.topic(&at.topic)?;
        let partition = topic.partition(at.partition)?;
        Ok(partition.start()..partition.end())
    }

    fn offset_at(&mut self, at: &TopicPartition, timestamp_ms: u64) -> Result<u64> {
        let topic = self.open.log.topic(&at.topic)?;
        let Range { mut start, mut end } = self.range(at)?;
        // Timestamps never fall within a partition.
        while start < end {
            let middle = start + (end - start) / 2;
            match self.open.log.timestamp_ms(&topic, at.partition, middle)? {
                Some(time) if time < timestamp_ms => start = middle + 1,
                _ => end = middle,
            }
        }
        // Retention may have deleted meanwhile what was looked at.
        Ok(start.max(self.range(at)?.start))
    }
}

impl Drop for EmbeddedReader {
    fn drop(&mut self) {
        self.unwatch();
    }
}
