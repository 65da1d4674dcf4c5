//! The thread that tells what was counted here and hears what was counted elsewhere, over a compacted topic with a record for each partition of each backend.
//!
//! As long as the topic can't be read, nobody knows what others counted: nothing is held or dropped then, and it is said aloud.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bus::{Bus, Fetched, Header, Publisher, Record, Scan, Topic, TopicPartition};
use bytes::Bytes;
use runtime::Drain;
use schemas::headers;

use super::message;
use super::rules::Rules;
use super::shared::Shared;
use super::shown::Shown;
use super::usage::State;

/// What is new is told this often,
const TELL_EVERY: Duration = Duration::from_secs(3);
/// and at the next poll when it is this part of somebody's quota: so that little more goes while a backlog is read at full speed.
const TELL_SHARE: f64 = 0.02;
const SHOW_EVERY: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(200);
const POLL_BYTES: usize = 1 << 20;
/// How long the first reading of the topic may stand still.
const PATIENCE: Duration = Duration::from_secs(20);
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// The thread; dropping it tells what is new and ends it.
pub struct Exchange {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.shared.end();
        if let Some(thread) = self.thread.take() {
            // It ends even if it panicked.
            let _ = thread.join();
        }
    }
}

impl Exchange {
    /// Begins to tell and hear what this backend gets.
    ///
    /// # Errors
    /// The thread can't be started.
    pub fn start(
        rules: Rules,
        backend: &str,
        bus: Arc<dyn Bus>,
        topic: Topic,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(rules));
        let mut talk = Talk {
            shown: Shown::new(backend),
            backend: backend.to_owned(),
            shared: shared.clone(),
            at: TopicPartition::new(topic, 0),
        };
        let thread = std::thread::Builder::new()
            .name(format!("quota-{backend}"))
            .spawn(move || talk.until_over(&*bus))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Waits until it is known what was counted before, for a time, or until draining.
    pub fn wait_until_known(&self, within: Duration, drain: &Drain) {
        let begun = Instant::now();
        while !self.shared.is_known() && begun.elapsed() < within && !drain.is_requested() {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// The thread's own.
struct Talk {
    backend: String,
    shared: Arc<Shared>,
    /// Where it is told.
    at: TopicPartition,
    shown: Shown,
}

impl Talk {
    fn until_over(&mut self, bus: &dyn Bus) {
        let mut logged: Option<Instant> = None;
        while !self.is_over() {
            let Err(error) = self.until_failure(bus) else {
                return;
            };
            if logged.is_none_or(|at| at.elapsed() > Duration::from_secs(60)) {
                logged = Some(Instant::now());
                tracing::error!(
                    backend = self.backend, topic = %self.at.topic, %error,
                    "can't exchange what counts for the quota: nothing is held or dropped for it until the topic can be read and written; \
                     `tailwater topics` creates it, `tailwater check --connect` names missing rights"
                );
            }
            let begun = Instant::now();
            while begun.elapsed() < TELL_EVERY && !self.is_over() {
                self.show();
                std::thread::sleep(POLL);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.shared.is_over()
    }

    /// Until it is over, when the last news are told, or until the bus fails.
    fn until_failure(&mut self, bus: &dyn Bus) -> bus::Result<()> {
        let publisher = bus.publisher()?;
        let mut scan = Scan::new(bus.reader()?);
        let range = scan.reader().range(&self.at)?;
        let end = range.end;
        scan.add(self.at.clone(), range);
        scan.to_end(PATIENCE, |record| {
            self.hear(&record);
            match self.is_over() {
                true => std::ops::ControlFlow::Break(()),
                false => std::ops::ControlFlow::Continue(()),
            }
        })?;
        if self.is_over() {
            // What others told isn't known, and must not be overwritten by less.
            return Ok(());
        }
        self.shared.set_read();
        scan.add(self.at.clone(), end..u64::MAX);
        let (mut told, mut shown) = (Instant::now(), Instant::now());
        while !self.is_over() {
            for record in scan.step(POLL, POLL_BYTES)? {
                self.hear(&record);
            }
            self.shared.set_read();
            let hurry = self.shared.take_hurry();
            let share = self.shared.usage().untold_share(&self.shared.rules);
            if hurry || share >= TELL_SHARE || told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                self.tell(&*publisher)?;
            }
            if shown.elapsed() >= SHOW_EVERY {
                shown = Instant::now();
                self.show();
            }
        }
        self.tell(&*publisher)?;
        publisher.flush(FLUSH_WITHIN)
    }

    fn show(&mut self) {
        self.shown.show(&self.shared);
    }

    fn hear(&self, record: &Fetched) {
        let key = record.header(headers::KEY);
        let key = key.and_then(|key| std::str::from_utf8(key).ok());
        let Some(at) = key.and_then(|key| self.partition_of(key)) else {
            return;
        };
        match message::decode(&record.value) {
            Some(state) => self.shared.usage().hear(at, state),
            None => tracing::warn!(
                backend = self.backend, %at,
                "what a partition counted for the quota is of a version that this build doesn't read: it counts from 0"
            ),
        }
    }

    /// Of this backend's records.
    fn partition_of(&self, key: &str) -> Option<TopicPartition> {
        let rest = key.strip_prefix(&self.backend)?.strip_prefix('/')?;
        let (topic, partition) = rest.rsplit_once('/')?;
        Some(TopicPartition::new(topic, partition.parse().ok()?))
    }

    fn tell(&self, publisher: &dyn Publisher) -> bus::Result<()> {
        let news = self.shared.usage().news();
        for (index, (at, state)) in news.iter().enumerate() {
            if let Err(error) = self.tell_one(publisher, at, state) {
                let mut usage = self.shared.usage();
                let left = &news[index..];
                left.iter().for_each(|(at, _)| usage.untold(at.clone()));
                return Err(error);
            }
        }
        Ok(())
    }

    fn tell_one(
        &self,
        publisher: &dyn Publisher,
        at: &TopicPartition,
        state: &State,
    ) -> bus::Result<()> {
        let key = format!("{}/{}/{}", self.backend, at.topic, at.partition);
        let header = |name: &str, value: &str| Header {
            name: name.into(),
            value: Bytes::copy_from_slice(value.as_bytes()),
        };
        let record = Record {
            headers: vec![
                header(headers::VERSION_NAME, headers::VERSION),
                header(headers::KEY, &key),
            ],
            value: message::encode(state),
        };
        let (shared, at) = (self.shared.clone(), at.clone());
        let ack = move |outcome: bus::Result<u64>| {
            if let Err(error) = outcome {
                tracing::warn!(%error, %at, "what a partition counted for the quota was not written; trying again");
                shared.usage().untold(at);
            }
        };
        publisher.publish(self.at.clone(), record, Box::new(ack))
    }
}
