//! The `bus.kafka` section of the configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKafka {
    /// The brokers to start from, as `host:port`. At least one.
    #[schemars(length(min = 1))]
    pub brokers: Vec<String>,
    /// The replication factor of the topics that Tailwater creates. Absent: the brokers' default.
    #[schemars(range(min = 1))]
    pub replication_factor: Option<u16>,
    /// Whether to create missing topics. Absent: true.
    pub create_topics: Option<bool>,
    /// A process that restarts gets its partitions back at once, without a rebalance. The partitions of a process that
    /// stays away move after `session.timeout.ms`. Absent: true.
    pub static_membership: Option<bool>,
    /// Any librdkafka properties. They override Tailwater's own settings.
    pub properties: BTreeMap<String, String>,
}
