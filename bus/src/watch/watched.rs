//! The bus as a stage is given it: it passes everything on and notes what the watch needs to know. Costs a little for each record, nothing for a span.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::errors::count;
use super::group::Group;
use super::noted::Noted;
use super::progress::Cursors;
use super::publishing::{Publishing, UnderWay};
use crate::{
    Ack, Assigned, Bus, CommitError, Committer, DiskUse, Epoch, GroupOptions, Member, Polled,
    Publisher, Reader, Rebalance, Record, Result, Secrets, Timestamps, Topic, TopicPartition,
    TopicSpec,
};

pub(super) struct Watched {
    pub bus: Arc<dyn Bus>,
    pub noted: Arc<Noted>,
    pub stage: &'static str,
    pub cursors: Cursors,
    /// What the names of its groups begin with, when it has several: the rest names the part of the stage.
    pub group_prefix: Option<String>,
}

impl Bus for Watched {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        self.bus.ensure_topics(topics)
    }

    fn partition_count(&self, topic: &str) -> Result<u32> {
        self.noted.topic(topic);
        self.bus.partition_count(topic)
    }

    fn timestamps(&self, topic: &str) -> Result<Timestamps> {
        self.bus.timestamps(topic)
    }

    fn log_id(&self, topic: &Topic) -> Result<Option<String>> {
        self.bus.log_id(topic)
    }

    fn retention(&self, topic: &str) -> Result<Option<Duration>> {
        self.bus.retention(topic)
    }

    fn record_bytes_max(&self) -> usize {
        self.bus.record_bytes_max()
    }

    fn values_pin_buffers(&self) -> bool {
        self.bus.values_pin_buffers()
    }

    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        let publishing = Arc::new(Publishing::new(self.stage));
        self.noted.publishes(&publishing);
        Ok(Arc::new(WatchedPublisher {
            inner: self.bus.publisher()?,
            publishing,
        }))
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        self.bus.reader()
    }

    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        let part = (self.group_prefix.as_deref()).and_then(|own| options.group.strip_prefix(own));
        let stage = match part {
            Some(part) => format!("{}/{part}", self.stage),
            None => self.stage.to_owned(),
        };
        let group = Group::new(stage, options.topics.clone(), self.cursors);
        let noting = Arc::new(NotingRebalance {
            inner: rebalance,
            group: group.clone(),
        });
        let (member, committer) = self.bus.join(options, noting)?;
        self.noted.joined(&group);
        Ok((
            Box::new(WatchedMember {
                inner: member,
                group: group.clone(),
            }),
            Box::new(WatchedCommitter {
                inner: committer,
                group,
            }),
        ))
    }

    fn check(&self) -> Result<()> {
        self.bus.check()
    }

    fn change_secrets(&self, secrets: &Secrets) {
        self.bus.change_secrets(secrets);
    }

    fn ranges(&self, topic: &str, timeout: Duration) -> Result<Vec<Range<u64>>> {
        self.bus.ranges(topic, timeout)
    }

    fn disk_use(&self) -> Option<DiskUse> {
        self.bus.disk_use()
    }

    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        self.bus.lag(group, topic)
    }
}

struct WatchedPublisher {
    inner: Arc<dyn Publisher>,
    publishing: Arc<Publishing>,
}

impl Publisher for WatchedPublisher {
    fn publish(&self, to: TopicPartition, record: Record, ack: Ack) -> Result<()> {
        let under_way = UnderWay::new(&self.publishing);
        let ack: Ack = Box::new(move |result| {
            under_way.answered(&result);
            ack(result);
        });
        let queued = self.inner.publish(to, record, ack);
        if let Err(error) = &queued {
            self.publishing.refused(error);
        }
        queued
    }

    fn flush(&self, timeout: Duration) -> Result<()> {
        self.inner.flush(timeout)
    }
}

struct WatchedMember {
    inner: Box<dyn Member>,
    group: Arc<Group>,
}

impl Member for WatchedMember {
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled> {
        let polled = self.inner.poll(timeout, max_bytes);
        if let Err(error) = &polled {
            count(error.kind());
        }
        self.group.polled(&polled);
        polled
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.inner.pause(partitions)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.inner.resume(partitions)
    }

    fn seek(&mut self, at: &TopicPartition, offset: u64) -> Result<()> {
        self.inner.seek(at, offset)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.inner.close()
    }
}

struct WatchedCommitter {
    inner: Box<dyn Committer>,
    group: Arc<Group>,
}

impl Committer for WatchedCommitter {
    fn commit(&mut self, epoch: &Epoch) -> std::result::Result<(), CommitError> {
        self.group.committing();
        let result = self.inner.commit(epoch);
        if let Err(error) = &result {
            count(error.kind());
        }
        self.group.committed(&epoch.positions, &result);
        result
    }
}

/// Rebalances, noted before they are passed on when partitions come, after it when they go: commits of what is given up succeed until then.
struct NotingRebalance {
    inner: Arc<dyn Rebalance>,
    group: Arc<Group>,
}

impl Rebalance for NotingRebalance {
    fn assigned(&self, partitions: Vec<Assigned>) {
        self.group.assigned(&partitions);
        self.inner.assigned(partitions);
    }

    fn revoked(&self, partitions: Vec<TopicPartition>) {
        self.inner.revoked(partitions.clone());
        self.group.gone(&partitions);
    }

    fn lost(&self, partitions: Vec<TopicPartition>) {
        self.group.gone(&partitions);
        self.inner.lost(partitions);
    }

    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        self.inner.truncated(at, from, to);
    }
}
