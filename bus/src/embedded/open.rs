//! An open log: what opening it needs, and what closing it waits for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::embedded::in_memory::clock::{self, Clock};
use crate::embedded::in_memory::log::Log;
use crate::embedded::in_memory::tail::Tail;
use crate::embedded::in_memory::topic_log::{PartitionLog, TopicLog};
use crate::embedded::on_disk::lock::DirectoryLock;
use crate::embedded::on_disk::store::Store;
use crate::embedded::writing::queue::Queue;
use crate::embedded::writing::retention::Retention;
use crate::embedded::writing::writer::Writer;
use crate::mutex::lock;
use crate::{Error, Result};

/// What may wait for the disk.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// The newest records of all topics, kept in memory.
const TAIL_BYTES_MAX: usize = 32 << 20;

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

/// Whether there is a log in `dir`. Changes nothing.
pub fn exists(dir: &Path) -> bool {
    store_path(dir).exists()
}

/// An open log. The last one of bus, publishers, readers and members to go closes it.
pub(super) struct Open {
    pub(super) log: Arc<Log>,
    pub(super) retention_age: Duration,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Open {
    pub(super) fn new(dir: &Path, options: Options) -> Result<Arc<Self>> {
        let fatal = |what: &str, error: &dyn std::fmt::Display| {
            Error::Fatal(format!(
                "cannot {what} the embedded bus in {}: {error}; check the directory's rights and its disk, or move it away to begin anew",
                dir.display()
            ))
        };
        std::fs::create_dir_all(dir).map_err(|error| fatal("create", &error))?;
        let directory_lock = DirectoryLock::acquire(dir)?;
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
            tail: Mutex::new(Tail::new(options.tail_bytes_max)),
            groups: Mutex::default(),
            queue: Queue::new(options.queue_bytes_max),
            store: RwLock::new(Some(store)),
            _lock: directory_lock,
        });
        let retention = Retention::new(options.retention_age, options.retention_bytes);
        let writer = Writer::new(
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

/// Where the store lies in the directory of the bus.
pub(super) fn store_path(dir: &Path) -> PathBuf {
    dir.join("log")
}
