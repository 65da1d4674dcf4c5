//! What the Copier counts.

use crate::tenant_spans::TenantSpans;

/// What the emit cursor did since the last take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyCounts {
    pub kept_spans: u64,
    pub kept_bytes: u64,
    pub dropped_spans: u64,
    /// Spans in dead letters (a bad record counts none: its spans cannot be counted).
    pub dead_lettered_spans: u64,
    pub bad_records: u64,
    /// Spans that retention deleted after they were consumed and before they were emitted.
    pub lost_spans: u64,
    /// Spans that were counted as dropped and were brought back by a late error.
    pub rescued_spans: u64,
    /// Traces that a late error could not bring back whole: retention was faster, or they are too large.
    pub unrescued_traces: u64,
    /// Kept spans that had no room for what is promoted.
    pub unpromoted_spans: u64,
    /// Kept, dropped and dead-lettered spans, by tenant.
    pub by_tenant: TenantSpans,
}
