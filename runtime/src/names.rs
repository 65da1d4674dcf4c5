//! The names of the metrics that a process has whatever stages it runs, and of those stages whose names have not moved to their own crates yet.
//!
//! A stage's names stand in its crate's `src/names.rs`, as ingest's do (`ingest/src/names.rs`): the sampler's, enrich's and export's are to follow. Wherever
//! they stand, a test of the binary (`src/metric_names_tests.rs`) holds each to its row in `docs/reference/metrics.md`, whose text is its HELP. Counters
//! reconcile: see each group.

/// Partitions whose log isn't what a group had read: replaced, or shortened. Labels: `group`, `topic`, `cause`.
pub const BUS_WENT_BACK: &str = "tailwater_bus_log_went_back_total";

/// consumed = kept + dropped + pending (+ dead-lettered: spans without a valid trace id; + released: pending spans of
/// partitions that went to another process, which consumes them anew).
pub const SAMPLER_CONSUMED: &str = "tailwater_sampler_consumed_spans_total";
pub const SAMPLER_KEPT: &str = "tailwater_sampler_kept_spans_total";
pub const SAMPLER_DROPPED: &str = "tailwater_sampler_dropped_spans_total";
pub const SAMPLER_PENDING: &str = "tailwater_sampler_pending_spans";
pub const SAMPLER_DEAD_LETTERED: &str = "tailwater_sampler_dead_lettered_spans_total";
/// Pending spans whose records retention deleted before they could be copied out.
pub const SAMPLER_LOST_SPANS: &str = "tailwater_sampler_lost_spans_total";
/// Spans that were counted as dropped, and that a late error brought back.
pub const SAMPLER_RESCUED: &str = "tailwater_sampler_rescued_spans_total";
/// Traces that a late error could not bring back whole.
pub const SAMPLER_UNRESCUED: &str = "tailwater_sampler_unrescued_traces_total";
pub const SAMPLER_RECONFIGURATIONS: &str = "tailwater_sampler_reconfigurations_total";
pub const SAMPLER_RELEASED: &str = "tailwater_sampler_released_spans_total";
pub const SAMPLER_OPEN_TRACES: &str = "tailwater_sampler_open_traces";
/// Labels: `policy`, `verdict`.
pub const SAMPLER_VERDICTS: &str = "tailwater_sampler_verdicts_total";
/// Decided traces for which a policy's rule held, whoever gave the verdict. Labels: `policy`, `mode` (act, shadow).
pub const SAMPLER_POLICY_MATCHES: &str = "tailwater_sampler_policy_matches_total";
/// Evaluations of OTTL conditions that failed, whatever `error_mode` makes of them. Label: `policy`.
pub const SAMPLER_CONDITION_FAILURES: &str = "tailwater_sampler_condition_failures_total";
pub const SAMPLER_LATE_SPANS: &str = "tailwater_sampler_late_spans_total";
pub const SAMPLER_CACHE_BYTES: &str = "tailwater_sampler_record_cache_bytes";
pub const SAMPLER_REREAD_BYTES: &str = "tailwater_sampler_reread_bytes_total";
pub const SAMPLER_KEPT_BYTES: &str = "tailwater_sampler_kept_bytes_total";
pub const SAMPLER_CONSUMED_BYTES: &str = "tailwater_sampler_consumed_bytes_total";
pub const SAMPLER_BAD_RECORDS: &str = "tailwater_sampler_bad_records_total";
/// Records that retention deleted before they were read. Label: `partition`.
pub const SAMPLER_LOST_RECORDS: &str = "tailwater_sampler_truncated_records_total";
pub const SAMPLER_COMMIT_SECONDS: &str = "tailwater_sampler_commit_seconds";
pub const SAMPLER_RECOVERY_SECONDS: &str = "tailwater_sampler_recovery_seconds";

/// What policies remember of other traces.
pub const SAMPLER_STATISTICS_BYTES: &str = "tailwater_sampler_statistics_bytes";
pub const SAMPLER_STATISTICS_KEYS: &str = "tailwater_sampler_statistics_keys";
/// Sampler processes that exchange counts, this one included.
pub const SAMPLER_FLEET: &str = "tailwater_sampler_fleet_instances";

/// consumed = written + dead-lettered. Label: `signal`.
pub const ENRICH_CONSUMED: &str = "tailwater_enrich_consumed_items_total";
pub const ENRICH_WRITTEN: &str = "tailwater_enrich_written_items_total";
pub const ENRICH_DEAD_LETTERED: &str = "tailwater_enrich_dead_lettered_items_total";
/// Label: `rule`.
pub const ENRICH_REDACTIONS: &str = "tailwater_enrich_redactions_total";
/// Records that retention deleted before they were read. Label: `topic`.
pub const ENRICH_LOST_RECORDS: &str = "tailwater_enrich_truncated_records_total";

/// exported = delivered + dead-lettered + pending. Labels: `backend`, `signal`.
pub const EXPORT_CONSUMED: &str = "tailwater_export_consumed_items_total";
pub const EXPORT_DELIVERED: &str = "tailwater_export_delivered_items_total";
pub const EXPORT_DEAD_LETTERED: &str = "tailwater_export_dead_lettered_items_total";
pub const EXPORT_PENDING: &str = "tailwater_export_pending_items";
/// Items that the backend itself refused by `partial_success`; they count as delivered.
pub const EXPORT_REFUSED: &str = "tailwater_export_refused_items_total";
pub const EXPORT_RETRIES: &str = "tailwater_export_retries_total";
/// 0: closed. 1: open after failures in a row. 2: open since the backend refuses everything (credentials, address).
pub const EXPORT_BREAKER_STATE: &str = "tailwater_export_breaker_state";
/// Records that retention deleted before they were read.
pub const EXPORT_TRUNCATED: &str = "tailwater_export_truncated_records_total";
/// As sent: encoded and compressed.
pub const EXPORT_DELIVERED_BYTES: &str = "tailwater_export_delivered_bytes_total";
/// From sending a request to the backend's answer, retries not included.
pub const EXPORT_REQUEST_SECONDS: &str = "tailwater_export_request_seconds";

/// Of the process. Label: `part`.
pub const PART_READY: &str = "tailwater_part_ready";
pub const CONFIG_GENERATION: &str = "tailwater_config_generation";
pub const CONFIG_RELOAD_FAILURES: &str = "tailwater_config_reload_failures_total";
pub const CONFIG_LAST_RELOAD: &str = "tailwater_config_last_reload_successful";

/// Between a stage and the bus. Label: `kind`.
pub const BUS_ERRORS: &str = "tailwater_bus_errors_total";
/// From handing a record over to its acknowledgement. Label: `stage`.
pub const BUS_PUBLISH_SECONDS: &str = "tailwater_bus_publish_seconds";
/// Labels: `stage`, `topic`, `partition`, `cursor`; of the partitions that are owned now.
pub const LAG_RECORDS: &str = "tailwater_lag_records";
pub const LAG_SECONDS: &str = "tailwater_lag_seconds";
pub const RETENTION_MARGIN_SECONDS: &str = "tailwater_retention_margin_seconds";
/// Label: `stage`.
pub const PARTITIONS_OWNED: &str = "tailwater_partitions_owned";
pub const EMBEDDED_BYTES: &str = "tailwater_embedded_bus_bytes";
/// Label: `topic`.
pub const EMBEDDED_TOPIC_BYTES: &str = "tailwater_embedded_bus_topic_bytes";
