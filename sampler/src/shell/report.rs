//! What workers tell each other between two epochs.

use serde::{Deserialize, Serialize};

use crate::decide::links::Linked;
use crate::stats::Tallied;

/// What one worker reports of one epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Its partitions, and what time it is in each.
    pub(crate) owned: Vec<(u32, u64)>,
    /// What the statistics of its partitions counted.
    pub(crate) tallied: Vec<Tallied>,
    /// What those that were recovered had counted before.
    pub(crate) restored: Vec<Tallied>,
    /// Traces that other partitions are to keep.
    pub(crate) links: Vec<Linked>,
}

/// What a worker is told before the next epoch: a trace that a partition is to keep.
pub(crate) type LinkToKeep = (u32, Linked);

/// The worker that a partition lives on.
pub(crate) fn worker_of(partition: u32, workers: usize) -> usize {
    partition as usize % workers
}
