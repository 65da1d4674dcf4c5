//! What comes out of a partition in one epoch.

use bytes::Bytes;
use schemas::decisions::DecisionBatch;

pub use crate::decide::counts::{DecideCounts, PromotedCounts};
pub use crate::emit::counts::CopyCounts;
pub use crate::emit::emitter::DeadLetter;
pub use crate::tenant_spans::{Spans, TenantSpans};

/// What happened since the last take, on top of gauges. consumed = kept + dropped + dead_lettered + lost + the change of pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub decider: DecideCounts,
    pub copier: CopyCounts,
}

/// What one epoch makes visible.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Empty: write none.
    pub decisions: DecisionBatch,
    /// Records for the sampled topic: tenant and value.
    pub sampled: Vec<(Option<Bytes>, Bytes)>,
    pub dead: Vec<DeadLetter>,
    /// L and the metadata to commit with it. Meaningless while rebuilding.
    pub position: (u64, String),
    /// The position differs from the last one taken, or there is output: worth committing.
    pub moved: bool,
    pub counts: Counts,
}
