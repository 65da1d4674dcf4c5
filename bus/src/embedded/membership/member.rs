//! A member of a group: reads what it owns, hears of changes inside its own poll, commits through the writer.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::embedded::in_memory::signal::Signal;
use crate::embedded::in_memory::topic_log::TopicLog;
use crate::embedded::membership::groups::MemberId;
use crate::embedded::on_disk::frame::check_size;
use crate::embedded::open::Open;
use crate::embedded::reader::{Cursor, fetch};
use crate::embedded::writing::queue::{Commit, Work};
use crate::mutex::lock;
use crate::{
    Assigned, CommitError, Committer, Epoch, Error, GroupOptions, Member, Polled, Rebalance,
    Result, Topic, TopicPartition,
};

pub(in crate::embedded) struct EmbeddedMember {
    open: Arc<Open>,
    group: Arc<str>,
    id: MemberId,
    topics: BTreeMap<Topic, Arc<TopicLog>>,
    signal: Arc<Signal>,
    rebalance: Arc<dyn Rebalance>,
    cursors: Vec<Cursor>,
    next: usize,
}

pub(in crate::embedded) struct EmbeddedCommitter {
    open: Arc<Open>,
    group: Arc<str>,
    member: MemberId,
}

pub(in crate::embedded) fn join(
    open: Arc<Open>,
    options: GroupOptions,
    rebalance: Arc<dyn Rebalance>,
) -> Result<(EmbeddedMember, EmbeddedCommitter)> {
    let mut topics = BTreeMap::new();
    for name in &options.topics {
        let topic = open.log.topic(name).map_err(|error| {
            Error::Fatal(format!(
                "group {} cannot read {name}: {error}",
                options.group
            ))
        })?;
        topics.insert(name.clone(), topic);
    }
    let signal: Arc<Signal> = Arc::default();
    let group: Arc<str> = options.group.into();
    for topic in topics.values() {
        topic.watch(&signal);
    }
    let counts = topics
        .iter()
        .map(|(name, topic)| (name.clone(), topic.partitions.len() as u32))
        .collect();
    let id = lock(&open.log.groups).join(
        &group,
        counts,
        options.revoke_timeout,
        signal.clone(),
        Instant::now(),
    );
    let committer = EmbeddedCommitter {
        open: open.clone(),
        group: group.clone(),
        member: id,
    };
    let member = EmbeddedMember {
        open,
        group,
        id,
        topics,
        signal,
        rebalance,
        cursors: Vec::new(),
        next: 0,
    };
    Ok((member, committer))
}

impl EmbeddedMember {
    /// Carries out what has changed in the group. Returns whether anything has, and when to look again at the latest.
    fn follow(&mut self) -> Result<(bool, Option<Instant>)> {
        let mut changed = false;
        loop {
            let step = lock(&self.open.log.groups).step(&self.group, self.id, Instant::now());
            if !step.lost.is_empty() {
                self.forget(&step.lost);
                self.rebalance.lost(step.lost);
            } else if !step.revoked.is_empty() {
                self.rebalance.revoked(step.revoked.clone());
                self.forget(&step.revoked);
                lock(&self.open.log.groups).release(&self.group, self.id, &step.revoked);
            } else if !step.granted.is_empty() {
                let assigned = self.take(&step.granted).inspect_err(|_| {
                    // Or they would be owned and never read.
                    self.forget(&step.granted);
                    lock(&self.open.log.groups).release(&self.group, self.id, &step.granted);
                })?;
                self.rebalance.assigned(assigned);
            } else {
                return Ok((changed, step.look_again));
            }
            changed = true;
        }
    }

    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.cursors
            .retain(|cursor| !partitions.contains(&cursor.at));
    }

    fn take(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Assigned>> {
        let mut assigned = Vec::with_capacity(partitions.len());
        for at in partitions {
            let committed = self.open.log.committed(&self.group, at)?;
            let Some(topic) = self.topics.get(&at.topic) else {
                continue;
            };
            let start = topic.partition(at.partition)?.start();
            self.cursors.push(Cursor {
                at: at.clone(),
                topic: topic.clone(),
                offset: committed.as_ref().map_or(start, |position| position.offset),
                paused: false,
            });
            assigned.push(Assigned {
                at: at.clone(),
                committed,
            });
        }
        Ok(assigned)
    }

    /// Goes on at the oldest record where the next one was deleted.
    fn skip_deleted(&mut self) {
        for cursor in &mut self.cursors {
            let start = cursor.start();
            if cursor.offset < start {
                self.rebalance
                    .truncated(cursor.at.clone(), cursor.offset, start);
                cursor.offset = start;
            }
        }
    }

    fn cursor(&mut self, at: &TopicPartition) -> Result<&mut Cursor> {
        self.cursors
            .iter_mut()
            .find(|cursor| cursor.at == *at)
            .ok_or_else(|| {
                Error::Fatal(format!(
                    "{at} is not owned by this member of group {}",
                    self.group
                ))
            })
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) -> Result<()> {
        for at in partitions {
            self.cursor(at)?.paused = paused;
        }
        Ok(())
    }
}

impl Member for EmbeddedMember {
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled> {
        let deadline = Instant::now() + timeout;
        loop {
            self.signal.clear();
            let (changed, look_again) = self.follow()?;
            self.skip_deleted();
            let records = fetch(&self.open, &mut self.cursors, &mut self.next, max_bytes)?;
            if changed || !records.is_empty() || Instant::now() >= deadline {
                let caught_up = self
                    .cursors
                    .iter()
                    .filter(|cursor| cursor.offset >= cursor.end())
                    .map(|cursor| cursor.at.clone())
                    .collect();
                return Ok(Polled { records, caught_up });
            }
            self.signal
                .wait_until(look_again.map_or(deadline, |again| again.min(deadline)));
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.set_paused(partitions, true)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.set_paused(partitions, false)
    }

    fn seek(&mut self, at: &TopicPartition, offset: u64) -> Result<()> {
        self.cursor(at)?.offset = offset;
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        let followed = self.follow();
        let owned: Vec<_> = self
            .cursors
            .iter()
            .map(|cursor| cursor.at.clone())
            .collect();
        if !owned.is_empty() {
            self.rebalance.revoked(owned);
        }
        followed.map(|_| ())
    }
}

impl Drop for EmbeddedMember {
    fn drop(&mut self) {
        lock(&self.open.log.groups).leave(&self.group, self.id, Instant::now());
        for topic in self.topics.values() {
            topic.unwatch(&self.signal);
        }
    }
}

impl Committer for EmbeddedCommitter {
    fn commit(&mut self, epoch: &Epoch) -> std::result::Result<(), CommitError> {
        let fatal = |error: Error| CommitError::Fatal(error.to_string());
        let mut records = Vec::with_capacity(epoch.records.len());
        for (at, record) in &epoch.records {
            let topic = self.open.log.topic(&at.topic).map_err(fatal)?;
            topic.partition(at.partition).map_err(fatal)?;
            check_size(record).map_err(fatal)?;
            records.push((topic, at.partition, record.clone()));
        }
        let (reply, answer) = mpsc::sync_channel(1);
        let commit = Commit {
            group: self.group.clone(),
            member: self.member,
            records,
            positions: epoch.positions.clone(),
            admitted: false,
            reply,
        };
        self.open
            .log
            .queue
            .submit(Work::Commit(commit))
            .map_err(fatal)?;
        answer
            .recv()
            .unwrap_or_else(|_| Err(CommitError::Fatal("the embedded bus was closed".to_owned())))
    }
}
