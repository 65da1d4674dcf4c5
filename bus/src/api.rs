//! The interface of the bus: plain values, and four traits with two implementations each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::headers::{self, UnknownVersion};

use crate::{CommitError, Result, Secrets};

/// A topic's name; cheap to clone, since every fetched record carries it.
pub type Topic = Arc<str>;

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    pub topic: Topic,
    pub partition: u32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Topic>, partition: u32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A record header. Names are `schemas::headers::*`; values are UTF-8 unless a name's docs say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub name: Arc<str>,
    pub value: Bytes,
}

/// A record to be written. The bus assigns offset and timestamp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub headers: Vec<Header>,
    pub value: Bytes,
}

/// A record that was read.
///
/// Where [`Bus::values_pin_buffers`], `value` may pin a buffer of the client that is larger than it, up to several times: good to pass on within
/// an epoch, to be copied by who keeps it for longer.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub topic: Topic,
    pub partition: u32,
    pub offset: u64,
    /// Milliseconds since the Unix epoch: the broker's clock for topics that we create, see [`Timestamps`].
    pub timestamp_ms: u64,
    pub headers: Vec<Header>,
    pub value: Bytes,
}

impl Fetched {
    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        let header = self.headers.iter().find(|header| &*header.name == name)?;
        Some(&header.value)
    }

    /// # Errors
    /// The record is of a version that this build can't read.
    pub fn check_version(&self) -> std::result::Result<(), UnknownVersion> {
        let version = self.header(headers::VERSION_NAME);
        headers::check_version(version.map(|value| &**value))
    }
}

/// Whose clock stamps the records of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// The bus's own clock at append (Kafka `LogAppendTime`).
    LogAppend,
    /// The producer's clock (Kafka `CreateTime`).
    Create,
}

/// A topic that a stage needs.
#[derive(Clone, Debug)]
pub struct TopicSpec {
    pub name: Topic,
    pub partitions: u32,
    pub timestamps: Timestamps,
    /// Only the newest record of each key need be kept (Kafka's compaction; the embedded bus keeps what retention leaves). A record's key is its
    /// header `tailwater.key`.
    pub compacted: bool,
    /// How long records are to be kept, where that isn't for whoever runs the bus to say. The embedded bus has one retention for all topics.
    pub retention: Option<Duration>,
}

/// Where a group continues on a partition: the next offset to read, with up to 4,000 bytes of the stage's own state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub at: TopicPartition,
    pub offset: u64,
    pub metadata: String,
}

/// A partition that a member was given, with what the group last committed for it.
#[derive(Clone, Debug)]
pub struct Assigned {
    pub at: TopicPartition,
    /// `None`: the group has never committed here, or only for a topic that was deleted since; reading starts at the oldest record.
    pub committed: Option<Position>,
}

/// Everything that one epoch makes visible, all together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Epoch {
    pub records: Vec<(TopicPartition, Record)>,
    pub positions: Vec<Position>,
}

/// How an epoch is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Records and positions in one transaction (Kafka) or one batch (embedded).
    ExactlyOnce,
    /// Records durable first, positions after: a crash in between repeats the last epoch.
    AtLeastOnce,
}

/// How a stage joins a consumer group.
#[derive(Clone, Debug)]
pub struct GroupOptions {
    /// The consumer group, e.g. `tailwater-sampler`.
    pub group: String,
    /// Topics to read. Topics with equal partition counts are co-assigned: same numbers, same member.
    pub topics: Vec<Topic>,
    pub delivery: Delivery,
    /// Stable over restarts of this instance, different between two processes: becomes `transactional.id` and
    /// `group.instance.id`.
    pub instance: String,
    /// How long [`Rebalance::revoked`] may take before partitions are given up regardless.
    pub revoke_timeout: Duration,
}

/// What a member is told of its partitions. Called inside [`Member::poll`], on the polling thread, in log order:
/// after `revoked` or `lost` returns, no record of those partitions is returned until they are assigned again;
/// records fetched but not yet returned are dropped.
pub trait Rebalance: Send + Sync {
    fn assigned(&self, partitions: Vec<Assigned>);
    /// Finish and commit what is under way, then return. Commits for these partitions still succeed in here. What was not committed by then
    /// must not be committed later: should the partitions come back, their records are read again.
    fn revoked(&self, partitions: Vec<TopicPartition>);
    /// The partitions already belong to somebody else: forget them, with all that was read of them. Commits that began before fail; one that
    /// began after the partitions had come back would double what is read again.
    fn lost(&self, partitions: Vec<TopicPartition>);
    /// Records `from..to` were deleted by retention before this group read them; reading goes on at `to`.
    fn truncated(&self, at: TopicPartition, from: u64, to: u64);
}

/// One bus, shared by all stages of a process.
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// use bus::{Record, Timestamps, TopicPartition, TopicSpec, embedded};
///
/// let dir = tempfile::tempdir().unwrap();
/// let bus = embedded::open(dir.path(), embedded::Options::default())?;
/// bus.ensure_topics(&[TopicSpec {
///     name: "example".into(),
///     partitions: 2,
///     timestamps: Timestamps::LogAppend,
///     compacted: false,
///     retention: None,
/// }])?;
///
/// // A publish is acknowledged once the record is durable, with its offset.
/// let to = TopicPartition::new("example", 1);
/// let record = Record { headers: Vec::new(), value: "hello".into() };
/// let (acknowledged, acks) = mpsc::channel();
/// let publisher = bus.publisher()?;
/// publisher.publish(to.clone(), record, Box::new(move |ack| drop(acknowledged.send(ack))))?;
/// assert_eq!(acks.recv().unwrap()?, 0);
///
/// let mut reader = bus.reader()?;
/// reader.assign(&[(to.clone(), 0)])?;
/// let records = reader.poll(Duration::from_secs(10), 1 << 20)?;
/// assert_eq!((records[0].offset, &*records[0].value), (0, &b"hello"[..]));
/// assert_eq!(reader.position(&to)?, 1, "everything below offset 1 has been returned");
/// # Ok::<(), bus::Error>(())
/// ```
pub trait Bus: Send + Sync {
    /// Creates what is missing (unless configured not to) and checks what is there.
    ///
    /// # Errors
    /// One error naming every topic whose partition count differs from its spec, with both counts and the remedy.
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()>;
    fn partition_count(&self, topic: &str) -> Result<u32>;
    /// Whose clock stamps the records of a topic; where that can't be found out, it may be the producers'.
    fn timestamps(&self, topic: &str) -> Result<Timestamps>;
    /// What tells a topic from another one that is created under the same name after it; `None` where nothing does.
    ///
    /// # Errors
    /// The bus can't be asked.
    fn log_id(&self, topic: &Topic) -> Result<Option<String>> {
        let _ = topic;
        Ok(None)
    }
    /// How long the bus keeps a record at least, unless the topic grows too large before; `None`: not bounded by time, or not known.
    ///
    /// # Errors
    /// The bus can't be asked.
    fn retention(&self, topic: &str) -> Result<Option<std::time::Duration>> {
        let _ = topic;
        Ok(None)
    }
    /// The largest `value` in bytes that the bus takes in one record.
    fn record_bytes_max(&self) -> usize;
    /// Values that were read may pin buffers of the client that are several times larger: see [`Fetched`].
    fn values_pin_buffers(&self) -> bool {
        true
    }
    /// An idempotent writer outside of any epoch.
    fn publisher(&self) -> Result<Arc<dyn Publisher>>;
    /// A reader outside of any group.
    fn reader(&self) -> Result<Box<dyn Reader>>;
    /// Joins a group. The member reads and is told of rebalances; the committer, used from another thread, commits.
    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)>;
    /// Whether the bus takes records now, as far as is known without asking anybody.
    ///
    /// # Errors
    /// Why it doesn't: its disk is full, it is broken.
    fn check(&self) -> Result<()> {
        Ok(())
    }
    /// From now on the process logs in with these.
    fn change_secrets(&self, secrets: &Secrets) {
        let _ = secrets;
    }
    /// The offsets that exist now on each partition of a topic, as by [`Reader::range`]; asks for all of them at once.
    ///
    /// # Errors
    /// The bus did not answer within `timeout`, or does not let us see the topic; the message names it.
    fn ranges(&self, topic: &str, _timeout: Duration) -> Result<Vec<std::ops::Range<u64>>> {
        let mut reader = self.reader()?;
        (0..self.partition_count(topic)?)
            .map(|partition| reader.range(&TopicPartition::new(topic, partition)))
            .collect()
    }
    /// What the bus takes of this machine's disk; `None` where it is kept elsewhere.
    fn disk_use(&self) -> Option<DiskUse> {
        None
    }
    /// Unread records and bytes of a group, summed over the topic's partitions (for lag metrics and displays).
    fn lag(&self, group: &str, topic: &str) -> Result<u64>;
}

/// What a bus takes on disk, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// All of its files.
    pub bytes: u64,
    /// About what the records of each topic take.
    pub topics: Vec<(Topic, u64)>,
}

/// What became of a published record: its offset, or why it is not on the bus.
pub type Ack = Box<dyn FnOnce(Result<u64>) + Send>;

/// Writes records outside of epochs: ingest's way onto the bus, and the way to the dead letters.
pub trait Publisher: Send + Sync {
    /// Queues one record. `ack` is called exactly once, from a thread of the bus, and must not block: with the
    /// offset once the record is durable (`acks=all`, or fsynced), or with the error.
    ///
    /// # Errors
    /// [`crate::Error::QueueFull`] when the bounded queue is full; `ack` is then dropped uncalled.
    fn publish(&self, to: TopicPartition, record: Record, ack: Ack) -> Result<()>;
    /// Blocks until everything that was queued by now is acknowledged or failed, or the timeout has passed (an error). What is queued meanwhile isn't waited for.
    fn flush(&self, timeout: Duration) -> Result<()>;
}

/// Reads partitions outside of a group: recovery, the emit cursor's second read, replay, tests. Sees committed records only.
pub trait Reader: Send {
    /// Replaces what is being read; a partition that stands at just that offset goes on undisturbed. An offset below the oldest one starts at
    /// the oldest, silently: compare with `range`.
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<()>;
    /// Up to about `max_bytes` of records, each partition in order; empty after `timeout` without any.
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Vec<Fetched>>;
    /// The position on a partition: every visible record below it has been returned. Passes over what is never
    /// visible (transaction markers, aborted records), so it reaches the end of `range` once the log is stable.
    fn position(&self, at: &TopicPartition) -> Result<u64>;
    /// The offsets that exist now: oldest to one past the newest (the high watermark, open transactions included).
    fn range(&mut self, at: &TopicPartition) -> Result<std::ops::Range<u64>>;
    /// The first offset whose timestamp is at or after `timestamp_ms`; the end of the log when there is none.
    fn offset_at(&mut self, at: &TopicPartition, timestamp_ms: u64) -> Result<u64>;
}

/// What one poll of a member brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// Records, each partition in order of offset.
    pub records: Vec<Fetched>,
    /// Partitions on which everything written so far has been returned by this or an earlier poll, as of now.
    pub caught_up: Vec<TopicPartition>,
}

/// A member of a consumer group; polled by one thread, which must return to `poll` within 60 s.
pub trait Member: Send {
    /// Up to about `max_bytes` of records; calls [`Rebalance`] when partitions come and go.
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled>;
    /// Stops or resumes returning records of these partitions; membership goes on.
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<()>;
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<()>;
    /// Goes on at another offset of an owned partition.
    fn seek(&mut self, at: &TopicPartition, offset: u64) -> Result<()>;
    /// Leaves the group: `revoked` is called for everything owned, then the others take over at once.
    fn close(self: Box<Self>) -> Result<()>;
}

/// Commits epochs of one member. Blocking; one epoch at a time, in order.
pub trait Committer: Send {
    /// Makes the epoch visible. Retriable failures and aborted transactions are retried in here with the same
    /// epoch, so an `Ok` means visible exactly once and an `Err` means that nothing of it is or will be.
    ///
    /// Under [`Delivery::AtLeastOnce`] an error may leave records visible without positions.
    fn commit(&mut self, epoch: &Epoch) -> std::result::Result<(), CommitError>;
}
