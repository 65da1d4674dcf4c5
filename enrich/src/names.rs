//! The names of enrich's metrics; documented in `docs/reference/metrics.md`, which a test of the binary holds to this file.

/// consumed = written + dead-lettered. Label: `signal`.
pub const CONSUMED: &str = "tailwater_enrich_consumed_items_total";
pub const WRITTEN: &str = "tailwater_enrich_written_items_total";
pub const DEAD_LETTERED: &str = "tailwater_enrich_dead_lettered_items_total";
/// By tenant, consumed = written + dead-lettered. Labels: `tenant`, `outcome` (consumed, written, dead_lettered).
pub const TENANT_ITEMS: &str = "tailwater_enrich_tenant_items_total";
/// Label: `rule`.
pub const REDACTIONS: &str = "tailwater_enrich_redactions_total";
/// Records that retention deleted before they were read. Label: `topic`.
pub const LOST_RECORDS: &str = "tailwater_enrich_truncated_records_total";
