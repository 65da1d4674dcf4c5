//! What writer, readers and members share: topics with their ends, the tail, the groups, the store.
//!
//! Reading happens on the reader's own thread. A record may be read once its partition's `end` has passed it, which the
//! writer moves only after the fsync.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use crate::embedded::in_memory::tail::Tail;
use crate::embedded::in_memory::topic_log::TopicLog;
use crate::embedded::membership::groups::Groups;
use crate::embedded::on_disk::frame;
use crate::embedded::on_disk::lock::DirectoryLock;
use crate::embedded::on_disk::store::{Store, damaged};
use crate::embedded::writing::queue::Queue;
use crate::mutex::lock;
use crate::{Error, Fetched, Position, Result, Topic, TopicPartition};

pub(in crate::embedded) struct Log {
    pub dir: PathBuf,
    pub topics: RwLock<HashMap<Topic, Arc<TopicLog>>>,
    pub tail: Mutex<Tail>,
    pub groups: Mutex<Groups>,
    pub queue: Queue,
    /// `None` when it could not be opened again after a failure.
    pub store: RwLock<Option<Store>>,
    /// Released last.
    pub _lock: DirectoryLock,
}

impl Log {
    pub(in crate::embedded) fn topic(&self, name: &str) -> Result<Arc<TopicLog>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).cloned().ok_or_else(|| {
            Error::Fatal(format!(
                "topic {name} does not exist in {}",
                self.dir.display()
            ))
        })
    }

    pub(in crate::embedded) fn read_store(&self) -> RwLockReadGuard<'_, Option<Store>> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends visible records of a partition from `from` on; at least one if there is one and `bytes_left > 0`.
    /// Records below the oldest one are the caller's business.
    pub(in crate::embedded) fn read(
        &self,
        topic: &TopicLog,
        partition: u32,
        from: u64,
        bytes_left: &mut usize,
        out: &mut Vec<Fetched>,
    ) -> Result<()> {
        let end = topic.partition(partition)?.end();
        if from >= end || *bytes_left == 0 {
            return Ok(());
        }
        let key = (topic.number, partition);
        let to = {
            let tail = lock(&self.tail);
            let before = out.len();
            tail.read(key, from, end, bytes_left, out);
            if out.len() > before {
                return Ok(());
            }
            tail.first(key)
                .filter(|first| *first > from)
                .map_or(end, |first| first.min(end))
        };
        let store = self.read_store();
        let store = store.as_ref().ok_or_else(|| self.gone())?;
        // Retention may have come in between. It has moved `start`, and wakes the reader, who has to say so first.
        if from < topic.partition(partition)?.start() {
            return Ok(());
        }
        let each = |offset, frame: bytes::Bytes| {
            let framed = frame::decode(&frame).map_err(damaged)?;
            *bytes_left = bytes_left.saturating_sub(framed.value.len().max(1));
            out.push(Fetched {
                topic: topic.name.clone(),
                partition,
                offset,
                timestamp_ms: framed.timestamp_ms,
                headers: framed.headers,
                value: framed.value,
            });
            Ok(*bytes_left > 0)
        };
        store
            .read(topic.number, partition, from, to, each)
            .map_err(|error| self.read_error(&error))
    }

    /// The timestamp of the first record at or above `offset`; `None` at the end.
    pub(in crate::embedded) fn timestamp_ms(
        &self,
        topic: &TopicLog,
        partition: u32,
        offset: u64,
    ) -> Result<Option<u64>> {
        let end = topic.partition(partition)?.end();
        let store = self.read_store();
        let store = store.as_ref().ok_or_else(|| self.gone())?;
        let mut found = None;
        store
            .read(topic.number, partition, offset, end, |_, frame| {
                found = Some(frame::timestamp_ms(&frame).map_err(damaged)?);
                Ok(false)
            })
            .map_err(|error| self.read_error(&error))?;
        Ok(found)
    }

    pub(in crate::embedded) fn committed(
        &self,
        group: &str,
        at: &TopicPartition,
    ) -> Result<Option<Position>> {
        let store = self.read_store();
        let store = store.as_ref().ok_or_else(|| self.gone())?;
        store
            .position(group, at)
            .map_err(|error| self.read_error(&error))
    }

    /// Whoever reads waits while the writer opens the store again, so nobody sees it missing unless that failed.
    fn gone(&self) -> Error {
        Error::Fatal(format!(
            "the embedded bus in {} could not be opened again after a failed write: check its disk, then restart",
            self.dir.display()
        ))
    }

    fn read_error(&self, error: &fjall::Error) -> Error {
        Error::Fatal(format!(
            "cannot read the embedded bus in {}: {error}; the disk or the directory is damaged: restore it or move it away",
            self.dir.display()
        ))
    }
}
