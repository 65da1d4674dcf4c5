//! What rebalances do, inside the consumer's polls: revoked partitions are committed to their end, and everything is left
//! for the consumer in order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Assigned, Rebalance, TopicPartition};

use crate::epoch::command::Command;
use crate::names;
use crate::recovery::rebuild::Rebuild;
use crate::shell::dataflow::Inlets;
use crate::shell::progress::{Failure, Progress};

/// A revoked partition is given up after this long even if its last epoch is not committed.
pub const REVOKE_TIMEOUT: Duration = Duration::from_secs(20);

/// What rebalances leave for the consumer, in order.
pub enum Change {
    Assigned(Vec<Assigned>),
    Gone(Vec<TopicPartition>),
    Truncated { partition: u32, to: u64 },
}

/// What the consumer and the rebalance callbacks, which run inside its polls, have in common.
pub struct Shared {
    pub inlets: Mutex<Inlets>,
    pub changes: Mutex<Vec<Change>>,
    pub progress: Arc<Progress>,
    pub rebuild: Arc<Rebuild>,
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rebalance for Shared {
    fn assigned(&self, partitions: Vec<Assigned>) {
        // There before the first loss, so that it is seen.
        for assigned in &partitions {
            lost_records(assigned.at.partition).increment(0);
        }
        lock(&self.changes).push(Change::Assigned(partitions));
    }

    fn revoked(&self, partitions: Vec<TopicPartition>) {
        tracing::info!(
            partitions = partitions.len(),
            "partitions revoked; committing what is under way"
        );
        let revoke = partitions
            .iter()
            .map(|at| Command::Revoke {
                partition: at.partition,
            })
            .collect();
        let epoch = lock(&self.inlets).send(revoke);
        if !self.progress.wait_below(epoch + 1, REVOKE_TIMEOUT) && self.progress.failure().is_none()
        {
            tracing::warn!(
                waited_s = REVOKE_TIMEOUT.as_secs(),
                "partitions are given up before their last epoch is committed; their new owner does it again"
            );
            // Should it be us, that epoch must not come after all.
            self.progress.failed(Failure::Fenced(
                "partitions were given up before their last epoch was committed".to_owned(),
            ));
        }
        lock(&self.changes).push(Change::Gone(partitions));
    }

    fn lost(&self, partitions: Vec<TopicPartition>) {
        tracing::info!(partitions = partitions.len(), "partitions lost");
        self.progress.failed(Failure::Fenced(
            "the group took partitions away without waiting".to_owned(),
        ));
        lock(&self.changes).push(Change::Gone(partitions));
    }

    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        tracing::error!(partition = %at, from, to, "retention deleted records before the sampler read them; lengthen retention or add samplers");
        lost_records(at.partition).increment(to - from);
        lock(&self.changes).push(Change::Truncated {
            partition: at.partition,
            to,
        });
    }
}

fn lost_records(partition: u32) -> metrics::Counter {
    metrics::counter!(names::LOST_RECORDS, "partition" => partition.to_string())
}
