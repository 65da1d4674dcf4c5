//! The names of export's metrics; documented in `docs/reference/metrics.md`, which a test of the binary holds to this file.

/// consumed = delivered + dead-lettered + skipped. Labels: `backend`, `signal`.
pub const CONSUMED: &str = "tailwater_export_consumed_items_total";
pub const DELIVERED: &str = "tailwater_export_delivered_items_total";
pub const DEAD_LETTERED: &str = "tailwater_export_dead_lettered_items_total";
/// Items that this backend doesn't get. Labels: `backend`, `signal`, `reason` (tenant, route, filter, sample, quota, temporality).
pub const SKIPPED: &str = "tailwater_export_skipped_items_total";
/// Consumed items by tenant. Labels: `backend`, `tenant`, `outcome` (delivered, dead_lettered, skipped).
pub const TENANT_ITEMS: &str = "tailwater_export_tenant_items_total";
/// Conditions of routes and filters that failed, and so didn't hold.
pub const FAILED_CONDITIONS: &str = "tailwater_export_failed_conditions_total";
/// Attributes that were cut to what the backend takes.
pub const CLIPPED_ATTRIBUTES: &str = "tailwater_export_clipped_attributes_total";
pub const PENDING: &str = "tailwater_export_pending_items";
/// Items that the backend itself refused by `partial_success`, in its own unit, or that can't be sent to it; they count as delivered.
pub const REFUSED: &str = "tailwater_export_refused_items_total";
/// Items that the backend had already, as it said; they count as delivered.
pub const DEDUPLICATED: &str = "tailwater_export_deduplicated_items_total";
/// Answers of the backend, and requests that none came to. Labels: `backend`, `signal`, `answer` (accepted, retry, divide, refused, fault, denied).
pub const RESPONSES: &str = "tailwater_export_responses_total";
pub const RETRIES: &str = "tailwater_export_retries_total";
/// 0: closed. 1: open after failures in a row. 2: open since the backend refuses everything (credentials, address).
pub const BREAKER_STATE: &str = "tailwater_export_breaker_state";
/// Batches that are on their way to the backend.
pub const IN_FLIGHT: &str = "tailwater_export_in_flight_requests";
/// How many may be.
pub const CONCURRENCY_LIMIT: &str = "tailwater_export_concurrency_limit";
/// 0: the backend itself is used. 1 and above: that standby of `failover.to`.
pub const FAILOVER_LEVEL: &str = "tailwater_export_failover_level";
/// Series that deltas are added up for. Label: `backend`.
pub const PRW_STREAMS: &str = "tailwater_export_prw_streams";
/// Streams of metrics that are converted to the other temporality. Label: `backend`.
pub const TEMPORALITY_STREAMS: &str = "tailwater_export_temporality_streams";
/// Data points that can't be converted to the other temporality. Labels: `backend`, `reason` (initial, reset, buckets, late, streams, malformed).
pub const TEMPORALITY_DROPPED: &str = "tailwater_export_temporality_dropped_points_total";
/// What a tenant has used of its quota in the window that it is now, over all processes. Labels: `backend`, `tenant`.
pub const QUOTA_USED_BYTES: &str = "tailwater_export_quota_used_bytes";
pub const QUOTA_USED_ITEMS: &str = "tailwater_export_quota_used_items";
/// The quota of each tenant. Labels: `backend`, `tenant`.
pub const QUOTA_LIMIT_BYTES: &str = "tailwater_export_quota_limit_bytes";
pub const QUOTA_LIMIT_ITEMS: &str = "tailwater_export_quota_limit_items";
/// 1: what other processes counted is known. 0: it isn't, and quotas don't hold. Label: `backend`.
pub const QUOTA_KNOWN: &str = "tailwater_export_quota_known";
/// Partitions that wait until a quota has room again. Label: `backend`.
pub const QUOTA_HELD: &str = "tailwater_export_quota_held_partitions";
/// Records that retention deleted before they were read.
pub const TRUNCATED: &str = "tailwater_export_truncated_records_total";
/// Seconds until the credentials that `auth` fetches expire; negative once they have. Label: `backend`.
pub const CREDENTIALS_EXPIRE: &str = "tailwater_export_credentials_expire_seconds";
/// As sent: encoded and compressed.
pub const DELIVERED_BYTES: &str = "tailwater_export_delivered_bytes_total";
/// From sending a request to the backend's answer, retries not included.
pub const REQUEST_SECONDS: &str = "tailwater_export_request_seconds";
