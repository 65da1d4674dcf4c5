//! The bus on one machine: partitions as keyed sequences in fjall, written by one thread with group commit.
//!
//! What it guarantees and how it lies on disk is described in `docs/reference/embedded-bus.md`. By file: [`store`] is what is on
//! disk, [`writer`] the thread that writes (with [`repair`] and [`upkeep`]), [`queue`] what waits for it, [`log`] what all
//! share, [`tail`] the newest records in memory, [`group`] who owns what (with [`groups`]), [`reader`] and [`member`] the two ways to
//! read.
//!
//! Deliberately absent: replication, access over the network, and records per key. Kafka has those.

mod catalog;
mod clock;
mod disk;
mod frame;
mod group;
mod groups;
mod lock;
mod log;
mod member;
mod queue;
mod reader;
mod repair;
mod retention;
mod signal;
mod store;
mod tail;
mod torn;
mod upkeep;
mod writer;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{
    Ack, Bus, Committer, DiskUse, Error, GroupOptions, Member, Publisher, Reader, Rebalance,
    Record, Result, Timestamps, TopicPartition, TopicSpec,
};
use log::{Log, PartitionLog, TopicLog, lock};
use queue::{Publish, Queue, Work};
use store::Store;

/// The largest value of one record.
pub const RECORD_BYTES_MAX: usize = 4 << 20;
/// What may wait for the disk.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// The newest records of all topics, kept in memory.
const TAIL_BYTES_MAX: usize = 32 << 20;

/// Milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How a log is kept.
#[derive(Clone)]
pub struct Options {
    /// Records older than this go.
    pub retention_age: Duration,
    /// The oldest records go when a topic takes more than this on disk.
    pub retention_bytes: u64,
    /// Publishes beyond this are refused with [`Error::QueueFull`].
    pub queue_bytes_max: usize,
    /// Bound of the newest records in memory, over all topics.
    pub tail_bytes_max: usize,
    /// How often retention is applied.
    pub upkeep_interval: Duration,
    /// The clock that stamps records. The default goes by the host's monotonic clock, so that its wall clock may jump; a test may bring its own.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retention_age: Duration::from_secs(24 * 3600),
            retention_bytes: 10 << 30,
            queue_bytes_max: QUEUE_BYTES_MAX,
            tail_bytes_max: TAIL_BYTES_MAX,
            upkeep_interval: Duration::from_secs(10),
            clock: clock::steady(),
        }
    }
}

/// Opens the log in `dir`, creating it when it is missing.
///
/// # Errors
/// `Fatal` when another process has it open, or it can't be written or is damaged; the message names the directory.
pub fn open(dir: &Path, options: Options) -> Result<Arc<dyn Bus>> {
    Ok(Arc::new(Embedded {
        open: Open::new(dir, options)?,
    }))
}

/// Whether there is a log in `dir`. Changes nothing.
pub fn exists(dir: &Path) -> bool {
    store_path(dir).exists()
}

struct Embedded {
    open: Arc<Open>,
}

/// An open log. The last one of bus, publishers, readers and members to go closes it.
struct Open {
    log: Arc<Log>,
    retention_age: Duration,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Open {
    fn new(dir: &Path, options: Options) -> Result<Arc<Self>> {
        let fatal = |what: &str, error: &dyn std::fmt::Display| {
            Error::Fatal(format!(
                "cannot {what} the embedded bus in {}: {error}; check the directory's rights and its disk, or move it away to begin anew",
                dir.display()
            ))
        };
        std::fs::create_dir_all(dir).map_err(|error| fatal("create", &error))?;
        let directory_lock = lock::DirectoryLock::acquire(dir)?;
        let (store, stored) =
            Store::open(&store_path(dir)).map_err(|error| fatal("open", &error))?;
        let topics: Vec<Arc<TopicLog>> = stored
            .iter()
            .map(|topic| {
                let partitions = topic.heads.iter().enumerate().map(|(partition, head)| {
                    PartitionLog::new(store.start(topic.number, partition as u32), head.offset)
                });
                Arc::new(TopicLog::new(
                    topic.name.clone(),
                    topic.number,
                    partitions.collect(),
                ))
            })
            .collect();
        let by_name: HashMap<_, _> = topics
            .iter()
            .map(|topic| (topic.name.clone(), topic.clone()))
            .collect();
        let log = Arc::new(Log {
            dir: dir.to_owned(),
            topics: RwLock::new(by_name),
            tail: Mutex::new(tail::Tail::new(options.tail_bytes_max)),
            groups: Mutex::default(),
            queue: Queue::new(options.queue_bytes_max),
            store: RwLock::new(Some(store)),
            _lock: directory_lock,
        });
        let retention = retention::Retention::new(options.retention_age, options.retention_bytes);
        let writer = writer::Writer::new(
            log.clone(),
            retention,
            options.clock,
            options.upkeep_interval,
            topics,
            &stored,
        );
        let thread = std::thread::Builder::new()
            .name("bus-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| fatal("start the writer of", &error))?;
        let open = Self {
            log,
            retention_age: options.retention_age,
            writer: Mutex::new(Some(thread)),
        };
        Ok(Arc::new(open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.log.queue.close();
        if let Some(writer) = lock(&self.writer).take()
            // The last handle may have been held by an acknowledgement, which the writer itself drops.
            && writer.thread().id() != std::thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!(dir = %self.log.dir.display(), "the writer of the embedded bus panicked");
        }
    }
}

impl Bus for Embedded {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        let mut mismatches = Vec::new();
        let mut missing = Vec::new();
        for spec in topics {
            match self.open.log.topic(&spec.name) {
                Ok(topic) if topic.partitions.len() as u32 == spec.partitions => {}
                Ok(topic) => mismatches.push(format!(
                    "{} has {} partitions instead of {}",
                    spec.name,
                    topic.partitions.len(),
                    spec.partitions
                )),
                Err(_) => missing.push(spec.clone()),
            }
        }
        if !mismatches.is_empty() {
            return Err(Error::Fatal(format!(
                "topics in {} don't fit the configuration: {}; set bus.topics.partitions to what is there, or use another \
                 bus.topics.prefix or directory, since a count can't change without moving traces between partitions",
                self.open.log.dir.display(),
                mismatches.join(", ")
            )));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let (reply, answer) = mpsc::sync_channel(1);
        self.open.log.queue.submit(Work::Create {
            specs: missing,
            reply,
        })?;
        answer
            .recv()
            .unwrap_or_else(|_| Err(Error::Fatal("the embedded bus was closed".to_owned())))
    }

    fn partition_count(&self, topic: &str) -> Result<u32> {
        Ok(self.open.log.topic(topic)?.partitions.len() as u32)
    }

    fn timestamps(&self, _: &str) -> Result<Timestamps> {
        Ok(Timestamps::LogAppend)
    }

    fn retention(&self, _: &str) -> Result<Option<Duration>> {
        Ok(Some(self.open.retention_age))
    }

    fn record_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX
    }

    /// The newest values are the very bytes that were published. Older ones are decompressed one by one; those that weren't worth compressing share
    /// a block of the store with their neighbours.
    fn values_pin_buffers(&self) -> bool {
        false
    }

    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(EmbeddedPublisher {
            open: self.open.clone(),
        }))
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(reader::EmbeddedReader::new(self.open.clone())))
    }

    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        let (member, committer) = member::join(self.open.clone(), options, rebalance)?;
        Ok((Box::new(member), Box::new(committer)))
    }

    fn check(&self) -> Result<()> {
        self.open.log.queue.check()
    }

    fn ranges(&self, topic: &str, _timeout: Duration) -> Result<Vec<std::ops::Range<u64>>> {
        let topic = self.open.log.topic(topic)?;
        Ok((topic.partitions.iter())
            .map(|partition| partition.start()..partition.end())
            .collect())
    }

    fn disk_use(&self) -> Option<DiskUse> {
        self.open.log.disk_use()
    }

    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        let log = &self.open.log;
        let topic = log.topic(topic)?;
        let mut lag = 0;
        for (partition, offsets) in topic.partitions.iter().enumerate() {
            let at = TopicPartition {
                topic: topic.name.clone(),
                partition: partition as u32,
            };
            let committed = log
                .committed(group, &at)?
                .map_or(0, |position| position.offset);
            lag += offsets.end().saturating_sub(committed.max(offsets.start()));
        }
        Ok(lag)
    }
}

struct EmbeddedPublisher {
    open: Arc<Open>,
}

impl Publisher for EmbeddedPublisher {
    fn publish(&self, to: TopicPartition, record: Record, ack: Ack) -> Result<()> {
        check_size(&record)?;
        let topic = self.open.log.topic(&to.topic)?;
        topic.partition(to.partition)?;
        self.open.log.queue.publish(Publish {
            topic,
            partition: to.partition,
            record,
            ack,
        })
    }

    fn flush(&self, timeout: Duration) -> Result<()> {
        self.open.log.queue.flush(timeout)
    }
}

fn check_size(record: &Record) -> Result<()> {
    match record.value.len() {
        bytes if bytes > RECORD_BYTES_MAX => Err(Error::RecordTooLarge {
            bytes,
            limit: RECORD_BYTES_MAX,
        }),
        _ => Ok(()),
    }
}

fn store_path(dir: &Path) -> PathBuf {
    dir.join("log")
}

#[cfg(test)]
mod tests;
