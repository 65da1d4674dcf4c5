//! The fleet: sampler processes tell each other what they counted, over a compacted topic, so that budgets hold over all of them; which tokens of
//! rate limits they have to spare; and which traces of others' partitions are to be kept for the sake of one of theirs (`linked: keep`).
//!
//! Each process writes its counts of the newest intervals about once a second, under its instance as the record's key, and reads those of the
//! others. Statistics without the others are right too, only coarser: traces are spread over partitions by hash, so what a process counts is a fair
//! sample. So nothing here holds up an epoch, nothing is retried for long, and what can't be read is passed over.

mod ledger;
mod message;
pub(crate) mod tokens;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bus::{Bus, Header, Publisher, Reader, Record, Scan, Topic, TopicPartition};
use bytes::Bytes;
use schemas::headers;

use crate::decide::links::Linked;
use crate::names;
use crate::stats::Tallied;
use ledger::Ledger;
use message::Message;

/// What is new is told so often;
const TELL_EVERY: Duration = Duration::from_secs(1);
/// a sign of life when there is nothing new.
const ALIVE_EVERY: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(200);
const POLL_BYTES: usize = 1 << 20;
/// How much of the topic's end is read at the start.
const BEGIN_MS: u64 = 15_000;
/// Its newest record comes this soon, or nothing is read of what was before.
const NEWEST_WITHIN: Duration = Duration::from_secs(2);

/// The others, as the dataflow sees them.
#[derive(Debug)]
pub(crate) struct Fleet {
    ledger: Mutex<Ledger>,
    over: AtomicBool,
}

impl Fleet {
    /// See [`Ledger::exchange`].
    pub(crate) fn exchange(&self, news: &[Tallied], partitions: u32) -> (Vec<Tallied>, u32) {
        self.ledger().exchange(news, partitions, Instant::now())
    }

    /// See [`Ledger::exchange_links`].
    pub(crate) fn exchange_links(&self, links: &[Linked]) -> Vec<Linked> {
        self.ledger().exchange_links(links)
    }

    /// Tokens of a rate limit that others want.
    pub(crate) fn wanted_tokens(&self, identity: u64) -> f64 {
        self.ledger().tokens.wanted(identity, Instant::now())
    }

    /// Tokens of a rate limit that are to spare here, and that are wanted; returns those that others gave.
    pub(crate) fn exchange_tokens(&self, identity: u64, spare: f64, wanted: f64) -> f64 {
        let now = Instant::now();
        self.ledger().tokens.exchange(identity, spare, wanted, now)
    }

    /// The rate limits of another configuration.
    pub(crate) fn set_budgets(&self, identities: &[u64]) {
        self.ledger().tokens.keep_only(identities);
    }

    /// Whether `linked` is `keep`.
    pub(crate) fn set_follows_links(&self, follows_links: bool) {
        self.ledger().set_follows_links(follows_links);
    }

    /// Another configuration.
    pub(crate) fn set_identities(&self, identities: Vec<u64>) {
        self.ledger().set_identities(identities);
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that talks to the topic; dropping it ends it.
pub(crate) struct ExchangeThread {
    fleet: Arc<Fleet>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for ExchangeThread {
    fn drop(&mut self) {
        self.fleet.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Begins to talk, once there is something to talk about. `identities`: of the rules of the statistics, in order.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn start(
    identities: Vec<u64>,
    bus: Arc<dyn Bus>,
    topic: Topic,
    instance: String,
) -> std::io::Result<(Arc<Fleet>, ExchangeThread)> {
    // Another one each time: what others gave to us before is not ours.
    let address = RandomState::new().hash_one(&instance);
    let fleet = Arc::new(Fleet {
        ledger: Mutex::new(Ledger::new(identities, address)),
        over: AtomicBool::new(false),
    });
    let shared = fleet.clone();
    let thread = std::thread::Builder::new()
        .name("sampler-fleet".into())
        .spawn(move || {
            let at = TopicPartition::new(topic, 0);
            while !shared.over.load(Ordering::Relaxed) {
                if shared.ledger().is_idle() {
                    std::thread::sleep(POLL);
                    continue;
                }
                if let Err(error) = exchange_until_over(&shared, &*bus, &at, &instance) {
                    tracing::warn!(%error, topic = %at.topic, "cannot exchange counts with other samplers; each goes by its own partitions until then");
                    pause(&shared);
                }
            }
        })?;
    let thread = ExchangeThread {
        fleet: fleet.clone(),
        thread: Some(thread),
    };
    Ok((fleet, thread))
}

fn pause(fleet: &Fleet) {
    let begun = Instant::now();
    while begun.elapsed() < ALIVE_EVERY && !fleet.over.load(Ordering::Relaxed) {
        std::thread::sleep(POLL);
    }
}

/// Until it is over or the bus fails.
fn exchange_until_over(
    fleet: &Fleet,
    bus: &dyn Bus,
    at: &TopicPartition,
    instance: &str,
) -> bus::Result<()> {
    let publisher = bus.publisher()?;
    let mut scan = Scan::new(bus.reader()?);
    let from = recent(scan.reader(), at)?;
    scan.add(at.clone(), from..u64::MAX);
    let (mut told, mut alive) = (Instant::now(), Instant::now());
    while !fleet.over.load(Ordering::Relaxed) {
        listen(fleet, &mut scan, instance)?;
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let message = fleet.ledger().message(alive.elapsed() >= ALIVE_EVERY);
            if let Some(message) = message {
                alive = Instant::now();
                tell(&*publisher, at, instance, &message)?;
            }
        }
    }
    Ok(())
}

fn listen(fleet: &Fleet, scan: &mut Scan, instance: &str) -> bus::Result<()> {
    for record in scan.step(POLL, POLL_BYTES)? {
        let key = record
            .headers
            .iter()
            .find(|header| &*header.name == headers::KEY);
        let other = key.and_then(|key| std::str::from_utf8(&key.value).ok());
        let Some(other) = other.filter(|other| *other != instance) else {
            continue;
        };
        match Message::decode(&record.value) {
            Some(message) => fleet.ledger().hear(other, &message, Instant::now()),
            None => tracing::debug!(
                instance = other,
                "counts of a version that this build does not read"
            ),
        }
    }
    metrics::gauge!(names::FLEET).set(fleet.ledger().others() as f64 + 1.0);
    Ok(())
}

fn tell(
    publisher: &dyn Publisher,
    at: &TopicPartition,
    instance: &str,
    message: &Message,
) -> bus::Result<()> {
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    };
    let record = Record {
        headers: vec![
            header(headers::VERSION_NAME, headers::VERSION),
            header(headers::KEY, instance),
        ],
        value: message.encode(),
    };
    // The next one says it again.
    let ack = |result: bus::Result<u64>| {
        if let Err(error) = result {
            tracing::debug!(%error, "counts were not told to other samplers");
        }
    };
    publisher.publish(at.clone(), record, Box::new(ack))
}

/// Where the topic's last [`BEGIN_MS`] begin, by the time of its newest record: this host's clock may be wrong.
fn recent(reader: &mut dyn Reader, at: &TopicPartition) -> bus::Result<u64> {
    let range = reader.range(at)?;
    if range.is_empty() {
        return Ok(range.end);
    }
    reader.assign(&[(at.clone(), range.end - 1)])?;
    let newest = reader.poll(NEWEST_WITHIN, 1)?;
    let Some(newest) = newest.first() else {
        return Ok(range.end);
    };
    let since_ms = newest.timestamp_ms.saturating_sub(BEGIN_MS);
    Ok(reader.offset_at(at, since_ms)?.min(range.end))
}

#[cfg(test)]
mod tests;
