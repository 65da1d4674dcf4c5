//! The `bus` section of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use runtime::config::{ByteSize, Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Bus, Result};

/// Where the records are: an embedded log on this machine, or a Kafka cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBusConfig {
    /// A log in a directory of this machine; the default.
    pub embedded: Option<RawEmbedded>,
    /// A Kafka cluster.
    pub kafka: Option<RawKafka>,
    pub topics: RawTopics,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEmbedded {
    pub dir: PathBuf,
    pub retention: RawRetention,
}

impl Default for RawEmbedded {
    fn default() -> Self {
        Self {
            dir: "./tailwater-data".into(),
            retention: RawRetention::default(),
        }
    }
}

/// Records older than `age` go, and the oldest ones when a topic is larger than `bytes`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRetention {
    pub age: Duration,
    pub bytes: ByteSize,
}

impl Default for RawRetention {
    fn default() -> Self {
        Self {
            age: Duration::from_secs(24 * 3600),
            bytes: ByteSize(10 << 30),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKafka {
    /// `host:port`, at least one.
    pub brokers: Vec<String>,
    /// Of topics that we create; absent: the broker's default.
    pub replication_factor: Option<u16>,
    /// Create missing topics (default true).
    pub create_topics: Option<bool>,
    /// Any librdkafka property; wins over ours.
    pub properties: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTopics {
    pub prefix: String,
    /// Can't be changed later without moving traces between partitions.
    pub partitions: u32,
}

impl Default for RawTopics {
    fn default() -> Self {
        Self {
            prefix: "tailwater".into(),
            partitions: 16,
        }
    }
}

/// A valid `bus` section.
#[derive(Clone, Debug)]
pub struct BusConfig {
    pub kind: BusKind,
    pub prefix: String,
    pub partitions: u32,
}

#[derive(Clone, Debug)]
pub enum BusKind {
    Embedded(RawEmbedded),
    Kafka(RawKafka),
}

impl RawBusConfig {
    pub fn validate(&self, path: &str, problems: &mut Problems) -> BusConfig {
        let _ = (path, problems);
        todo!("bus")
    }
}

impl BusConfig {
    /// Opens the bus: takes the lock of the embedded log, or checks that the brokers answer.
    pub fn open(&self) -> Result<Arc<dyn Bus>> {
        todo!("bus")
    }
}
