//! The names of the metrics that a process has whatever stages it runs.
//!
//! A stage's names stand in its crate's `src/names.rs`. Wherever they stand, a test of the binary (`src/metric_names_tests.rs`) holds each to its row in
//! `docs/reference/metrics.md`, whose text is its HELP. Counters reconcile: see each group.

/// Partitions whose log isn't what a group had read: replaced, or shortened. Labels: `group`, `topic`, `cause`.
pub const BUS_WENT_BACK: &str = "tailwater_bus_log_went_back_total";
/// Of the process. Label: `part`.
pub const PART_READY: &str = "tailwater_part_ready";
pub const CONFIG_GENERATION: &str = "tailwater_config_generation";
pub const CONFIG_RELOAD_FAILURES: &str = "tailwater_config_reload_failures_total";
pub const CONFIG_LAST_RELOAD: &str = "tailwater_config_last_reload_successful";
/// Of the certificates for Kafka. Label: `result`.
pub const KAFKA_CERTIFICATE_RELOADS: &str = "tailwater_kafka_certificate_reloads_total";
/// Label: `file`.
pub const KAFKA_CERTIFICATE_EXPIRY: &str = "tailwater_kafka_certificate_expiry_seconds";
/// Of the token that the process logs in to Kafka with.
pub const KAFKA_TOKEN_EXPIRY: &str = "tailwater_kafka_token_expiry_seconds";
pub const KAFKA_TOKEN_FAILURES: &str = "tailwater_kafka_token_failures_total";
/// Between a stage and the bus. Label: `kind`.
pub const BUS_ERRORS: &str = "tailwater_bus_errors_total";
/// Of the ports that we listen on: seconds until the certificate in a file ends, negative when it has. Label: `file`.
pub const CERTIFICATE_EXPIRY: &str = "tailwater_certificate_expiry_seconds";
/// Label: `result`.
pub const CERTIFICATE_RELOADS: &str = "tailwater_certificate_reloads_total";
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
