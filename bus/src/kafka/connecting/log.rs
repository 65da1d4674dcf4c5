//! librdkafka's log lines and errors, as events of ours: for the person on call, and not a flood of them.
//!
//! Its own lines are at level DEBUG. That brokers are away is told once for the whole bus ([`crate::kafka::connecting::outage`]); other failures that are tried again are
//! told once in ten seconds for each client, and not while the brokers are away, which explains them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::kafka::connecting::outage::{self, News, Outage};
use crate::kafka::connecting::refusals::Refusals;
use crate::kafka::login::Login;
use crate::quiet::Quiet;

/// Facilities whose lines come as errors too (`FAIL`, `ERROR`), or tell of what is tried again by itself (`GETPID`), or of properties that
/// go to all clients, whom they concern or not (`CONFWARN`).
const ORDINARY: &[&str] = &[
    "FAIL",
    "ERROR",
    "GETPID",
    "CONFWARN",
    "REQTMOUT",
    "SESSTMOUT",
];

/// What brokers answer while they agree on leaders: for a moment, after each of them starts or a topic is made. What lasts shows in readiness.
const SETTLING: &[&str] = &[
    "NotLeaderForPartition",
    "LeaderNotAvailable",
    "NotCoordinator",
    "CoordinatorLoadInProgress",
    "CoordinatorNotAvailable",
];

/// Why a question got no answer, as errors of rdkafka write it.
const UNREACHED: &[&str] = &[
    "BrokerTransportFailure",
    "OperationTimedOut",
    "AllBrokersDown",
];

/// In each reason of a right that is missing, which is told by [`Refusals`].
const REFUSED: &str = "authorization failed";

/// The context of every client of ours.
pub(in crate::kafka) struct Context {
    /// What the client is for: `publisher`, `member of tailwater-sampler`.
    role: String,
    quiet: Quiet,
    last: Mutex<String>,
    outage: Arc<Outage>,
    refusals: Arc<Refusals>,
    login: Arc<Login>,
    /// Of the certificates that the client was made with.
    generation: u64,
}

impl Context {
    pub fn new(
        role: impl Into<String>,
        outage: Arc<Outage>,
        refusals: Arc<Refusals>,
        login: Arc<Login>,
    ) -> Self {
        Self {
            role: role.into(),
            quiet: Quiet::default(),
            last: Mutex::default(),
            outage,
            refusals,
            generation: login.generation(),
            login,
        }
    }

    pub fn login(&self) -> &Login {
        &self.login
    }

    /// For another client with the same role.
    pub fn again(&self) -> Self {
        Self::new(
            self.role.clone(),
            self.outage.clone(),
            self.refusals.clone(),
            self.login.clone(),
        )
    }

    /// Something failed that is tried again.
    pub fn warn(&self, what: &str) {
        what.clone_into(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner));
        let settling = SETTLING.iter().any(|code| what.contains(code));
        let told = what.contains(REFUSED) && self.refusals.told().is_some();
        if settling || told || self.is_stale() || self.outage.explains(Instant::now()) {
            tracing::debug!(client = %self.role, "kafka: {what}");
            return;
        }
        // A question that got no answer.
        if UNREACHED.iter().any(|code| what.contains(code)) {
            return self.report(RDKafkaErrorCode::BrokerTransportFailure, what);
        }
        match self.quiet.admit() {
            Some(held_back) => tracing::warn!(client = %self.role, held_back, "kafka: {what}"),
            None => tracing::debug!(client = %self.role, "kafka: {what}"),
        }
    }

    /// What a client met while it read.
    pub fn failed(&self, code: RDKafkaErrorCode, reason: &str) {
        match outage::concerns(code) {
            true => self.report(code, reason),
            false => self.warn(reason),
        }
    }

    /// The brokers answered this client.
    pub fn answered(&self) {
        if let Some(away) = self.outage.answered(Instant::now()) {
            let away_s = away.as_secs();
            tracing::info!(away_s, "kafka can be reached again");
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

    /// Another client takes this one's place, or will: what becomes of its old certificates is no news.
    fn is_stale(&self) -> bool {
        self.generation != self.login.generation()
    }

    fn note(&self, line: &str) {
        line.clone_into(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner));
        tracing::debug!(client = %self.role, "kafka: {line}");
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning
                if !ORDINARY.contains(&facility) =>
            {
                self.warn(line);
            }
            // Why a broker can't be reached is told by a line alone; that an idle connection was closed is one of less weight.
            _ if facility == "FAIL"
                && (matches!(level, RDKafkaLogLevel::Error) || outage::hung_up(line)) =>
            {
                self.report(RDKafkaErrorCode::BrokerTransportFailure, line)
            }
            _ => tracing::debug!(client = %self.role, facility, "kafka: {line}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        match code.filter(|code| outage::concerns(*code)) {
            Some(code) => self.report(code, reason),
            None => self.warn(&format!("{error}: {reason}")),
        }
    }

    /// Statistics are off unless configured by a property, and then they are for the log alone.
    fn stats_raw(&self, statistics: &[u8]) {
        tracing::info!(client = %self.role, statistics = %String::from_utf8_lossy(statistics), "kafka: statistics");
    }
}

impl ConsumerContext for Context {}

impl Context {
    /// Brokers can't be reached, as far as this client sees.
    fn report(&self, code: RDKafkaErrorCode, reason: &str) {
        if code != RDKafkaErrorCode::AllBrokersDown {
            self.note(reason);
        }
        if self.is_stale() {
            return;
        }
        match self.outage.report(code, reason, Instant::now()) {
            News::None => {}
            News::Away(reason) => tracing::warn!(
                reason,
                todo = outage::advice(&reason),
                "kafka can't be reached; trying again until it can"
            ),
            News::OneAway(reason) => tracing::warn!(
                reason,
                todo = outage::advice(&reason),
                "a kafka broker can't be reached; going on with the others"
            ),
        }
    }
}
