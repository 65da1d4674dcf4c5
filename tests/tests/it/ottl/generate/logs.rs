//! Random log records.

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

use super::one;
use super::values::{any, attributes, resource, scope};
use super::words::TEXTS;

pub(super) fn request(rng: &mut Rng) -> ExportLogsServiceRequest {
    let time = 1_700_000_000_000_000_000 + rng.u64(..10_000_000_000);
    let record = LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time + rng.u64(..1000),
        severity_number: rng.i32(..25),
        severity_text: one(rng, TEXTS).to_owned(),
        body: rng.bool().then(|| any(rng, 2)),
        attributes: attributes(rng, 2),
        dropped_attributes_count: rng.u32(..3),
        flags: rng.u32(..512),
        trace_id: (1..17).collect(),
        span_id: (1..9).collect(),
        event_name: one(rng, TEXTS).to_owned(),
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource(rng),
            scope_logs: vec![ScopeLogs {
                scope: scope(rng),
                log_records: vec![record],
                schema_url: "s".to_owned(),
            }],
            schema_url: "r".to_owned(),
        }],
    }
}
