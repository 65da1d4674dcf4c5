//! From delta to cumulative: totals of what one request after the other brings.
//!
//! A *stream* is what becomes one series (or, of a classic histogram, one family of them). Its total grows with each delta, and its start is
//! that of its first one. What a request adds is tentative until the backend has accepted the request: a request that is refused, or made once
//! more, counts nothing twice.
//!
//! **Restarts.** Totals are in memory. They begin again from zero after a restart, when the partition goes to another process, when
//! nothing came for `max_stale`, and when bounds change. Prometheus takes that for a reset of the counter, and `rate` and `increase`
//! stay right, unless the first delta is above the last total: then what is below that total goes unnoticed. What a crash has
//! sent already, and sends again, is refused since its values are others; it is not counted twice.

use std::collections::HashMap;

use bus::TopicPartition;

use super::stream::{Delta, Stream};
use super::table::{StreamLimits, Table};
use super::value::Total;
use super::why::Why;

/// The totals of one backend.
#[derive(Debug)]
pub struct Streams {
    table: Table<Stream>,
    /// How often a partition was forgotten.
    forgotten: u64,
    forgotten_at: HashMap<TopicPartition, u64>,
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
            table: Table::new(limits),
            forgotten: 0,
            forgotten_at: HashMap::new(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table.count()
    }

    pub fn begin(&self) -> Tentative {
        Tentative {
            forgotten: self.forgotten,
            ..Tentative::default()
        }
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
            match stream {
                Some(stream) => self.table.insert(&at, key, stream),
                None => self.table.remove(&at, key),
            }
        }
        for (at, now_ms) in tentative.now_ms {
            self.table.passes(&at, now_ms, |_, _| {});
        }
        self.table.make_room(|_, _| {});
    }

    /// These partitions are another process's now.
    pub fn forget(&mut self, gone: &[TopicPartition]) {
        self.forgotten += 1;
        for at in gone {
            self.forgotten_at.insert(at.clone(), self.forgotten);
        }
        self.table.forget(gone);
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
        let table = &all.table;
        let newest = self.now_ms.entry(at.clone()).or_default();
        *newest = (*newest).max(now_ms);
        let place = (at.clone(), key);
        let known = match self.changes.get(&place) {
            Some(change) => change.as_ref(),
            None => table.get(at, key),
        };
        let known = known.filter(|stream| !table.is_stale(stream, now_ms));
        let stream = match known {
            Some(stream) => stream.plus(delta, now_ms)?,
            None => {
                let is_new = table.get(at, key).is_none() && !self.changes.contains_key(&place);
                if is_new && table.count() + self.added >= table.limits().max_streams {
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
