//! The section `kafka`.

use std::collections::BTreeMap;
use std::fmt;

use bus::RawKafka;
use bus::kafka::{RawKafkaTls, RawSasl};
use runtime::config::ByteSize;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use super::messages::{Format, KeyOf};
use super::topic::Template;

/// A Kafka cluster, or the bus's own.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKafkaBackend {
    /// The brokers to start from, as `host:port`. Absent: the messages are written to the bus's own cluster, in one transaction with the positions of
    /// what they are of, so that a reader with `read_committed` sees each once.
    pub brokers: Vec<String>,
    /// TLS with the brokers. Absent: none.
    pub tls: Option<RawKafkaTls>,
    /// The login to the brokers. Absent: none.
    pub sasl: Option<Box<RawSasl>>,
    /// Any librdkafka properties of the producer. They may not contradict `tls` and `sasl`.
    pub properties: BTreeMap<String, String>,
    /// The topic. `{tenant}` is replaced by the name of the tenant whose data it is (`default` where records name none), `{signal}` by `traces`, `logs` or
    /// `metrics`. Absent: `otlp_spans`, `otlp_logs` and `otlp_metrics`.
    pub topic: Option<String>,
    /// What a message holds.
    pub format: Format,
    /// What is in one message, and its key.
    pub key: KeyOf,
    /// Headers of each message. `{tenant}` in a value is replaced by the tenant's name.
    pub headers: BTreeMap<String, String>,
    /// The compression of messages. Absent: `lz4`.
    pub compression: Option<RawCompression>,
    /// The size of the largest message, with its key and headers. The topic's `max.message.bytes` must not be smaller. Absent: 1000000 bytes, or what the bus
    /// takes.
    pub message_bytes_max: Option<ByteSize>,
    /// Create topics that are missing. Absent: they aren't created, and the backend is held.
    pub create_topics: Option<RawCreateTopics>,
}

impl fmt::Debug for RawKafkaBackend {
    /// Properties may hold a password, and headers other secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawKafkaBackend")
            .field("brokers", &self.brokers)
            .field("topic", &self.topic)
            .field("format", &self.format)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The compression of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawCompression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl RawCompression {
    /// As librdkafka calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// How missing topics are created.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCreateTopics {
    /// The number of partitions.
    #[schemars(range(min = 1, max = 1024))]
    pub partitions: u32,
    /// The replication factor. Absent: the brokers' default. On the bus's own cluster it is that of `bus.kafka`.
    #[schemars(range(min = 1))]
    pub replication_factor: Option<u16>,
}

impl Default for RawCreateTopics {
    fn default() -> Self {
        Self {
            partitions: 16,
            replication_factor: None,
        }
    }
}

/// A valid section.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `None`: the bus itself.
    pub cluster: Option<RawKafka>,
    /// By signal, in the order of [`Signal::ALL`].
    pub topics: [Template; Signal::ALL.len()],
    pub format: Format,
    pub key: KeyOf,
    pub headers: Vec<(String, Template)>,
    /// Of a message's value; `None`: what the bus takes.
    pub value_bytes_max: Option<usize>,
    pub create: Option<RawCreateTopics>,
}
