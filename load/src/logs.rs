//! Logs that go with the traces.

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;

use crate::attributes::{self, number, text};
use crate::shop::SERVICES;
use crate::trace::Reported;

/// One log record of the trace's root, and one of each of its errors. Returns the request and its number of records.
pub fn request(trace: &[Reported], rng: &mut Rng) -> (Bytes, usize) {
    let speaking = trace
        .iter()
        .enumerate()
        .filter(|(index, reported)| *index == 0 || !reported.span.events.is_empty());
    let mut request = ExportLogsServiceRequest::default();
    for (
        _,
        Reported {
            service,
            instance,
            span,
        },
    ) in speaking
    {
        let failed = span.status.as_ref().is_some_and(|status| status.code == 2);
        let body = if failed {
            format!(
                "{} failed for jane.doe{}@example.com",
                span.name,
                rng.u16(..)
            )
        } else {
            format!(
                "{} took {} ms",
                span.name,
                (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000
            )
        };
        let record = LogRecord {
            time_unix_nano: span.end_time_unix_nano,
            observed_time_unix_nano: span.end_time_unix_nano,
            severity_number: if failed { 17 } else { 9 },
            severity_text: if failed { "ERROR" } else { "INFO" }.to_owned(),
            body: Some(AnyValue {
                value: Some(Value::StringValue(body)),
            }),
            attributes: vec![
                text("log.logger", "com.example.shop.Access"),
                number("thread.id", rng.i64(1..200)),
            ],
            flags: span.flags & 0xff,
            trace_id: span.trace_id.clone(),
            span_id: span.span_id.clone(),
            ..LogRecord::default()
        };
        request.resource_logs.push(ResourceLogs {
            resource: Some(attributes::resource(&SERVICES[*service], *instance)),
            scope_logs: vec![ScopeLogs {
                scope: attributes::scope(),
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        });
    }
    let items = request.resource_logs.len();
    (request.encode_to_vec().into(), items)
}
