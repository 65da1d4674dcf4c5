//! A cluster that messages go to: another one, which is connected to when something is to be sent, or the bus itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::{Bus, Error, Publisher, RawKafka, Timestamps, Topic, TopicSpec};

use super::config::RawCreateTopics;

/// How long the number of a topic's partitions is believed.
const KNOWN_FOR: Duration = Duration::from_secs(60);

pub struct Cluster {
    /// `None`: the bus itself.
    other: Option<RawKafka>,
    create: Option<RawCreateTopics>,
    open: Mutex<Option<Arc<Open>>>,
}

/// A connection.
pub struct Open {
    bus: Arc<dyn Bus>,
    is_own: bool,
    topics: Mutex<HashMap<Topic, (u32, Instant)>>,
    publisher: Mutex<Option<Arc<dyn Publisher>>>,
}

impl Cluster {
    pub fn own(bus: Arc<dyn Bus>, create: Option<RawCreateTopics>) -> Self {
        let open = Open::new(bus, true);
        Self {
            other: None,
            create,
            open: Mutex::new(Some(Arc::new(open))),
        }
    }

    pub fn other(config: RawKafka, create: Option<RawCreateTopics>) -> Self {
        Self {
            other: Some(config),
            create,
            open: Mutex::new(None),
        }
    }

    pub fn is_own(&self) -> bool {
        self.other.is_none()
    }

    /// Connects unless there is a connection. Blocks for ten seconds at most.
    ///
    /// # Errors
    /// No broker answers, or not to us.
    pub fn open(&self) -> bus::Result<Arc<Open>> {
        let mut open = locked(&self.open);
        if let Some(open) = &*open {
            return Ok(open.clone());
        }
        let Some(config) = &self.other else {
            return Err(Error::Fatal("there is no bus".to_owned()));
        };
        let connected = Arc::new(Open::new(bus::kafka::open(config)?, false));
        *open = Some(connected.clone());
        Ok(connected)
    }

    /// The next request connects anew: then it is found out why nothing was answered.
    pub fn forget(&self, connection: &Arc<Open>) {
        let mut open = locked(&self.open);
        let is_it = open
            .as_ref()
            .is_some_and(|one| Arc::ptr_eq(one, connection));
        if is_it && !self.is_own() {
            *open = None;
        }
    }

    /// How many partitions a topic has. Blocks.
    ///
    /// # Errors
    /// There is no such topic, it isn't for us, or nobody answers.
    pub fn partitions(&self, open: &Open, topic: &Topic) -> bus::Result<u32> {
        let known = locked(&open.topics).get(topic).copied();
        if let Some((count, since)) = known
            && since.elapsed() < KNOWN_FOR
        {
            return Ok(count);
        }
        let count = match (open.bus.partition_count(topic), self.create) {
            (Err(Error::Fatal(_)), Some(create)) => {
                open.bus.ensure_topics(&[spec(topic, create.partitions)])?;
                open.bus.partition_count(topic)?
            }
            (count, _) => count?,
        };
        if !open.is_own {
            open.learn_limit(topic, count)?;
        }
        locked(&open.topics).insert(topic.clone(), (count, Instant::now()));
        Ok(count)
    }
}

impl Open {
    fn new(bus: Arc<dyn Bus>, is_own: bool) -> Self {
        Self {
            bus,
            is_own,
            topics: Mutex::default(),
            publisher: Mutex::default(),
        }
    }

    /// The client never divides what it sends in one request, so it has to know what the topic takes before it is made.
    fn learn_limit(&self, topic: &Topic, partitions: u32) -> bus::Result<()> {
        let before = self.bus.record_bytes_max();
        self.bus.ensure_topics(&[spec(topic, partitions)])?;
        if self.bus.record_bytes_max() < before {
            // What was given to the old one, it still reports.
            *locked(&self.publisher) = None;
        }
        Ok(())
    }

    /// The largest value of a message.
    pub fn value_bytes_max(&self) -> usize {
        self.bus.record_bytes_max()
    }

    /// # Errors
    /// The client can't be made.
    pub fn publisher(&self) -> bus::Result<Arc<dyn Publisher>> {
        let mut publisher = locked(&self.publisher);
        if let Some(publisher) = &*publisher {
            return Ok(publisher.clone());
        }
        let made = self.bus.publisher()?;
        *publisher = Some(made.clone());
        Ok(made)
    }
}

fn spec(topic: &Topic, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: topic.clone(),
        partitions,
        timestamps: Timestamps::Create,
        compacted: false,
        retention: None,
    }
}

/// What a panic elsewhere left is still whole: changes are made at once.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
