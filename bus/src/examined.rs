//! What one asks of a cluster before anything runs on it, and what isn't as it should be.

use std::time::Duration;

use crate::TopicSpec;

/// What a configuration wants.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub topics: Vec<AskedTopic>,
    /// Whether missing topics would be created.
    pub creates: bool,
    /// Groups that are read by.
    pub groups: Vec<String>,
    /// Ids of which nobody makes use: they are tried.
    pub transactional_ids: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct AskedTopic {
    pub spec: TopicSpec,
    /// What has to be allowed, by Kafka's names.
    pub operations: Vec<&'static str>,
    /// How long its records are needed.
    pub retention_min: Option<Duration>,
    pub replicas: Option<u16>,
}

/// Something that isn't as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub message: String,
    /// It will not work so; otherwise it is doubtful.
    pub fatal: bool,
}

impl Finding {
    pub fn error(message: String) -> Self {
        Self {
            message,
            fatal: true,
        }
    }

    pub fn warning(message: String) -> Self {
        Self {
            message,
            fatal: false,
        }
    }

    /// A right that is missing. Without DescribeConfigs everything works, and less is seen.
    pub fn right(operation: &str, resource: &str) -> Self {
        Self {
            message: format!(
                "the right {operation} on {resource} is missing; give it (`tailwater topics` prints all)"
            ),
            fatal: operation != "DescribeConfigs",
        }
    }
}
