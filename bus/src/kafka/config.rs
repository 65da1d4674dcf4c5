//! The `bus.kafka` section of the configuration.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::login::{RawKafkaTls, RawSasl, SECRET};

#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
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
    /// TLS with the brokers. Absent: none.
    pub tls: Option<RawKafkaTls>,
    /// The login to the brokers. Absent: none.
    pub sasl: Option<Box<RawSasl>>,
    /// Any librdkafka properties. They override Tailwater's own settings, but may not contradict `tls` and `sasl`.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for RawKafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(key, value): (&String, &String)| match SECRET.contains(&key.as_str()) {
            true => (key.clone(), "****".to_owned()),
            false => (key.clone(), value.clone()),
        };
        let properties: BTreeMap<_, _> = self.properties.iter().map(shown).collect();
        f.debug_struct("RawKafka")
            .field("brokers", &self.brokers)
            .field("replication_factor", &self.replication_factor)
            .field("create_topics", &self.create_topics)
            .field("static_membership", &self.static_membership)
            .field("tls", &self.tls)
            .field("sasl", &self.sasl)
            .field("properties", &properties)
            .finish()
    }
}
