//! Partitions that come and go, where nothing is under way between two polls.

use bus::{Assigned, Rebalance, TopicPartition};

/// Says in the log what becomes of a stage's partitions.
#[derive(Clone, Copy, Debug)]
pub struct Announced {
    pub stage: &'static str,
}

impl Rebalance for Announced {
    fn assigned(&self, partitions: Vec<Assigned>) {
        let (stage, partitions) = (self.stage, partitions.len());
        tracing::info!(stage, partitions, "partitions assigned");
    }

    fn revoked(&self, partitions: Vec<TopicPartition>) {
        let (stage, partitions) = (self.stage, partitions.len());
        tracing::info!(stage, partitions, "partitions revoked");
    }

    fn lost(&self, partitions: Vec<TopicPartition>) {
        let (stage, partitions) = (self.stage, partitions.len());
        tracing::warn!(stage, partitions, "partitions lost");
    }

    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        tracing::error!(stage = self.stage, %at, from, to, "retention deleted records before they were read: raise the topic's retention");
    }
}
