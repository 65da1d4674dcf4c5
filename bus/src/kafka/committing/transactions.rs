//! One transactional producer, and the three arms that every error of a transaction falls into.
//!
//! Not here: what an epoch is and who may commit it, see `committer`.

use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;

use crate::kafka::committing::sending::{EpochContext, send_all};
use crate::kafka::connecting::errors::{error, lacks_right, needs_somebody, not_a_member};
use crate::kafka::connecting::lookups::ANSWER;
use crate::kafka::connecting::polled::PolledProducer;
use crate::kafka::connecting::properties::Properties;
use crate::kafka::connecting::refusals::Attempt;
use crate::{GroupOptions, Record, Result, TopicPartition};

/// How long one call may take before it is called again, with a warning in between.
const STEP: Duration = Duration::from_secs(5);

/// How long a call is called again before the producer counts as stuck and another one takes its place. Also what an outage
/// of the brokers costs at most beyond its own length.
const PATIENCE: Duration = Duration::from_secs(60);

/// Exactly three arms.
#[derive(Debug)]
pub(in crate::kafka) enum Arm {
    /// The same call again.
    Retry(String),
    /// This transaction is void; the next one may succeed. Whether the group said that we aren't a member.
    Abort(String, bool),
    /// This producer is void: fenced, or broken.
    Fatal(String, Mend),
}

/// What would let another producer do better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Mend {
    /// That it is another one.
    Another,
    /// A right, which somebody may give at any time.
    Right,
    /// Nothing but another configuration, of ours or of the brokers.
    Somebody,
}

impl Mend {
    fn of(code: RDKafkaErrorCode) -> Self {
        match code {
            // It only says that there was an error before.
            RDKafkaErrorCode::Fatal => Self::Another,
            code if lacks_right(code) => Self::Right,
            code if needs_somebody(code) => Self::Somebody,
            _ => Self::Another,
        }
    }
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
        KafkaError::Transaction(e) if e.is_fatal() => Arm::Fatal(message, Mend::of(e.code())),
        // What voids each transaction alike: the next one would do no better.
        KafkaError::Transaction(e)
            if e.txn_requires_abort() && Mend::of(e.code()) != Mend::Another =>
        {
            Arm::Fatal(message, Mend::of(e.code()))
        }
        KafkaError::Transaction(e) if e.txn_requires_abort() => {
            Arm::Abort(message, not_a_member(e.code()))
        }
        KafkaError::Transaction(e) if e.is_retriable() => Arm::Retry(message),
        KafkaError::Transaction(e) => Arm::Fatal(message, Mend::of(e.code())),
        KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut) => Arm::Retry(message),
        other => {
            let code = other.rdkafka_error_code();
            Arm::Fatal(message, code.map_or(Mend::Another, Mend::of))
        }
    }
}

/// Why the transaction under way is void, if another one would do no better: what was purged with it doesn't say. (Asked by beginning another one,
/// which isn't possible in between.)
fn voided(client: &PolledProducer<EpochContext>) -> Option<(String, Mend)> {
    match client.begin_transaction() {
        Err(KafkaError::Transaction(e)) if e.txn_requires_abort() => {
            let mend = Mend::of(e.code());
            (mend != Mend::Another).then(|| (e.to_string(), mend))
        }
        _ => None,
    }
}

/// A transactional producer that is made again when it broke.
pub(in crate::kafka) struct Producer {
    config: ClientConfig,
    properties: Properties,
    request_bytes_max: usize,
    role: String,
    client: Option<PolledProducer<EpochContext>>,
    /// Of the certificates that the client was made with.
    generation: u64,
    initialised: bool,
    /// Transactions altogether.
    attempt: Attempt,
}

impl Producer {
    /// Takes over from whoever used the same id before, which aborts what that one left open. Brokers that don't
    /// answer, or don't allow it, are no error: the first commit tries again.
    pub fn new(properties: &Properties, options: &GroupOptions) -> Result<Self> {
        let id = format!("{}-{}", options.group, options.instance);
        let role = format!("transactions of {id}");
        let mut producer = Self {
            config: properties.transactions(&id),
            properties: properties.clone(),
            request_bytes_max: properties.message_bytes_max(),
            attempt: Attempt::new(properties.refusals(), role.clone()),
            role,
            client: None,
            generation: 0,
            initialised: false,
        };
        producer.create()?;
        let deadline = Instant::now() + ANSWER;
        match producer.initialise(|| Instant::now() < deadline) {
            Ok(()) | Err(Arm::Retry(_)) => Ok(producer),
            Err(Arm::Fatal(why, Mend::Right)) => {
                producer.refused(&why);
                Ok(producer)
            }
            Err(Arm::Abort(why, _) | Arm::Fatal(why, Mend::Another)) => {
                Err(crate::Error::Unavailable(why))
            }
            Err(Arm::Fatal(why, Mend::Somebody)) => Err(crate::Error::Fatal(why)),
        }
    }

    fn create(&mut self) -> Result<()> {
        self.initialised = false;
        self.generation = self.properties.login().generation();
        let context =
            EpochContext::new(self.properties.context(&self.role), self.request_bytes_max);
        let client = PolledProducer::new(&self.config, context, self.properties.login())
            .map_err(|e| error("creating a transactional Kafka producer", &e))?;
        self.client = Some(client);
        Ok(())
    }

    pub fn discard(&mut self) {
        self.client = None;
    }

    /// The brokers don't allow what was attempted.
    pub fn refused(&mut self, why: &str) {
        self.discard();
        self.attempt.refused(why);
    }

    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    pub fn warn(&self, what: &str) {
        if let Some(client) = &self.client {
            client.client().context().warn(what);
        }
    }

    fn client(&self) -> std::result::Result<&PolledProducer<EpochContext>, Arm> {
        self.client
            .as_ref()
            .ok_or_else(|| Arm::Fatal("there is no transactional producer".into(), Mend::Another))
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
        // Between two transactions: another client under the same id ends nothing that is open.
        if self.client.is_none() || self.generation != self.properties.login().generation() {
            self.create()
                .map_err(|e| Arm::Fatal(e.to_string(), Mend::Somebody))?;
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
            Some((code, reason)) => Err(Arm::Fatal(format!("{why} ({reason})"), Mend::of(code))),
            None => Err(match (Mend::of(code), voided(client)) {
                (Mend::Another, Some((voided, mend))) => {
                    Arm::Fatal(format!("{why}: {voided}"), mend)
                }
                (Mend::Another, None) => Arm::Abort(why, false),
                (mend, _) => Arm::Fatal(why, mend),
            }),
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
