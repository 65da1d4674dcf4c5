//! The names of enrich's metrics; documented in `docs/reference/metrics.md`, which a test of the binary holds to this file.

/// consumed = written + dropped + quarantined + dead-lettered. Label: `signal`.
pub const CONSUMED: &str = "tailwater_enrich_consumed_items_total";
pub const WRITTEN: &str = "tailwater_enrich_written_items_total";
/// Taken out by a `filter`, or by a detector whose action is `drop_item`.
pub const DROPPED: &str = "tailwater_enrich_dropped_items_total";
pub const DEAD_LETTERED: &str = "tailwater_enrich_dead_lettered_items_total";
/// By tenant, consumed = written + dropped + quarantined + dead-lettered. Labels: `tenant`, `outcome` (consumed, written, dropped, quarantined, dead_lettered).
pub const TENANT_ITEMS: &str = "tailwater_enrich_tenant_items_total";
/// What each step did to items that came to it. Labels: `step`, `signal`, `result` (changed, unchanged, dropped, failed).
pub const STEP_ITEMS: &str = "tailwater_enrich_step_items_total";
/// Statements and conditions that failed and were passed over. Label: `step`.
pub const STEP_ERRORS: &str = "tailwater_enrich_step_errors_total";
/// The time that each step took, extrapolated from one record in 64. Label: `step`.
pub const STEP_CPU: &str = "tailwater_enrich_step_cpu_seconds_total";
/// What became of names that a `span_name` gave: of the conventions or as they were, with `{id}` for ids, or cut to the method. Label: `result`
/// (kept, templated, limited).
pub const NAMES: &str = "tailwater_enrich_names_total";
/// What came of look-ups in the table of a `lookup`. Labels: `table`, `result` (hit, miss, no_key).
pub const LOOKUPS: &str = "tailwater_enrich_lookup_total";
/// How long ago the table in use was last found to be what its file says. Label: `table`.
pub const LOOKUP_AGE: &str = "tailwater_enrich_lookup_age_seconds";
/// How often a changed file was read. Labels: `table`, `result` (ok, failed).
pub const LOOKUP_RELOADS: &str = "tailwater_enrich_lookup_reloads_total";
/// Spans that went on although their parent, in the same record, was dropped.
pub const ORPHANS: &str = "tailwater_enrich_orphaned_spans_total";
/// Resources that were looked up, once for each resource of a record, or once for each pod where an address changed hands meanwhile. Label: `result` (hit,
/// unknown, ambiguous, waited).
pub const K8S_LOOKUPS: &str = "tailwater_enrich_k8s_lookups_total";
/// What detectors of personal data and secrets found. Labels: `detector`, `action`, `mode` (act, report).
pub const PII: &str = "tailwater_enrich_pii_total";
/// Kept aside in the quarantine because of what was found in them.
pub const QUARANTINED: &str = "tailwater_enrich_quarantined_items_total";
/// Label: `rule`.
pub const REDACTIONS: &str = "tailwater_enrich_redactions_total";
/// Records that retention deleted before they were read. Label: `topic`.
pub const LOST_RECORDS: &str = "tailwater_enrich_truncated_records_total";
