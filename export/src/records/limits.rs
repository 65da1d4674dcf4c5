//! When a batch is full.

use std::time::Duration;

/// When a batch is full. A record is never cut for it: one record above `bytes` is a batch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// The size of all records, as they are on the bus.
    pub bytes: usize,
    /// Spans, log records or metrics. `usize::MAX` when not limited.
    pub items: usize,
    /// After its first record.
    pub timeout: Duration,
}

impl BatchLimits {
    /// What is right for most backends: gRPC servers accept 4 MiB by default.
    pub const USUAL: Self = Self {
        bytes: 4 << 20,
        items: usize::MAX,
        timeout: Duration::from_millis(200),
    };
}
