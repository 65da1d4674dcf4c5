//! Kafka as a kind of backend.

use bus::RawKafka;
use bus::kafka::value_bytes_max;
use runtime::config::{ByteSize, Problems};
use schemas::{Signal, headers};

use super::config::{KafkaConfig, RawCompression, RawKafkaBackend};
use super::sink::Kafka;
use super::topic::{Template, is_topic};
use crate::backends::kind::{BackendKind, Opening};
use crate::records::limits::BatchLimits;

/// The Collector's default; brokers take 1,048,588 bytes unless they are told otherwise.
const MESSAGE_BYTES_MAX: ByteSize = ByteSize(1_000_000);
/// librdkafka's bounds.
const MESSAGE_BYTES: std::ops::RangeInclusive<u64> = 1_000..=1_000_000_000;
/// The Collector's defaults, in the order of [`Signal::ALL`].
const TOPICS: [&str; 3] = ["otlp_spans", "otlp_logs", "otlp_metrics"];
const SIGNAL: &str = "{signal}";

impl BackendKind for KafkaConfig {
    type Section = RawKafkaBackend;
    type Sink = Kafka;

    /// What is acknowledged is remembered by batch: small ones cost little there, as the client gathers messages by itself.
    const BATCH: BatchLimits = BatchLimits {
        bytes: 1 << 20,
        ..BatchLimits::USUAL
    };

    fn validate(
        section: &Self::Section,
        signals: &[Signal],
        at: &str,
        problems: &mut Problems,
    ) -> Self {
        check_size(section, at, problems);
        let cluster = match section.brokers.is_empty() {
            true => {
                check_own(section, at, problems);
                None
            }
            false => Some(other(section, at, problems)),
        };
        if section
            .create_topics
            .is_some_and(|create| !(1..=1024).contains(&create.partitions))
        {
            problems.push(
                format!("{at}.create_topics.partitions"),
                "is not within 1 and 1024",
            );
        }
        let limit = match (&cluster, section.message_bytes_max) {
            (None, None) => None,
            (_, limit) => Some(limit.unwrap_or(MESSAGE_BYTES_MAX)),
        };
        let limit = limit.map(|limit| limit.0.clamp(*MESSAGE_BYTES.start(), *MESSAGE_BYTES.end()));
        Self {
            cluster,
            topics: topics(section, signals, at, problems),
            format: section.format,
            key: section.key,
            headers: headers_of(section, at, problems),
            value_bytes_max: limit.map(|limit| value_bytes_max(limit as usize)),
            create: section.create_topics,
        }
    }

    fn target(section: &Self::Section) -> Option<String> {
        let topic = section.topic.as_deref().unwrap_or("otlp_*");
        Some(match section.brokers.is_empty() {
            true => format!("{topic} on the bus's cluster"),
            false => format!("{topic} on {}", section.brokers.join(",")),
        })
    }

    fn transactional(&self) -> bool {
        self.cluster.is_none()
    }

    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<Kafka> {
        Ok(Kafka::new(self, opening.bus))
    }
}

fn check_size(section: &RawKafkaBackend, at: &str, problems: &mut Problems) {
    let Some(bytes) = section.message_bytes_max else {
        return;
    };
    if !MESSAGE_BYTES.contains(&bytes.0) {
        let message = "is not between 1000 and 1000000000 bytes";
        problems.push(format!("{at}.message_bytes_max"), message);
    }
}

/// The bus has its own ways for these.
fn check_own(section: &RawKafkaBackend, at: &str, problems: &mut Problems) {
    for (key, is_written) in [
        ("tls", section.tls.is_some()),
        ("sasl", section.sasl.is_some()),
        ("properties", !section.properties.is_empty()),
        ("compression", section.compression.is_some()),
    ] {
        if is_written {
            let message = "stands without `brokers`: then the bus's own cluster is written to, in the way that `bus.kafka` says; name the brokers, or leave this out";
            problems.push(format!("{at}.{key}"), message);
        }
    }
}

fn other(section: &RawKafkaBackend, at: &str, problems: &mut Problems) -> RawKafka {
    let mut kafka = RawKafka {
        brokers: section.brokers.clone(),
        replication_factor: section
            .create_topics
            .and_then(|create| create.replication_factor),
        create_topics: Some(section.create_topics.is_some()),
        static_membership: None,
        tls: section.tls.clone(),
        sasl: section.sasl.clone(),
        properties: section.properties.clone(),
    };
    bus::kafka::check(&kafka, at, problems);
    let compression = section.compression.map(RawCompression::name);
    let limit = section.message_bytes_max.unwrap_or(MESSAGE_BYTES_MAX);
    for (property, key, value) in [
        (
            "compression.type",
            "compression",
            compression.map(str::to_owned),
        ),
        (
            "message.max.bytes",
            "message_bytes_max",
            Some(limit.0.to_string()),
        ),
    ] {
        if kafka.properties.contains_key(property) {
            let message = format!("is what `{key}` says: write that");
            problems.push(format!("{at}.properties.{property}"), message);
        } else if let Some(value) = value {
            kafka.properties.insert(property.to_owned(), value);
        }
    }
    kafka
}

fn topics(
    section: &RawKafkaBackend,
    signals: &[Signal],
    at: &str,
    problems: &mut Problems,
) -> [Template; 3] {
    let at = format!("{at}.topic");
    let Some(topic) = &section.topic else {
        return TOPICS.map(Template::new);
    };
    if signals.len() > 1 && !topic.contains(SIGNAL) {
        let message = format!(
            "`{topic}` would hold several signals, which no reader tells apart: write {{signal}} in it, or one signal in `signals`"
        );
        problems.push(&at, message);
    }
    let topics = Signal::ALL.map(|signal| Template::new(topic.replace(SIGNAL, signal.name())));
    let is_bad = |template: &Template| !template.fill(None).is_ok_and(|name| is_topic(&name));
    if topics.iter().any(is_bad) {
        problems.push(at, format!("`{topic}` can't be the name of a topic: use letters, digits, `.`, `_`, `-`, and {{tenant}} and {{signal}}"));
    }
    topics
}

fn headers_of(
    section: &RawKafkaBackend,
    at: &str,
    problems: &mut Problems,
) -> Vec<(String, Template)> {
    let ours = [
        headers::TENANT,
        headers::VERSION_NAME,
        headers::KEY,
        headers::KEY_ALONE,
        "content-type",
    ];
    for name in section.headers.keys() {
        let at = format!("{at}.headers.{name}");
        if ours.contains(&name.as_str()) {
            problems.push(at, format!("`{name}` is set by the exporter itself"));
        } else if name.is_empty() || name.contains('\0') {
            problems.push(at, "is not the name of a header");
        }
    }
    let all = section.headers.iter();
    all.map(|(name, value)| (name.clone(), Template::new(value)))
        .collect()
}
