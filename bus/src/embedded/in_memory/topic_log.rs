//! One topic: its partitions' ends, and who waits for more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::embedded::in_memory::signal::Signal;
use crate::mutex::lock;
use crate::{Error, Result, Topic};

/// One topic.
pub(in crate::embedded) struct TopicLog {
    pub name: Topic,
    pub number: u32,
    pub partitions: Vec<PartitionLog>,
    watchers: Mutex<Vec<Weak<Signal>>>,
}

/// The offsets that readers may see, `start..end`.
#[derive(Default)]
pub(in crate::embedded) struct PartitionLog {
    start: AtomicU64,
    end: AtomicU64,
}

impl PartitionLog {
    pub(in crate::embedded) fn new(start: u64, end: u64) -> Self {
        Self {
            start: start.into(),
            end: end.into(),
        }
    }
    pub(in crate::embedded) fn start(&self) -> u64 {
        self.start.load(Ordering::Acquire)
    }
    pub(in crate::embedded) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }
    pub(in crate::embedded) fn set_start(&self, start: u64) {
        self.start.store(start, Ordering::Release);
    }
    pub(in crate::embedded) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }
}

impl TopicLog {
    pub(in crate::embedded) fn new(
        name: Topic,
        number: u32,
        partitions: Vec<PartitionLog>,
    ) -> Self {
        Self {
            name,
            number,
            partitions,
            watchers: Mutex::default(),
        }
    }

    /// Wakes `signal` at every write, as long as it lives.
    pub(in crate::embedded) fn watch(&self, signal: &Arc<Signal>) {
        let mut watchers = lock(&self.watchers);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        if !watchers
            .iter()
            .any(|watcher| watcher.as_ptr() == Arc::as_ptr(signal))
        {
            watchers.push(Arc::downgrade(signal));
        }
    }

    pub(in crate::embedded) fn unwatch(&self, signal: &Arc<Signal>) {
        lock(&self.watchers).retain(|watcher| watcher.as_ptr() != Arc::as_ptr(signal));
    }

    pub(in crate::embedded) fn wake(&self) {
        for watcher in lock(&self.watchers).iter() {
            if let Some(signal) = watcher.upgrade() {
                signal.notify();
            }
        }
    }

    pub(in crate::embedded) fn partition(&self, partition: u32) -> Result<&PartitionLog> {
        self.partitions.get(partition as usize).ok_or_else(|| {
            Error::Fatal(format!(
                "topic {} has {} partitions, so there is no partition {partition}",
                self.name,
                self.partitions.len()
            ))
        })
    }
}
