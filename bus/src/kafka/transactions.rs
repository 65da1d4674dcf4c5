//! One transactional producer, and the three arms that every error of a transaction falls into.
//!
//! Not here: what an epoch is and who may commit it, see `committer`.

use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;

use super::errors::{error, needs_somebody, not_a_member};
use super::lookups::ANSWER;
use super::polled::PolledProducer;
use super::properties::Properties;
use super::sending::{EpochContext, send_all};
use crate::{GroupOptions, Record, Result, TopicPartition};

/// How long one call may take before it is called again, with a warning in between.
const STEP: Duration = Duration::from_secs(5);

/// How long a call is called again before the producer counts as stuck and another one takes its place. Also what an outage
/// of the brokers costs at most beyond its own length.
const PATIENCE: Duration = Duration::from_secs(60);

/// Exactly three arms.
#[derive(Debug)]
pub(super) enum Arm {
    /// The same call again.
    Retry(String),
    /// This transaction is void; the next one may succeed. Whether the group said that we aren't a member.
    Abort(String, bool),
    /// This producer is void: fenced, or broken. Whether somebody must act before another one would do better.
    Fatal(String, bool),
}

impl Arm {
    fn reason(&self) -> &str {
        match self {
            Self::Retry(reason) | Self::Abort(reason, _) | Self::Fatal(reason, _) => reason,
        }
    }
}

fn arm(attempted: &str, error: &KafkaError) -> Arm {
    let message = format!("{attempted}: {error}");
    match error {
        KafkaError::Transaction(e) if e.is_fatal() => Arm::Fatal(message, hopeless(e.code())),
        // A right that is missing voids each transaction alike: trying again would go on for ever.
        KafkaError::Transaction(e) if e.txn_requires_abort() && hopeless(e.code()) => {
            Arm::Fatal(message, true)
        }
        KafkaError::Transaction(e) if e.txn_requires_abort() => {
            Arm::Abort(message, not_a_member(e.code()))
        }
        KafkaError::Transaction(e) if e.is_retriable() => Arm::Retry(message),
        KafkaError::Transaction(e) => Arm::Fatal(message, hopeless(e.code())),
        KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut) => Arm::Retry(message),
        other => Arm::Fatal(message, other.rdkafka_error_code().is_some_and(hopeless)),
    }
}

/// `Fatal` itself only says that there was an error before.
fn hopeless(code: RDKafkaErrorCode) -> bool {
    needs_somebody(code) && code != RDKafkaErrorCode::Fatal
}

/// A transactional producer that is made again when it broke.
pub(super) struct Producer {
    config: ClientConfig,
    properties: Properties,
    request_bytes_max: usize,
    role: String,
    client: Option<PolledProducer<EpochContext>>,
    initialised: bool,
}

impl Producer {
    /// Takes over from whoever used the same id before, which aborts what that one left open. Brokers that don't
    /// answer are no error: the first commit tries again.
    pub fn new(properties: &Properties, options: &GroupOptions) -> Result<Self> {
        let id = format!("{}-{}", options.group, options.instance);
        let mut producer = Self {
            config: properties.transactions(&id),
            properties: properties.clone(),
            request_bytes_max: properties.message_bytes_max(),
            role: format!("transactions of {id}"),
            client: None,
            initialised: false,
        };
        producer.create()?;
        let deadline = Instant::now() + ANSWER;
        match producer.initialise(|| Instant::now() < deadline) {
            Ok(()) | Err(Arm::Retry(_)) => Ok(producer),
            Err(Arm::Abort(why, _) | Arm::Fatal(why, false)) => Err(crate::Error::Unavailable(why)),
            Err(Arm::Fatal(why, true)) => Err(crate::Error::Fatal(why)),
        }
    }

    fn create(&mut self) -> Result<()> {
        self.initialised = false;
        let context =
            EpochContext::new(self.properties.context(&self.role), self.request_bytes_max);
        let client = PolledProducer::new(&self.config, context)
            .map_err(|e| error("creating a transactional Kafka producer", &e))?;
        self.client = Some(client);
        Ok(())
    }

    pub fn discard(&mut self) {
        self.client = None;
    }

    pub fn warn(&self, what: &str) {
        if let Some(client) = &self.client {
            client.client().context().warn(what);
        }
    }

    fn client(&self) -> std::result::Result<&PolledProducer<EpochContext>, Arm> {
        self.client
            .as_ref()
            .ok_or_else(|| Arm::Fatal("there is no transactional producer".into(), false))
    }

    /// Calls until it is done, refused for good, no longer wanted, or stuck (then the last reason to retry).
    fn until_done(
        &self,
        attempted: &str,
        wanted: impl Fn() -> bool,
        call: impl Fn(&PolledProducer<EpochContext>) -> std::result::Result<(), KafkaError>,
    ) -> std::result::Result<(), Arm> {
        let begin = Instant::now();
        loop {
            match call(self.client()?) {
                Ok(()) => return Ok(()),
                Err(e) => match arm(attempted, &e) {
                    Arm::Retry(why) => {
                        self.warn(&why);
                        if !wanted() || begin.elapsed() > PATIENCE {
                            return Err(Arm::Retry(why));
                        }
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    other => return Err(other),
                },
            }
        }
    }

    pub fn initialise(&mut self, wanted: impl Fn() -> bool) -> std::result::Result<(), Arm> {
        if self.client.is_none() {
            self.create().map_err(|e| Arm::Fatal(e.to_string(), true))?;
        }
        if !self.initialised {
            self.until_done("initialising transactions", wanted, |client| {
                client.init_transactions(STEP)
            })?;
            self.initialised = true;
        }
        Ok(())
    }

    pub fn begin(&self) -> std::result::Result<(), Arm> {
        let client = self.client()?;
        client.client().context().take_failed();
        client
            .begin_transaction()
            .map_err(|e| arm("beginning a transaction", &e))
    }

    /// Produces and waits for the acknowledgements.
    pub fn produce(&self, records: &[(TopicPartition, Record)]) -> std::result::Result<(), Arm> {
        let client = self.client()?;
        let sent = send_all(client, records, 0..records.len());
        let failed = client.client().context().take_failed();
        let failure = match sent {
            Err(e) => Some((
                e.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown),
                e.to_string(),
            )),
            Ok(()) => failed
                .first()
                .map(|(index, code)| (*code, format!("{code} on {}", records[*index].0))),
        };
        let Some((code, why)) = failure else {
            return Ok(());
        };
        let why = format!("producing the records of an epoch: {why}");
        match client.client().fatal_error() {
            Some((code, reason)) => Err(Arm::Fatal(format!("{why} ({reason})"), hopeless(code))),
            None if hopeless(code) => Err(Arm::Fatal(why, true)),
            None => Err(Arm::Abort(why, false)),
        }
    }

    pub fn send_positions(
        &self,
        positions: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
        wanted: impl Fn() -> bool,
    ) -> std::result::Result<(), Arm> {
        self.until_done("adding positions to a transaction", wanted, |client| {
            client.send_offsets_to_transaction(positions, group, STEP)
        })
    }

    /// An error that isn't `Abort` leaves the outcome open.
    pub fn commit(&self) -> std::result::Result<(), Arm> {
        self.until_done(
            "committing a transaction",
            || true,
            |client| client.commit_transaction(STEP),
        )
    }

    /// When even this fails, the producer is discarded: the brokers abort the transaction themselves.
    pub fn abort(&mut self) {
        let aborted = self.until_done(
            "aborting a transaction",
            || true,
            |client| client.abort_transaction(STEP),
        );
        if let Err(why) = aborted {
            self.warn(&format!("discarding the producer: {}", why.reason()));
            self.discard();
        }
    }
}
