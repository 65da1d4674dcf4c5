//! The names of ingest's metrics; documented in `docs/reference/metrics.md`, which a test of the binary holds to this file.

/// received = filtered + rejected + published (+ in flight). Labels: `signal`, and `reason` on rejections.
pub const RECEIVED: &str = "tailwater_ingest_received_items_total";
pub const PUBLISHED: &str = "tailwater_ingest_published_items_total";
pub const REJECTED: &str = "tailwater_ingest_rejected_items_total";
/// Items that `ingest.filter` took out. Label: `signal`.
pub const FILTERED: &str = "tailwater_ingest_filtered_items_total";
/// Evaluations of conditions in `ingest.filter` that failed. Label: `signal`.
pub const FILTER_ERRORS: &str = "tailwater_ingest_filter_errors_total";
/// Requests refused whole. Labels: `protocol`, `reason`.
pub const REFUSED_REQUESTS: &str = "tailwater_ingest_refused_requests_total";
/// Requests that were taken though names or fields in them were not understood. Label: `signal`.
pub const UNRECOGNIZED: &str = "tailwater_ingest_unrecognized_requests_total";
pub const REQUESTS: &str = "tailwater_ingest_requests_total";
pub const IN_FLIGHT_BYTES: &str = "tailwater_ingest_in_flight_bytes";
/// Open connections. Label: `protocol`.
pub const CONNECTIONS: &str = "tailwater_ingest_connections";
/// As many as each port takes at a time. Label: `protocol`.
pub const CONNECTIONS_MAX: &str = "tailwater_ingest_connections_max";
/// Labels: `protocol`, `reason`.
pub const CONNECTIONS_CLOSED: &str = "tailwater_ingest_connections_closed_total";
/// Requests whose sender isn't known, or may not send. Label: `reason`.
pub const UNAUTHORIZED: &str = "tailwater_ingest_unauthorized_requests_total";
/// Keys that are in use.
pub const KEYS: &str = "tailwater_ingest_keys";
/// Label: `result`.
pub const KEYS_RELOADS: &str = "tailwater_ingest_keys_reloads_total";
/// Fetches of an OIDC issuer's keys. Label: `result`.
pub const ISSUER_FETCHES: &str = "tailwater_ingest_issuer_fetches_total";
/// Requests refused since their tenant has used up its rate. Label: `tenant`.
pub const THROTTLED: &str = "tailwater_ingest_throttled_requests_total";
/// Of requests, before compression. Labels: `tenant`, `signal`.
pub const TENANT_BYTES: &str = "tailwater_ingest_tenant_bytes_total";
pub const PUBLISHED_BYTES: &str = "tailwater_ingest_published_bytes_total";
/// Records of the topics in `ingest.kafka`. Labels: `topic`, and `outcome`: `taken` or `dead`.
pub const KAFKA_RECORDS: &str = "tailwater_ingest_kafka_records_total";
