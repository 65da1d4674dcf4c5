//! What comes out of an epoch.

use std::sync::Arc;

use crate::output::Output;
use crate::policy::Policies;

/// What one partition adds to an epoch.
pub struct PartitionOutput {
    pub partition: u32,
    pub output: Output,
    /// Nothing of it may be committed yet, only counted.
    pub rebuilding: bool,
    /// The partition is given up with this epoch.
    pub revoked: bool,
    pub gauges: Gauges,
}

/// The state of a partition after an epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    pub open_traces: u64,
    pub pending_spans: u64,
    pub cache_bytes: u64,
    pub statistics_keys: u64,
    pub statistics_bytes: u64,
    pub promoted_bytes: u64,
    /// Decided and emitted to the end of what was read.
    pub at_rest: bool,
}

/// What one worker adds to an epoch.
#[derive(Default)]
pub struct Part {
    pub outputs: Vec<PartitionOutput>,
    /// Whose numbers the counts of verdicts have.
    pub policies: Arc<Policies>,
    /// An emit cursor stopped at its budget and wants to go on.
    pub backlog: bool,
    pub reread_bytes: u64,
    /// Entries that were read of decision logs.
    pub restored: u64,
    /// What is on the bus can't be read: the process has to end.
    pub failure: Option<String>,
}

impl Part {
    pub fn is_at_rest(&self) -> bool {
        self.outputs.iter().all(|output| output.gauges.at_rest)
    }
}
