//! What goes into an epoch.

use std::sync::Arc;

use bus::Fetched;
use schemas::headers::UnknownVersion;

use crate::position::Start;
use crate::reconfigure::Reconfiguration;
use crate::record::RawRecord;

/// What the consumer tells the worker that owns a partition.
pub enum Command {
    /// The partition is ours from now on. Before its first records come what its decision log holds, piece by piece, and `Restored`.
    Assign { partition: u32, start: Start },
    /// The next records of its decision log, in log order.
    Restore {
        partition: u32,
        records: Vec<Fetched>,
    },
    /// Its decision log has been read, at a moment of the session's monotonic clock, in milliseconds.
    Restored { partition: u32, now_ms: u64 },
    Records {
        partition: u32,
        records: Vec<RawRecord>,
        /// Those of them that this build can't read, in order.
        refused: Vec<(u64, UnknownVersion)>,
        /// When the last of them was read, on the session's monotonic clock in milliseconds.
        read_ms: u64,
    },
    /// Retention deleted what lies below `to`.
    Truncated { partition: u32, to: u64 },
    /// Nothing is left to read of what had been written by then, on the session's monotonic clock.
    Idle { partition: u32, since_ms: u64 },
    /// Output what is ready, then forget the partition.
    Revoke { partition: u32 },
    /// Another configuration, for all workers in the same epoch; it stands before everything else.
    Reconfigure(Arc<Reconfiguration>),
}

impl Command {
    /// `None`: for every worker.
    pub fn partition(&self) -> Option<u32> {
        match self {
            Self::Reconfigure(_) => None,
            Self::Assign { partition, .. }
            | Self::Restore { partition, .. }
            | Self::Restored { partition, .. }
            | Self::Records { partition, .. }
            | Self::Truncated { partition, .. }
            | Self::Idle { partition, .. }
            | Self::Revoke { partition } => Some(*partition),
        }
    }

    /// Bytes of decision logs.
    pub fn restore_bytes(&self) -> usize {
        match self {
            Self::Restore { records, .. } => records.iter().map(|record| record.value.len()).sum(),
            _ => 0,
        }
    }
}
