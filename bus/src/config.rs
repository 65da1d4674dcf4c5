//! The `bus` section of the configuration.

mod topics;

use std::sync::Arc;

use runtime::config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use topics::{Classes, DEFAULT_CLASS, RawClass, RawTopics, unknown_class};

pub use crate::embedded::config::{RawEmbedded, RawRetention};
pub use crate::kafka::RawKafka;
use crate::{Asked, Bus, Finding, Result};

/// Where the records are: an embedded log on this machine, or a Kafka cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBusConfig {
    /// A log in a directory on this machine. This is the default.
    pub embedded: Option<RawEmbedded>,
    /// A Kafka cluster.
    pub kafka: Option<RawKafka>,
    /// The names and partitions of the topics.
    pub topics: RawTopics,
}

/// A valid `bus` section.
#[derive(Clone, Debug)]
pub struct BusConfig {
    pub kind: BusKind,
    /// Of the class that the stages of this process work on.
    pub prefix: String,
    pub partitions: u32,
    /// Every class there is.
    pub classes: Classes,
}

#[derive(Clone, Debug)]
pub enum BusKind {
    Embedded(RawEmbedded),
    Kafka(RawKafka),
}

impl RawBusConfig {
    /// The section as it will be used; what is wrong with it goes to `problems`, each thing under its path.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> BusConfig {
        let kind = match (&self.embedded, &self.kafka) {
            (Some(_), Some(kafka)) => {
                problems.push(
                    path,
                    "there are both embedded and kafka; a bus is one of them, so remove the other",
                );
                BusKind::Kafka(kafka.clone())
            }
            (None, Some(kafka)) => BusKind::Kafka(kafka.clone()),
            (embedded, None) => BusKind::Embedded(embedded.clone().unwrap_or_default()),
        };
        match &kind {
            BusKind::Embedded(embedded) => embedded.check(&format!("{path}.embedded"), problems),
            BusKind::Kafka(kafka) => crate::kafka::check(kafka, &format!("{path}.kafka"), problems),
        }
        self.topics.check(&format!("{path}.topics"), problems);
        let classes = self.topics.classes();
        let class = self.topics.class.as_deref().unwrap_or(DEFAULT_CLASS);
        let prefix = classes.get(class).unwrap_or(&self.topics.prefix).clone();
        BusConfig {
            kind,
            prefix,
            partitions: self.topics.partitions,
            classes,
        }
    }
}

impl RawBusConfig {
    /// Says what a cluster of that many brokers can't do; `path` is where the section stands.
    pub fn check_cluster(&self, brokers: usize, path: &str, problems: &mut Problems) {
        let Some(kafka) = self.kafka.as_ref() else {
            return;
        };
        let creates = kafka.create_topics.unwrap_or(true);
        if let Some(factor) = kafka.replication_factor
            && usize::from(factor) > brokers
            && creates
        {
            let has = match brokers {
                1 => "1 broker".to_owned(),
                brokers => format!("{brokers} brokers"),
            };
            problems.warn(
                format!("{path}.kafka.replication_factor"),
                format!(
                    "is {factor}, and the cluster has {has}, each of which holds one replica at most: topics that are missing can't be created; give {brokers}, or leave it out for the brokers' default"
                ),
            );
        }
    }
}

impl BusConfig {
    /// How many brokers the cluster has, and what it lacks; `None`: there is none to ask, the bus is embedded. Creates no topic.
    ///
    /// # Errors
    /// As [`BusConfig::open`]: the brokers didn't answer, or not to this configuration.
    pub fn examine(&self, asked: &Asked) -> Result<Option<(usize, Vec<Finding>)>> {
        match &self.kind {
            BusKind::Embedded(_) => Ok(None),
            BusKind::Kafka(kafka) => crate::kafka::examine(kafka, asked).map(Some),
        }
    }

    /// Opens the bus: takes the lock of the embedded log, or checks that the brokers answer.
    pub fn open(&self) -> Result<Arc<dyn Bus>> {
        match &self.kind {
            BusKind::Embedded(embedded) => crate::embedded::open(
                &embedded.dir,
                crate::embedded::Options {
                    retention_age: embedded.retention.age.0,
                    retention_bytes: embedded.retention.bytes.0,
                    ..Default::default()
                },
            ),
            BusKind::Kafka(kafka) => crate::kafka::open(kafka),
        }
    }

    /// Why there is no bus to look at, for who only looks and so must not make one: there is no embedded log in that directory.
    pub fn absent(&self) -> Option<String> {
        let BusKind::Embedded(embedded) = &self.kind else {
            return None;
        };
        let here = std::env::current_dir().unwrap_or_default();
        (!crate::embedded::exists(&embedded.dir)).then(|| {
            format!(
                "there is no embedded bus in {} (seen from {}): run this where Tailwater runs, or name its configuration by --config",
                embedded.dir.display(),
                here.display()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use runtime::config::{ByteSize, Duration};

    use super::*;

    /// A section with this change has these problems, by path.
    fn check(change: impl FnOnce(&mut RawBusConfig), paths: &[&str]) {
        let mut raw = RawBusConfig::default();
        change(&mut raw);
        let mut problems = Problems::new();
        raw.validate("bus", &mut problems);
        let found: Vec<_> = problems
            .iter()
            .map(|problem| problem.path.as_str())
            .collect();
        assert_eq!(found, paths, "{raw:?}");
    }

    fn kafka(brokers: &[&str]) -> Option<RawKafka> {
        Some(RawKafka {
            brokers: brokers.iter().map(|broker| (*broker).to_owned()).collect(),
            ..Default::default()
        })
    }

    /// Each contradiction is reported where it stands.
    #[test]
    fn problems_by_path() {
        check(|_| (), &[]);
        check(
            |raw| raw.kafka = kafka(&["127.0.0.1:9092", "[::1]:9092", "ssl://b.example.com:1"]),
            &[],
        );
        check(|raw| raw.kafka = kafka(&[]), &["bus.kafka.brokers"]);
        check(
            |raw| {
                raw.kafka = kafka(&[
                    "a:1", "a", ":9092", "a:99999", "::1:9092", "a:0", "a :1", "a,b:1",
                ])
            },
            &[1, 2, 3, 4, 5, 6, 7]
                .map(|index| format!("bus.kafka.brokers[{index}]"))
                .each_ref()
                .map(String::as_str),
        );
        check(
            |raw| {
                raw.kafka = kafka(&["a:1"]);
                raw.embedded = Some(RawEmbedded::default());
            },
            &["bus"],
        );
        check(
            |raw| {
                raw.embedded = Some(RawEmbedded {
                    dir: "".into(),
                    retention: RawRetention {
                        age: Duration::from_secs(1),
                        bytes: ByteSize(1),
                    },
                });
                raw.topics = RawTopics {
                    prefix: "a b".into(),
                    partitions: 0,
                    ..RawTopics::default()
                };
            },
            &[
                "bus.embedded.dir",
                "bus.embedded.retention.age",
                "bus.embedded.retention.bytes",
                "bus.topics.prefix",
                "bus.topics.partitions",
            ],
        );
        check(
            |raw| raw.topics.partitions = 1025,
            &["bus.topics.partitions"],
        );
        check(
            |raw| raw.topics.prefix = "x".repeat(300),
            &["bus.topics.prefix"],
        );
    }

    #[test]
    fn more_replicas_than_brokers_are_doubted() {
        let check = |factor: Option<u16>, create: Option<bool>, brokers, expected: usize| {
            let mut raw = RawBusConfig {
                kafka: kafka(&["a:1"]),
                ..RawBusConfig::default()
            };
            if let Some(kafka) = &mut raw.kafka {
                (kafka.replication_factor, kafka.create_topics) = (factor, create);
            }
            let mut problems = Problems::new();
            raw.check_cluster(brokers, "bus", &mut problems);
            let paths: Vec<_> = problems.warnings().map(|one| one.path.as_str()).collect();
            let path = "bus.kafka.replication_factor";
            assert_eq!(
                paths,
                vec![path; expected],
                "{factor:?} {create:?} {brokers}"
            );
            assert!(problems.is_empty());
        };
        check(Some(3), None, 1, 1);
        check(Some(3), Some(true), 2, 1);
        check(Some(3), None, 3, 0);
        check(Some(3), Some(false), 1, 0);
        check(None, None, 1, 0);
    }

    #[test]
    fn certificates_that_nobody_looks_at_are_doubted() {
        let doubts = |key: &str, value: &str| {
            let raw = RawKafka {
                properties: BTreeMap::from([(key.to_owned(), value.to_owned())]),
                ..RawKafka::default()
            };
            crate::kafka::doubts(&raw).len()
        };
        assert_eq!(doubts("enable.ssl.certificate.verification", "False"), 1);
        assert_eq!(doubts("enable.ssl.certificate.verification", "true"), 0);
        assert_eq!(doubts("ssl.endpoint.identification.algorithm", "none"), 1);
        assert_eq!(doubts("ssl.endpoint.identification.algorithm", "https"), 0);
    }

    /// Without any section the bus is embedded, with the defaults of the documentation.
    #[test]
    fn embedded_by_default() {
        let config = RawBusConfig::default().validate("bus", &mut Problems::new());
        let BusKind::Embedded(embedded) = config.kind else {
            panic!("not embedded");
        };
        assert_eq!(embedded.dir, PathBuf::from("./tailwater-data"));
        assert_eq!(
            (config.prefix.as_str(), config.partitions),
            ("tailwater", 16)
        );
    }
}
