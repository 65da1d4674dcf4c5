//! librdkafka's log lines and errors, as events of ours: for the person on call, and not a flood of them.
//!
//! A broker that is away makes each client report it several times a second. One warning in ten seconds says it; the
//! others are counted, and visible at level DEBUG.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

const EVERY: Duration = Duration::from_secs(10);

/// The context of every client of ours.
pub(super) struct Context {
    /// What the client is for: `publisher`, `member of tailwater-sampler`.
    role: String,
    quiet: Quiet,
    last: Mutex<String>,
}

impl Context {
    pub fn new(role: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            quiet: Quiet::default(),
            last: Mutex::default(),
        }
    }

    /// Something failed that is tried again.
    pub fn warn(&self, what: &str) {
        what.clone_into(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner));
        match self.quiet.admit() {
            Some(held_back) => tracing::warn!(client = %self.role, held_back, "kafka: {what}"),
            None => tracing::debug!(client = %self.role, "kafka: {what}"),
        }
    }

    pub fn role(&self) -> &str {
        &self.role
    }

    /// The last thing that was warned of: usually the reason why nothing works.
    pub fn last(&self) -> String {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                // `CONFWARN`: properties of the configuration go to all clients, whom they concern or not.
                match facility {
                    "CONFWARN" => tracing::debug!(client = %self.role, "kafka: {line}"),
                    _ => self.warn(line),
                }
            }
            _ => tracing::debug!(client = %self.role, facility, "kafka: {line}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.warn(&format!("{error}: {reason}"));
    }

    /// Statistics are off unless configured by a property, and then they are for the log alone.
    fn stats_raw(&self, statistics: &[u8]) {
        tracing::info!(client = %self.role, statistics = %String::from_utf8_lossy(statistics), "kafka: statistics");
    }
}

impl ConsumerContext for Context {}

/// Lets one through in ten seconds and counts the others.
#[derive(Default)]
struct Quiet {
    last: Mutex<Option<(Instant, u64)>>,
}

impl Quiet {
    /// How many were held back before this one; `None` if this one is held back too.
    fn admit(&self) -> Option<u64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_mut() {
            Some((at, held_back)) if at.elapsed() < EVERY => {
                *held_back += 1;
                None
            }
            other => {
                let held_back = other.map_or(0, |(_, held_back)| *held_back);
                *last = Some((Instant::now(), 0));
                Some(held_back)
            }
        }
    }
}
