//! What the writer does besides writing: new topics, new segments, retention, and letting go of memory when idle.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::embedded::in_memory::topic_log::{PartitionLog, TopicLog};
use crate::embedded::on_disk::catalog::{Head, StoreResult, StoredTopic};
use crate::embedded::writing::writer::{IDLE_AFTER, State, Writer};
use crate::mutex::lock;
use crate::{Error, Result, TopicSpec};

impl Writer {
    /// Creates the topics that are missing.
    pub(in crate::embedded) fn create(&mut self, specs: &[TopicSpec]) -> Result<()> {
        self.check_writing()?;
        for spec in specs {
            if self.log.topic(&spec.name).is_ok() {
                continue;
            }
            let topic = StoredTopic {
                number: self.topics.len() as u32,
                name: spec.name.clone(),
                partitions: spec.partitions,
                timestamps: spec.timestamps,
                heads: vec![Head::default(); spec.partitions as usize],
            };
            let now_ms = self.stamps.now_ms();
            let created = {
                let mut store = self
                    .log
                    .store
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                store
                    .as_mut()
                    .map(|store| store.create_topic(&topic, now_ms))
            };
            match created {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    self.repair(&error, &Default::default());
                    self.check_writing()?;
                    return Err(Error::Unavailable(format!(
                        "creating topic {} failed: {error}",
                        spec.name
                    )));
                }
                None => return Err(self.full()),
            }
            let partitions = (0..spec.partitions)
                .map(|_| PartitionLog::default())
                .collect();
            let shared = Arc::new(TopicLog::new(topic.name.clone(), topic.number, partitions));
            self.topics.push(shared.clone());
            self.heads.push(topic.heads);
            let mut topics = self
                .log
                .topics
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            topics.insert(topic.name, shared);
        }
        Ok(())
    }

    /// Retention, and memory when idle.
    pub(in crate::embedded) fn upkeep(&mut self) {
        if matches!(self.state, State::Broken(_)) {
            return;
        }
        for topic in 0..self.topics.len() as u32 {
            self.roll_if_full(topic);
            self.drop_surplus(topic);
        }
        let now = Instant::now();
        if let Some(before) = now.checked_sub(IDLE_AFTER) {
            lock(&self.log.tail).expire(before);
        }
        if !self.flushed && now.duration_since(self.last_write) >= IDLE_AFTER {
            self.flushed = true;
            let flushed = self.log.read_store().as_ref().map(|store| store.flush());
            self.note(flushed);
        }
    }

    pub(in crate::embedded) fn roll_if_full(&mut self, topic: u32) {
        if !matches!(self.state, State::Writing) {
            return;
        }
        let now_ms = self.stamps.now_ms();
        let heads = &self.heads[topic as usize];
        let rolls = self.log.read_store().as_ref().is_some_and(|store| {
            let empty = store.last_bases(topic) == heads;
            !empty
                && store
                    .last_size(topic)
                    .is_some_and(|last| self.retention.rolls(last, now_ms))
        });
        if rolls {
            let mut store = self
                .log
                .store
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let rolled = store
                .as_mut()
                .map(|store| store.roll(topic, heads.clone(), now_ms));
            drop(store);
            self.note(rolled);
        }
    }

    fn drop_surplus(&mut self, topic: u32) {
        let now_ms = self.stamps.now_ms();
        let surplus = self.log.read_store().as_ref().map_or(0, |store| {
            self.retention.surplus(&store.sizes(topic), now_ms)
        });
        if surplus == 0 {
            return;
        }
        let mut guard = self
            .log
            .store
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(store) = guard.as_mut() else { return };
        let dropped = (0..surplus).try_for_each(|_| store.drop_oldest(topic));
        for (partition, shared) in self.topics[topic as usize].partitions.iter().enumerate() {
            shared.set_start(store.start(topic, partition as u32));
        }
        drop(guard);
        self.topics[topic as usize].wake();
        self.note(Some(dropped));
    }

    /// What fails here fails the next write too, which deals with it.
    fn note(&self, result: Option<StoreResult<()>>) {
        if let Some(Err(error)) = result {
            tracing::warn!(dir = %self.log.dir.display(), %error, "upkeep of the embedded bus failed");
        }
    }
}
