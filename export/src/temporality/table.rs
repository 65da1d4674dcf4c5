//! What is remembered of streams: by partition, bounded in number, and forgotten when nothing comes any more.

use std::collections::HashMap;

use bus::TopicPartition;

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    pub max_streams: usize,
    /// In milliseconds, by the time when the bus took the records.
    pub max_stale_ms: i64,
}

/// What is known of one stream.
pub trait Seen {
    /// When the bus took its last point.
    fn seen_ms(&self) -> i64;
}

#[derive(Debug)]
pub struct Table<S> {
    limits: StreamLimits,
    partitions: HashMap<TopicPartition, Partition<S>>,
    count: usize,
}

#[derive(Debug)]
struct Partition<S> {
    streams: HashMap<u128, S>,
    now_ms: i64,
    swept_ms: i64,
}

impl<S> Default for Partition<S> {
    fn default() -> Self {
        Self {
            streams: HashMap::new(),
            now_ms: 0,
            swept_ms: 0,
        }
    }
}

impl<S: Seen> Table<S> {
    pub fn new(limits: StreamLimits) -> Self {
        Self {
            limits,
            partitions: HashMap::new(),
            count: 0,
        }
    }

    pub fn limits(&self) -> StreamLimits {
        self.limits
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn get(&self, at: &TopicPartition, key: u128) -> Option<&S> {
        self.partitions.get(at)?.streams.get(&key)
    }

    pub fn is_stale(&self, stream: &S, now_ms: i64) -> bool {
        now_ms - stream.seen_ms() > self.limits.max_stale_ms
    }

    pub fn insert(&mut self, at: &TopicPartition, key: u128, stream: S) {
        if !self.partitions.contains_key(at) {
            self.partitions.insert(at.clone(), Partition::default());
        }
        if let Some(partition) = self.partitions.get_mut(at) {
            self.count += usize::from(partition.streams.insert(key, stream).is_none());
        }
    }

    pub fn remove(&mut self, at: &TopicPartition, key: u128) {
        if let Some(partition) = self.partitions.get_mut(at) {
            self.count -= usize::from(partition.streams.remove(&key).is_some());
        }
    }

    /// The bus took a record at this time: what nothing came for in a long time goes, now and then, and is given to `gone`.
    pub fn passes(
        &mut self,
        at: &TopicPartition,
        now_ms: i64,
        gone: impl FnMut(&TopicPartition, &S),
    ) {
        let limits = self.limits;
        if let Some(partition) = self.partitions.get_mut(at) {
            partition.now_ms = partition.now_ms.max(now_ms);
            self.count -= partition.sweep(at, partition.now_ms, limits.max_stale_ms, gone);
        }
    }

    /// Where there is no room, also of partitions that nothing comes from any more.
    pub fn make_room(&mut self, mut gone: impl FnMut(&TopicPartition, &S)) {
        if self.count < self.limits.max_streams {
            return;
        }
        let newest = self.partitions.values().map(|partition| partition.now_ms);
        let newest = newest.max().unwrap_or_default();
        for (at, partition) in &mut self.partitions {
            partition.swept_ms = 0;
            self.count -= partition.sweep(at, newest, self.limits.max_stale_ms, &mut gone);
        }
    }

    /// These partitions are another process's now.
    pub fn forget(&mut self, gone: &[TopicPartition]) {
        for at in gone {
            let partition = self.partitions.remove(at);
            self.count -= partition.map_or(0, |partition| partition.streams.len());
        }
    }
}

impl<S: Seen> Partition<S> {
    /// How many went.
    fn sweep(
        &mut self,
        at: &TopicPartition,
        now_ms: i64,
        max_stale_ms: i64,
        mut gone: impl FnMut(&TopicPartition, &S),
    ) -> usize {
        if now_ms - self.swept_ms < max_stale_ms / 4 {
            return 0;
        }
        self.swept_ms = now_ms;
        let before = self.streams.len();
        self.streams.retain(|_, stream| {
            let stays = now_ms - stream.seen_ms() <= max_stale_ms;
            if !stays {
                gone(at, stream);
            }
            stays
        });
        before - self.streams.len()
    }
}
