//! From delta to cumulative: Prometheus has no other counters. A state machine of its own: no clock but the time when the bus took a
//! record, no I/O.
//!
//! A *stream* is what becomes one series (or, of a classic histogram, one family of them). Its total grows with each delta, and its start is
//! that of its first one. What a request adds is tentative until the backend has accepted the request: a request that is refused, or made once
//! more, counts nothing twice.
//!
//! **Restarts.** Totals are in memory. They begin again from zero after a restart, when the partition goes to another process, when
//! nothing came for `max_stale`, and when bounds change. Prometheus takes that for a reset of the counter, and `rate` and `increase`
//! stay right, unless the first delta is above the last total: then what is below that total goes unnoticed. What a crash has
//! sent already, and sends again, is refused since its values are others; it is not counted twice.

mod stream;

use std::collections::HashMap;

use bus::TopicPartition;

use super::translate::Why;
use stream::Stream;
pub use stream::{Delta, Total};

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    pub max_streams: usize,
    /// In milliseconds, by the time when the bus took the records.
    pub max_stale_ms: i64,
}

/// The totals of one backend.
#[derive(Debug)]
pub struct Streams {
    limits: StreamLimits,
    partitions: HashMap<TopicPartition, Partition>,
    count: usize,
    /// How often a partition was forgotten.
    forgotten: u64,
    forgotten_at: HashMap<TopicPartition, u64>,
}

#[derive(Debug, Default)]
struct Partition {
    streams: HashMap<u128, Stream>,
    now_ms: i64,
    swept_ms: i64,
}

/// What one request changes, once it is accepted.
#[derive(Clone, Debug, Default)]
pub struct Tentative {
    /// `None`: it has ended.
    changes: HashMap<(TopicPartition, u128), Option<Stream>>,
    now_ms: HashMap<TopicPartition, i64>,
    /// Streams that there weren't before.
    added: usize,
    forgotten: u64,
}

impl Streams {
    pub fn new(limits: StreamLimits) -> Self {
        Self {
            limits,
            partitions: HashMap::new(),
            count: 0,
            forgotten: 0,
            forgotten_at: HashMap::new(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn begin(&self) -> Tentative {
        Tentative {
            forgotten: self.forgotten,
            ..Tentative::default()
        }
    }

    fn get(&self, at: &TopicPartition, key: u128) -> Option<&Stream> {
        self.partitions.get(at)?.streams.get(&key)
    }

    /// What was tentative holds now.
    pub fn accept(&mut self, tentative: Tentative) {
        let is_own = |at: &TopicPartition| {
            let forgotten = self.forgotten_at.get(at);
            forgotten.is_none_or(|when| *when <= tentative.forgotten)
        };
        let changes = tentative.changes.into_iter();
        let changes: Vec<_> = changes.filter(|((at, _), _)| is_own(at)).collect();
        for ((at, key), stream) in changes {
            let streams = &mut self.partitions.entry(at).or_default().streams;
            match stream {
                Some(stream) => self.count += usize::from(streams.insert(key, stream).is_none()),
                None => self.count -= usize::from(streams.remove(&key).is_some()),
            }
        }
        for (at, now_ms) in tentative.now_ms {
            if let Some(partition) = self.partitions.get_mut(&at) {
                partition.now_ms = partition.now_ms.max(now_ms);
                self.count -= partition.sweep(partition.now_ms, self.limits.max_stale_ms);
            }
        }
        if self.count >= self.limits.max_streams {
            self.sweep_all();
        }
    }

    /// Also partitions that nothing comes from any more.
    fn sweep_all(&mut self) {
        let newest = self.partitions.values().map(|partition| partition.now_ms);
        let newest = newest.max().unwrap_or_default();
        for partition in self.partitions.values_mut() {
            partition.swept_ms = 0;
            self.count -= partition.sweep(newest, self.limits.max_stale_ms);
        }
    }

    /// These partitions are another process's now.
    pub fn forget(&mut self, gone: &[TopicPartition]) {
        self.forgotten += 1;
        for at in gone {
            self.forgotten_at.insert(at.clone(), self.forgotten);
            let partition = self.partitions.remove(at);
            self.count -= partition.map_or(0, |partition| partition.streams.len());
        }
    }
}

impl Partition {
    /// Removes what nothing came for in a long time, now and then; how many.
    fn sweep(&mut self, now_ms: i64, max_stale_ms: i64) -> usize {
        if now_ms - self.swept_ms < max_stale_ms / 4 {
            return 0;
        }
        self.swept_ms = now_ms;
        let before = self.streams.len();
        (self.streams).retain(|_, stream| !stream.is_stale(now_ms, max_stale_ms));
        before - self.streams.len()
    }
}

impl Tentative {
    /// Adds a delta of a stream, from a record that the bus took at `now_ms`: the stream's start in nanoseconds, and its total.
    ///
    /// # Errors
    /// It can't be added.
    pub fn add(
        &mut self,
        all: &Streams,
        at: &TopicPartition,
        now_ms: i64,
        key: u128,
        delta: &Delta,
    ) -> Result<(u64, Total), Why> {
        let limits = all.limits;
        let newest = self.now_ms.entry(at.clone()).or_default();
        *newest = (*newest).max(now_ms);
        let place = (at.clone(), key);
        let known = match self.changes.get(&place) {
            Some(change) => change.as_ref(),
            None => all.get(at, key),
        };
        let known = known.filter(|stream| !stream.is_stale(now_ms, limits.max_stale_ms));
        let stream = match known {
            Some(stream) => stream.plus(delta, now_ms)?,
            None => {
                let is_new = all.get(at, key).is_none() && !self.changes.contains_key(&place);
                if is_new && all.count + self.added >= limits.max_streams {
                    return Err(Why::Streams);
                }
                self.added += usize::from(is_new);
                Stream::new(delta, now_ms)
            }
        };
        let answer = (stream.start_ns, stream.total.clone());
        self.changes.insert(place, Some(stream));
        Ok(answer)
    }

    /// A stream has ended; what comes next begins from zero.
    pub fn end(&mut self, at: &TopicPartition, key: u128) {
        self.changes.insert((at.clone(), key), None);
    }
}

#[cfg(test)]
mod tests;
