//! The names of the sampler's metrics; documented in `docs/reference/metrics.md`, which a test of the binary holds to this file.

/// consumed = kept + dropped + pending (+ dead-lettered: spans without a valid trace id; + released: pending spans of
/// partitions that went to another process, which consumes them anew).
pub const CONSUMED: &str = "tailwater_sampler_consumed_spans_total";
pub const KEPT: &str = "tailwater_sampler_kept_spans_total";
pub const DROPPED: &str = "tailwater_sampler_dropped_spans_total";
pub const PENDING: &str = "tailwater_sampler_pending_spans";
pub const DEAD_LETTERED: &str = "tailwater_sampler_dead_lettered_spans_total";
/// Pending spans whose records retention deleted before they could be copied out.
pub const LOST_SPANS: &str = "tailwater_sampler_lost_spans_total";
/// Spans that were counted as dropped, and that a late error brought back.
pub const RESCUED: &str = "tailwater_sampler_rescued_spans_total";
/// Traces that a late error could not bring back whole.
pub const UNRESCUED: &str = "tailwater_sampler_unrescued_traces_total";
/// Attributes of the entry spans of kept traces that are to be promoted. Label: `result` (promoted, too_long, unsupported, no_memory).
pub const PROMOTED_VALUES: &str = "tailwater_sampler_promoted_values_total";
/// Kept spans that had no room for what is promoted.
pub const UNPROMOTED: &str = "tailwater_sampler_unpromoted_spans_total";
/// What is held of traces to be promoted.
pub const PROMOTED_BYTES: &str = "tailwater_sampler_promoted_bytes";
pub const RECONFIGURATIONS: &str = "tailwater_sampler_reconfigurations_total";
pub const RELEASED: &str = "tailwater_sampler_released_spans_total";
pub const OPEN_TRACES: &str = "tailwater_sampler_open_traces";
/// Labels: `policy`, `verdict`.
pub const VERDICTS: &str = "tailwater_sampler_verdicts_total";
/// Decided traces for which a policy's rule held, whoever gave the verdict. Labels: `policy`, `mode` (act, shadow).
pub const POLICY_MATCHES: &str = "tailwater_sampler_policy_matches_total";
/// Evaluations of OTTL conditions that failed, whatever `error_mode` makes of them. Label: `policy`.
pub const CONDITION_FAILURES: &str = "tailwater_sampler_condition_failures_total";
pub const LATE_SPANS: &str = "tailwater_sampler_late_spans_total";
pub const CACHE_BYTES: &str = "tailwater_sampler_record_cache_bytes";
pub const REREAD_BYTES: &str = "tailwater_sampler_reread_bytes_total";
pub const KEPT_BYTES: &str = "tailwater_sampler_kept_bytes_total";
pub const CONSUMED_BYTES: &str = "tailwater_sampler_consumed_bytes_total";
pub const BAD_RECORDS: &str = "tailwater_sampler_bad_records_total";
/// Records that retention deleted before they were read. Label: `partition`.
pub const LOST_RECORDS: &str = "tailwater_sampler_truncated_records_total";
pub const COMMIT_SECONDS: &str = "tailwater_sampler_commit_seconds";
pub const RECOVERY_SECONDS: &str = "tailwater_sampler_recovery_seconds";
/// What policies remember of other traces.
pub const STATISTICS_BYTES: &str = "tailwater_sampler_statistics_bytes";
pub const STATISTICS_KEYS: &str = "tailwater_sampler_statistics_keys";
/// Sampler processes that exchange counts, this one included.
pub const FLEET: &str = "tailwater_sampler_fleet_instances";
/// By tenant, consumed = kept + dropped + dead-lettered + lost + released + pending. Labels: `tenant`, `outcome` (consumed, kept,
/// dropped, dead_lettered, lost, released).
pub const TENANT_SPANS: &str = "tailwater_sampler_tenant_spans_total";
/// Labels: `tenant`, `outcome` (consumed, kept).
pub const TENANT_BYTES: &str = "tailwater_sampler_tenant_bytes_total";
/// Label: `tenant`.
pub const TENANT_PENDING: &str = "tailwater_sampler_tenant_pending_spans";
