//! The one thread that writes: it takes what has queued up, writes it as one atomic batch with one fsync, makes it
//! visible, and only then acknowledges it. While it waits for the disk the next batch gathers.
//!
//! After a failed write the store is reopened, since fjall accepts no more writes then, and looked at: a batch is
//! there whole or not at all. What is there is acknowledged. What isn't: publishes fail, commits are written again. Until
//! a probe shows that there is space again, publishes are refused at once and commits wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::embedded::in_memory::clock::{Clock, Stamps};
use crate::embedded::in_memory::log::Log;
use crate::embedded::in_memory::topic_log::TopicLog;
use crate::embedded::on_disk::catalog::{Head, StoredTopic};
use crate::embedded::on_disk::frame;
use crate::embedded::writing::queue::{Commit, Publish, Work};
use crate::embedded::writing::retention::Retention;
use crate::mutex::lock;
use crate::{Ack, CommitError, Error, Fetched, Record, Result, TopicPartition};

/// One batch takes about this much at most: bounds the time to the acknowledgement.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// After this long without a write, memtables and tail are emptied.
pub(in crate::embedded) const IDLE_AFTER: Duration = Duration::from_secs(30);
pub(in crate::embedded) const RETRY_INTERVAL: Duration = Duration::from_secs(1);

pub(in crate::embedded) struct Writer {
    pub(in crate::embedded) log: Arc<Log>,
    pub(in crate::embedded) retention: Retention,
    pub(in crate::embedded) stamps: Stamps,
    upkeep_interval: Duration,
    pub(in crate::embedded) topics: Vec<Arc<TopicLog>>,
    /// By topic number and partition.
    pub(in crate::embedded) heads: Vec<Vec<Head>>,
    scratch: Vec<u8>,
    pub(in crate::embedded) state: State,
    /// Commits that passed the check and wait for space.
    waiting: Vec<Commit>,
    pub(in crate::embedded) last_write: Instant,
    /// Nothing was written since memtables were last flushed.
    pub(in crate::embedded) flushed: bool,
}

pub(in crate::embedded) enum State {
    Writing,
    /// The disk is full; what is there can be read. Tried again at this time.
    Full {
        again: Instant,
    },
    /// Nothing can be done but to restart.
    Broken(String),
}

/// The new heads of a batch, by topic number and partition.
pub(in crate::embedded) type Heads = BTreeMap<(u32, u32), Head>;

/// What became of a batch.
pub(in crate::embedded) enum Outcome {
    Written,
    Absent(Error),
}

/// A record with its place, not yet written.
struct Staged {
    topic: Arc<TopicLog>,
    record: Fetched,
    frame: Vec<u8>,
}

impl Writer {
    pub(in crate::embedded) fn new(
        log: Arc<Log>,
        retention: Retention,
        clock: Clock,
        upkeep_interval: Duration,
        topics: Vec<Arc<TopicLog>>,
        stored: &[StoredTopic],
    ) -> Self {
        let heads: Vec<_> = stored.iter().map(|topic| topic.heads.clone()).collect();
        let newest = heads.iter().flatten().map(|head| head.timestamp_ms).max();
        Self {
            log,
            retention,
            stamps: Stamps::new(clock, newest.unwrap_or_default()),
            upkeep_interval,
            topics,
            heads,
            scratch: Vec::new(),
            state: State::Writing,
            waiting: Vec::new(),
            last_write: Instant::now(),
            flushed: false,
        }
    }

    /// Until the queue is closed and empty.
    pub(in crate::embedded) fn run(mut self) {
        let log = self.log.clone();
        let mut upkeep = Instant::now();
        loop {
            let now = Instant::now();
            if now >= upkeep {
                self.upkeep();
                upkeep = now + self.upkeep_interval;
            }
            let mut wake = upkeep;
            if let State::Full { again } = self.state {
                if now >= again {
                    self.try_again();
                }
                wake = wake.min(now + RETRY_INTERVAL);
            }
            if !self.waiting.is_empty() && !matches!(self.state, State::Full { .. }) {
                let commits = std::mem::take(&mut self.waiting);
                self.write(Vec::new(), commits);
            }
            let Some(work) = log.queue.take(BATCH_BYTES_MAX, wake) else {
                break;
            };
            if !work.is_empty() {
                self.work(work);
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.give_up(
            waiting,
            "the embedded bus was closed while its disk was full",
        );
    }

    fn give_up(&self, commits: Vec<Commit>, why: &str) {
        for commit in commits {
            self.end(commit, Err(CommitError::Fatal(why.to_owned())));
        }
    }

    fn work(&mut self, work: Vec<Work>) {
        let mut publishes = Vec::new();
        let mut commits = Vec::new();
        for work in work {
            match work {
                Work::Publish(publish) => publishes.push(publish),
                Work::Commit(commit) => commits.push(commit),
                Work::Create { specs, reply } => {
                    let _ = reply.send(self.create(&specs));
                }
            }
        }
        self.write(publishes, commits);
    }

    fn write(&mut self, publishes: Vec<Publish>, mut commits: Vec<Commit>) {
        commits.retain_mut(|commit| self.admit(commit));
        let mut staged = Vec::new();
        let mut heads = BTreeMap::new();
        let mut acks: Vec<(Ack, u64)> = Vec::with_capacity(publishes.len());
        for Publish {
            topic,
            partition,
            record,
            ack,
        } in publishes
        {
            let offset = self.stage(topic, partition, record, &mut heads, &mut staged);
            acks.push((ack, offset));
        }
        for commit in &commits {
            for (topic, partition, record) in &commit.records {
                self.stage(
                    topic.clone(),
                    *partition,
                    record.clone(),
                    &mut heads,
                    &mut staged,
                );
            }
        }
        if acks.is_empty() && commits.is_empty() {
            return;
        }
        let outcome = match &self.state {
            State::Writing => self.write_batch(&mut staged, &commits, &heads),
            State::Full { .. } => Outcome::Absent(self.full()),
            State::Broken(why) => Outcome::Absent(Error::Fatal(why.clone())),
        };
        match outcome {
            Outcome::Written => {
                self.publish(staged, &heads);
                self.settle(acks, Ok);
                for commit in commits {
                    self.end(commit, Ok(()));
                }
            }
            Outcome::Absent(error) => {
                self.settle(acks, |_| Err(repeat(&error)));
                if let Error::Fatal(why) = error {
                    self.give_up(commits, &why);
                } else {
                    self.waiting.extend(commits);
                }
            }
        }
    }

    /// Checks that the member owns what it commits; answers it if not.
    fn admit(&self, commit: &mut Commit) -> bool {
        if commit.admitted {
            return true;
        }
        let partitions: Vec<&TopicPartition> = commit
            .positions
            .iter()
            .map(|position| &position.at)
            .collect();
        let begun = lock(&self.log.groups).begin_commit(&commit.group, commit.member, &partitions);
        match begun {
            Ok(()) => {
                commit.admitted = true;
                true
            }
            Err(why) => {
                let _ = commit.reply.send(Err(CommitError::Fenced(why)));
                false
            }
        }
    }

    fn end(&self, commit: Commit, result: std::result::Result<(), CommitError>) {
        let partitions: Vec<&TopicPartition> = commit
            .positions
            .iter()
            .map(|position| &position.at)
            .collect();
        lock(&self.log.groups).end_commit(&commit.group, &partitions);
        let _ = commit.reply.send(result);
    }

    /// Gives a record its offset and timestamp.
    fn stage(
        &mut self,
        topic: Arc<TopicLog>,
        partition: u32,
        record: Record,
        heads: &mut Heads,
        staged: &mut Vec<Staged>,
    ) -> u64 {
        let now = self.stamps.now_ms();
        let head = heads
            .entry((topic.number, partition))
            .or_insert(self.heads[topic.number as usize][partition as usize]);
        let offset = head.offset;
        head.offset += 1;
        head.timestamp_ms = head.timestamp_ms.max(now);
        let frame = frame::encode(&record, head.timestamp_ms, &mut self.scratch);
        let record = Fetched {
            topic: topic.name.clone(),
            partition,
            offset,
            timestamp_ms: head.timestamp_ms,
            headers: record.headers,
            value: record.value,
        };
        staged.push(Staged {
            topic,
            record,
            frame,
        });
        offset
    }

    fn write_batch(&mut self, staged: &mut [Staged], commits: &[Commit], heads: &Heads) -> Outcome {
        let written = {
            let store = self.log.read_store();
            let Some(store) = store.as_ref() else {
                return Outcome::Absent(self.full());
            };
            let mut batch = store.batch();
            for staged in staged {
                let frame = std::mem::take(&mut staged.frame);
                let record = &staged.record;
                store.insert_record(
                    &mut batch,
                    staged.topic.number,
                    record.partition,
                    record.offset,
                    frame,
                );
            }
            for commit in commits {
                for position in &commit.positions {
                    store.insert_position(&mut batch, &commit.group, position);
                }
            }
            store.make_room().and_then(|()| batch.commit())
        };
        match written {
            Ok(()) => Outcome::Written,
            Err(error) => self.repair(&error, heads),
        }
    }

    fn publish(&mut self, staged: Vec<Staged>, heads: &Heads) {
        let now = Instant::now();
        self.last_write = now;
        self.flushed = false;
        {
            let mut tail = lock(&self.log.tail);
            for Staged { topic, record, .. } in staged {
                tail.push((topic.number, record.partition), record, now);
            }
        }
        let mut woken = None;
        for (&(topic, partition), head) in heads {
            self.heads[topic as usize][partition as usize] = *head;
            self.topics[topic as usize].partitions[partition as usize].set_end(head.offset);
        }
        for &(topic, _) in heads.keys() {
            if woken.replace(topic) != Some(topic) {
                self.topics[topic as usize].wake();
            }
        }
        for topic in heads
            .keys()
            .map(|(topic, _)| *topic)
            .collect::<std::collections::BTreeSet<_>>()
        {
            self.roll_if_full(topic);
        }
    }

    fn settle(&self, acks: Vec<(Ack, u64)>, result: impl Fn(u64) -> Result<u64>) {
        let count = acks.len();
        for (ack, offset) in acks {
            ack(result(offset));
        }
        self.log.queue.settled(count);
    }
}

/// The same error for each of many.
fn repeat(error: &Error) -> Error {
    match error {
        Error::Fatal(why) => Error::Fatal(why.clone()),
        other => Error::Unavailable(other.to_string()),
    }
}
