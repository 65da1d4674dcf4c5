//! When a batch is sent.

use std::time;

use runtime::config::{ByteSize, Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a batch is sent: at `bytes` or `items`, or `timeout` after its first record.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBatch {
    /// The size of a batch before compression. By default, gRPC servers accept 4 MiB.
    pub bytes: ByteSize,
    /// The number of spans, log records or metrics in a batch. 0: no limit.
    pub items: usize,
    /// How long after its first record a batch is sent at the latest.
    pub timeout: Duration,
}

impl Default for RawBatch {
    fn default() -> Self {
        Self {
            bytes: ByteSize::mib(4),
            items: 0,
            timeout: Duration::from_millis(200),
        }
    }
}

/// When a batch is full. A record is never cut for it: one record above `bytes` is a batch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    pub bytes: usize,
    /// `usize::MAX` when not limited.
    pub items: usize,
    pub timeout: time::Duration,
}

impl RawBatch {
    pub(super) fn validate(&self, at: &str, problems: &mut Problems) -> BatchLimits {
        let bytes = self.bytes.0;
        if !(1024..=256 << 20).contains(&bytes) {
            problems.push(
                format!("{at}.bytes"),
                format!("{bytes} bytes is not between 1KiB and 256MiB"),
            );
        }
        if self.timeout.0 > time::Duration::from_secs(60) {
            problems.push(format!("{at}.timeout"), "more than 60s");
        }
        BatchLimits {
            bytes: bytes as usize,
            items: if self.items == 0 {
                usize::MAX
            } else {
                self.items
            },
            timeout: self.timeout.0,
        }
    }
}
