//! librdkafka's properties: what we set for each role and why, and what the configuration may not touch.
//!
//! Properties of the configuration win over ours, except those on which a guarantee rests: they are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use crate::kafka::config::RawKafka;
use crate::kafka::connecting::log::Context;
use crate::kafka::connecting::outage::Outage;
use crate::kafka::connecting::refusals::Refusals;
use crate::kafka::login::{self, Credential, Files, Login, Mechanism, Source};
use crate::{Error, Result};

/// `message.max.bytes` unless configured: below the broker's default of 1,048,588.
const MESSAGE_BYTES_MAX: usize = 1_016_384;
/// librdkafka takes no smaller limit.
const MESSAGE_BYTES_MIN: usize = 1000;

/// Set by us for the sake of a guarantee; another value would break it silently.
const RESERVED: &[(&str, &str)] = &[
    ("bootstrap.servers", "the brokers are named by `brokers`"),
    ("metadata.broker.list", "the brokers are named by `brokers`"),
    ("group.id", "groups are named by the stages"),
    (
        "group.instance.id",
        "it is made of the instance, unless `static_membership: false`",
    ),
    (
        "group.protocol",
        "the new protocol of this client version fails for good past max.poll.interval.ms",
    ),
    (
        "partition.assignment.strategy",
        "topics with equal partition counts must be assigned alike",
    ),
    (
        "transactional.id",
        "it is made of the group and the instance",
    ),
    (
        "enable.idempotence",
        "a retry must not write a record twice",
    ),
    ("acks", "acknowledged means on all in-sync replicas"),
    (
        "request.required.acks",
        "acknowledged means on all in-sync replicas",
    ),
    (
        "isolation.level",
        "records of aborted epochs must not be read",
    ),
    (
        "enable.auto.commit",
        "positions are committed with their epoch",
    ),
    (
        "enable.auto.offset.store",
        "positions are committed with their epoch",
    ),
    (
        "auto.offset.reset",
        "records that retention deleted must be reported, not passed over",
    ),
    (
        "enable.partition.eof",
        "a member must know when it has caught up",
    ),
    ("log.queue", "the client's log is ours to print"),
];

/// What is wrong with the properties, each with the key that it concerns. Needs no broker.
pub fn problems(config: &RawKafka) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if config.brokers.iter().all(|broker| broker.trim().is_empty()) {
        problems.push((
            "brokers".into(),
            "names no broker: give at least one host:port".into(),
        ));
    }
    let (tls, sasl) = (config.tls.as_ref(), config.sasl.as_deref());
    problems.extend(login::problems(tls, sasl));
    let settings = login::settings(tls, sasl);
    let contradictions = login::contradictions(&settings, &config.properties).into_iter();
    problems.extend(contradictions.map(|(key, why)| (format!("properties.{key}"), why)));
    for (key, value) in &config.properties {
        let refused = RESERVED.iter().find(|(reserved, _)| reserved == key);
        let problem = if let Some((_, why)) = refused {
            Some(format!("can't be set: {why}"))
        } else if needs_kerberos(key, value) && !cfg!(feature = "kafka-kerberos") {
            Some(
                "Kerberos is not in this build: build with `--features kafka-kerberos`, or take another mechanism"
                    .to_owned(),
            )
        } else {
            let mut single = ClientConfig::new();
            single.set(key, value);
            single
                .create_native_config()
                .err()
                .map(|error| reason(&error))
        };
        if let Some(problem) = problem {
            problems.push((format!("properties.{key}"), problem));
        }
    }
    problems
}

/// Properties that work, and that hardly anybody wants; each with the key that it concerns.
pub fn doubts(config: &RawKafka) -> Vec<(String, String)> {
    let doubt = |(key, value): (&String, &String)| {
        let value = value.trim().to_ascii_lowercase();
        let message = match key.as_str() {
            "enable.ssl.certificate.verification"
                if matches!(value.as_str(), "false" | "f" | "0") =>
            {
                "takes any certificate, so that whoever is on the way can read everything and answer in the brokers' place; for a certificate of your own, name its authority in ssl.ca.location"
            }
            "ssl.endpoint.identification.algorithm" if value == "none" => {
                "takes a certificate of any host, so that whoever has one of the same authority can answer in the brokers' place; give the brokers certificates with their names"
            }
            _ => return None,
        };
        Some((format!("properties.{key}"), message.to_owned()))
    };
    config.properties.iter().filter_map(doubt).collect()
}

/// The path names key and value already.
fn reason(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, reason, ..) => reason.clone(),
        other => other.to_string(),
    }
}

fn needs_kerberos(key: &str, value: &str) -> bool {
    let mechanism = matches!(key, "sasl.mechanism" | "sasl.mechanisms");
    key.starts_with("sasl.kerberos.") || mechanism && value.eq_ignore_ascii_case("GSSAPI")
}

/// The largest value of a record where messages may have so many bytes, 1000 at least: the rest is for headers, framing, and what compression may add.
pub fn value_bytes_max(message_bytes_max: usize) -> usize {
    message_bytes_max - message_bytes_max / 64 - 512
}

/// The properties of all clients of one bus.
#[derive(Clone, Debug)]
pub(in crate::kafka) struct Properties {
    config: RawKafka,
    /// The smallest `max.message.bytes` of the topics, once the brokers were asked; shared by all clones.
    topics_bytes_max: Arc<AtomicUsize>,
    /// Likewise shared: what all clients know of whether the brokers can be reached.
    outage: Arc<Outage>,
    /// And of what the brokers don't allow.
    refusals: Arc<Refusals>,
    /// And what they log in with.
    login: Arc<Login>,
}

impl Properties {
    /// # Errors
    /// The configuration can't work, or there is nothing to log in with just now: no token, or no certificate that can be used.
    pub fn new(config: &RawKafka) -> Result<Self> {
        let problems = problems(config);
        if !problems.is_empty() {
            let lines: Vec<_> = problems
                .iter()
                .map(|(key, problem)| format!("bus.kafka.{key} {problem}"))
                .collect();
            return Err(Error::Fatal(lines.join("; ")));
        }
        let files = config.tls.as_ref().and_then(Files::of);
        let login =
            Login::open(password(config), source(config), files).map_err(Error::Unavailable)?;
        Ok(Self {
            config: config.clone(),
            topics_bytes_max: Arc::new(AtomicUsize::new(usize::MAX)),
            outage: Arc::default(),
            refusals: Arc::default(),
            login,
        })
    }

    /// For a client with this role.
    pub fn context(&self, role: impl Into<String>) -> Context {
        Context::new(
            role,
            self.outage.clone(),
            self.refusals.clone(),
            self.login.clone(),
        )
    }

    pub fn login(&self) -> &Arc<Login> {
        &self.login
    }

    pub fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    pub fn brokers(&self) -> String {
        self.config.brokers.join(",")
    }

    /// The largest value of a record: what is left when headers, the batch's own fields and what compression may add to what
    /// can't be compressed have had their part of a message.
    pub fn record_bytes_max(&self) -> usize {
        value_bytes_max(self.message_bytes_max())
    }

    /// The brokers refuse a batch that is larger than its topic allows, and this client never cuts one in two: so it must
    /// not make one.
    pub fn limit_messages(&self, topics_bytes_max: usize) {
        self.topics_bytes_max
            .fetch_min(topics_bytes_max, Ordering::Relaxed);
    }

    pub fn message_bytes_max(&self) -> usize {
        let configured = self.config.properties.get("message.max.bytes");
        configured
            .and_then(|value| value.parse().ok())
            .unwrap_or(MESSAGE_BYTES_MAX)
            .min(self.topics_bytes_max.load(Ordering::Relaxed))
            .max(MESSAGE_BYTES_MIN)
    }

    /// For look-ups outside of any group: sees the high watermark, open transactions included.
    pub fn lookup(&self) -> ClientConfig {
        self.build(&[
            ("isolation.level", "read_uncommitted"),
            ("enable.auto.commit", "false"),
            // The one client that is there before all others: a port that speaks TLS or wants a login hangs up without a word.
            ("log.connection.close", "true"),
        ])
    }

    /// For look-ups of a group's positions; never joins it.
    pub fn group_lookup(&self, group: &str) -> ClientConfig {
        let mut config = self.build(&[
            ("isolation.level", "read_committed"),
            ("enable.auto.commit", "false"),
        ]);
        config.set("group.id", group);
        config
    }

    /// For reading partitions outside of a group. It needs a `group.id` all the same, which never appears on the brokers
    /// since it neither joins nor commits.
    pub fn reader(&self) -> ClientConfig {
        let mut config = self.build(CONSUMER);
        config.set("group.id", "tailwater-reader");
        config
    }

    pub fn member(&self, group: &str, instance: &str) -> ClientConfig {
        let mut config = self.build(&[CONSUMER, MEMBER].concat());
        config.set("group.id", group);
        if self.config.static_membership.unwrap_or(true) {
            config.set("group.instance.id", legal_instance_id(instance));
        }
        config
    }

    pub fn publisher(&self) -> ClientConfig {
        self.build(&[PRODUCER, PUBLISHER].concat())
    }

    pub fn transactions(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.build(&[PRODUCER, TRANSACTIONS].concat());
        config.set("transactional.id", transactional_id);
        config
    }

    fn build(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in COMMON.iter().chain(ours) {
            config.set(*key, *value);
        }
        self.set_security(&mut config);
        for (key, value) in &self.config.properties {
            config.set(key, value);
        }
        if let Some(Credential::Password { user, password }) = self.login.credential() {
            config.set("sasl.username", user);
            config.set("sasl.password", password);
        }
        config.set("message.max.bytes", self.message_bytes_max().to_string());
        config.set("bootstrap.servers", self.brokers());
        config
    }

    fn set_security(&self, config: &mut ClientConfig) {
        let (tls, sasl) = (self.config.tls.as_ref(), self.config.sasl.as_deref());
        for setting in login::settings(tls, sasl) {
            config.set(setting.property, setting.value);
        }
        let written = self.config.properties.get("security.protocol");
        let protocol = written
            .map(String::as_str)
            .or(config.get("security.protocol"));
        let protocol = protocol.unwrap_or_default().to_ascii_lowercase();
        if protocol.contains("ssl") && config.get("ssl.ca.location").is_none() {
            // Our OpenSSL was not built for this machine: the folder that it knows is empty.
            config.set("ssl.ca.location", "probe");
        }
        if protocol.contains("sasl") {
            for (key, value) in LOGIN {
                config.set(*key, *value);
            }
        }
    }
}

/// User and password, unless a token logs in.
fn password(config: &RawKafka) -> Option<Credential> {
    let mechanism = config.sasl.as_deref().and_then(|sasl| sasl.mechanism);
    let (user, password) = config.secrets().password?;
    (mechanism != Some(Mechanism::OauthBearer)).then_some(Credential::Password { user, password })
}

fn source(config: &RawKafka) -> Option<Source> {
    let sasl = config.sasl.as_deref()?;
    let by_token = sasl.mechanism == Some(Mechanism::OauthBearer);
    Source::of(sasl.oauth.as_ref().filter(|_| by_token)?)
}

/// Brokers take letters, digits and three signs, as in the names of topics.
fn legal_instance_id(instance: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    instance
        .chars()
        .take(INSTANCE_ID_CHARS_MAX)
        .map(|c| if legal(c) { c } else { '-' })
        .collect()
}

const INSTANCE_ID_CHARS_MAX: usize = 249;

const COMMON: &[(&str, &str)] = &[
    ("client.id", "tailwater"),
    // A broker that comes back is found within two seconds rather than ten.
    ("reconnect.backoff.max.ms", "2000"),
    ("log.connection.close", "false"),
    ("socket.nagle.disable", "true"),
    ("socket.keepalive.enable", "true"),
];

/// With a login, a broker that is away or refuses it is tried less often: each try may count as a wrong password somewhere.
const LOGIN: &[(&str, &str)] = &[
    ("reconnect.backoff.ms", "1000"),
    ("reconnect.backoff.max.ms", "5000"),
];

const CONSUMER: &[(&str, &str)] = &[
    ("isolation.level", "read_committed"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("allow.auto.create.topics", "false"),
    // Fetch sizes count compressed bytes and make most of the resident memory: a record that is larger still comes.
    ("max.partition.fetch.bytes", "262144"),
    ("fetch.max.bytes", "4194304"),
    ("fetch.wait.max.ms", "100"),
    // Prefetched and decompressed, for each partition.
    ("queued.max.messages.kbytes", "1024"),
    // The default of a second lets large records trickle: a tenth of the throughput.
    ("fetch.queue.backoff.ms", "10"),
    ("fetch.error.backoff.ms", "100"),
];

const MEMBER: &[(&str, &str)] = &[
    ("group.protocol", "classic"),
    ("partition.assignment.strategy", "range"),
    // A process that died is noticed after ten seconds; its successor reads what it left behind.
    ("session.timeout.ms", "10000"),
    ("heartbeat.interval.ms", "2000"),
    ("max.poll.interval.ms", "60000"),
    // At low rates wake-ups cost more than the records: wait up to 100 ms for this much.
    ("fetch.min.bytes", "262144"),
];

const PRODUCER: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("max.in.flight.requests.per.connection", "5"),
    ("compression.type", "lz4"),
    ("batch.size", "1000000"),
    ("queue.buffering.max.messages", "100000"),
    // What may wait in memory for the brokers; above it publishing is refused.
    ("queue.buffering.max.kbytes", "65536"),
];

const PUBLISHER: &[(&str, &str)] = &[
    // Records are packed already, and a request to the broker holds one partition's: waiting gains nothing.
    ("linger.ms", "0"),
    // Then the record's sender is told; it has given up by itself by then.
    ("message.timeout.ms", "30000"),
];

const TRANSACTIONS: &[(&str, &str)] = &[
    // An epoch's records are all there at once: waiting for more would only delay the commit.
    ("linger.ms", "0"),
    // The broker aborts what a dead process left open after this; until then it hides newer records.
    ("transaction.timeout.ms", "10000"),
];
