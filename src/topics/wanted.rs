//! The topics as they should be.

use bus::{BusConfig, BusKind, Timestamps, TopicSpec};

use super::rights::Right;

/// All that is printed.
pub struct Wanted {
    pub topics: Vec<WantedTopic>,
    pub rights: Vec<Right>,
    pub principal: String,
    pub cluster: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTopic {
    pub name: String,
    pub partitions: u32,
    /// `None`: the brokers' default.
    pub replicas: Option<u16>,
    pub settings: Vec<(&'static str, String)>,
}

/// Those as Tailwater creates them, and with what makes an acknowledged record safe where it has replicas.
pub fn topics(config: &BusConfig, specs: Vec<TopicSpec>) -> Vec<WantedTopic> {
    let replicas = match &config.kind {
        BusKind::Kafka(kafka) => kafka.replication_factor,
        BusKind::Embedded(_) => None,
    };
    let wanted = specs.into_iter().map(|spec| {
        let mut settings = Vec::new();
        if spec.timestamps == Timestamps::LogAppend {
            settings.push(("message.timestamp.type", "LogAppendTime".to_owned()));
        }
        if spec.compacted {
            settings.push(("cleanup.policy", "compact".to_owned()));
        }
        if let Some(retention) = spec.retention {
            settings.push(("retention.ms", retention.as_millis().to_string()));
        }
        if replicas.is_some_and(|replicas| replicas >= 3) {
            settings.push(("min.insync.replicas", "2".to_owned()));
        }
        WantedTopic {
            name: spec.name.to_string(),
            partitions: spec.partitions,
            replicas,
            settings,
        }
    });
    wanted.collect()
}
