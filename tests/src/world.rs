//! One pipeline under test: its folder, its bus and the configuration that its processes share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bus::{Bus, RawBusConfig};
use runtime::config::Problems;
use schemas::Topics;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Deadline;
use crate::bus_reader;
use crate::kafka::{Access, Broker, unique};
use crate::process::Tailwater;

pub const PARTITIONS: u32 = 8;

/// The configuration that the processes of one test share, as JSON; tests change what they are about.
pub struct World {
    folder: TempDir,
    pub config: Value,
    _deadline: Deadline,
}

impl World {
    pub fn embedded() -> Self {
        Self::new(json!({"embedded": {"dir": "data"}}), "tailwater")
    }

    /// On topics of its own.
    pub fn kafka(broker: &Broker) -> Self {
        let properties = json!({
            // The least that a broker takes by default.
            "session.timeout.ms": "6000",
            "heartbeat.interval.ms": "500",
        });
        let kafka = json!({
            "brokers": [broker.brokers()],
            "replication_factor": 1,
            "properties": properties,
        });
        Self::new(json!({"kafka": kafka}), &unique("tw"))
    }

    /// On topics of its own, by a listener that asks for a login or speaks TLS.
    pub fn secured(access: &Access) -> Self {
        let properties = json!({"session.timeout.ms": "6000", "heartbeat.interval.ms": "500"});
        let mut kafka = json!({
            "brokers": [access.brokers],
            "replication_factor": 1,
            "properties": properties,
        });
        for (key, section) in [("tls", &access.tls), ("sasl", &access.sasl)] {
            if let Some(section) = section {
                kafka[key] = section.clone();
            }
        }
        Self::new(json!({"kafka": kafka}), &unique("tw"))
    }

    fn new(mut bus: Value, prefix: &str) -> Self {
        bus["topics"] = json!({"prefix": prefix, "partitions": PARTITIONS});
        let config = json!({
            "bus": bus,
            "sampler": {
                "decision_wait": "8s",
                "decision_cache_ttl": "10m",
                "memory_limit": "16MiB",
                "idle_allowance": "1s",
                "policies": policies(),
            },
            "export": {"backends": [
                {"name": "kept", "file": {"path": "kept.jsonl"}},
            ]},
        });
        let folder = tempfile::Builder::new().prefix("tailwater-test-").tempdir();
        Self {
            folder: folder.unwrap(),
            config,
            _deadline: Deadline::of_this_test(),
        }
    }

    /// A process of this pipeline, not started yet.
    pub fn process(&self, command: &'static str, name: &str) -> Tailwater {
        Tailwater::new(self.folder.path(), command, name, &self.config)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn prefix(&self) -> &str {
        self.config["bus"]["topics"]["prefix"].as_str().unwrap()
    }

    pub fn topics(&self) -> Topics {
        Topics::new(self.prefix())
    }

    /// The bus, for the test itself to read. The embedded one only while no process has it.
    pub fn bus(&self) -> Arc<dyn Bus> {
        let mut section = self.config["bus"].clone();
        if !section["embedded"].is_null() {
            section["embedded"]["dir"] = json!(self.path("data"));
        }
        let raw: RawBusConfig = serde_json::from_value(section).unwrap();
        let mut problems = Problems::new();
        let config = raw.validate("bus", &mut problems);
        assert!(problems.iter().next().is_none(), "the bus section is valid");
        config.open().expect("the bus opens")
    }

    /// How soon a group on Kafka sees that a member is dead; brokers of our own take it short.
    pub fn set_session_timeout(&mut self, ms: u64) {
        let properties = &mut self.config["bus"]["kafka"]["properties"];
        properties["session.timeout.ms"] = json!(ms.to_string());
    }

    pub fn is_kafka(&self) -> bool {
        !self.config["bus"]["kafka"].is_null()
    }

    /// Unread records of the stages, see [`bus_reader::lags`]; `None` while the bus doesn't answer.
    pub fn lags(&self, bus: &dyn Bus, backends: &[&str]) -> Option<BTreeMap<String, u64>> {
        bus_reader::lags(bus, self.is_kafka(), &self.topics(), backends).ok()
    }

    /// From a trace's first span to its verdict, in milliseconds.
    pub fn set_decision_wait(&mut self, ms: u64) {
        self.config["sampler"]["decision_wait"] = json!(format!("{ms}ms"));
    }
}

/// Every error, every trace over two seconds, a tenth of the rest: the defaults, written out.
fn policies() -> Value {
    json!([
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": SLOW_MS}},
        {"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 10}},
    ])
}

/// Traces that take longer are kept.
pub const SLOW_MS: u64 = 2000;
