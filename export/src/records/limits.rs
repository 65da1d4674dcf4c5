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
    /// Of all that waits or is in flight, of all partitions and signals of the backend. `None`: of the partitions that share a lane, as much waits as is in
    /// a batch. Where there is a bound, the batches of a partition grow to their full size beside those of others.
    pub waiting_bytes: Option<usize>,
}

/// What an item may be like that a backend takes. What is `None` isn't limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemLimits {
    /// How long ago a span may have ended, or a log record may have been made.
    pub max_age: Option<Duration>,
    /// How far ahead that may be.
    pub max_future: Option<Duration>,
    /// Of a span, a log record or a metric, encoded.
    pub item_bytes: Option<usize>,
    /// Of one attribute's text, of a span, a log record, or its resource.
    pub attribute_bytes: Option<usize>,
    /// Longer attributes are cut; else their items aren't sent.
    pub clip: bool,
}

impl ItemLimits {
    pub const NONE: Self = Self {
        max_age: None,
        max_future: None,
        item_bytes: None,
        attribute_bytes: None,
        clip: false,
    };

    /// Whether there is anything to look at in an item.
    pub fn is_any(&self) -> bool {
        let Self {
            max_age,
            max_future,
            item_bytes,
            attribute_bytes,
            clip: _,
        } = self;
        max_age.or(*max_future).is_some() || item_bytes.or(*attribute_bytes).is_some()
    }
}

impl BatchLimits {
    /// What is right for most backends: gRPC servers accept 4 MiB by default.
    pub const USUAL: Self = Self {
        bytes: 4 << 20,
        items: usize::MAX,
        timeout: Duration::from_millis(200),
        waiting_bytes: None,
    };
}
