//! Logs and metrics that go with the traces.

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
};
use prost::Message;

use crate::attributes::{self, number, text};
use crate::shop::SERVICES;
use crate::trace::Reported;

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "com.example.shop".to_owned(),
        ..InstrumentationScope::default()
    })
}

/// One log record of the trace's root, and one of each of its errors. Returns the request and its number of records.
pub fn logs(trace: &[Reported], rng: &mut Rng) -> (Bytes, usize) {
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
                scope: scope(),
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        });
    }
    let items = request.resource_logs.len();
    (request.encode_to_vec().into(), items)
}

/// A counter and a histogram of each service at `at` nanoseconds of traffic time.
pub fn metrics(start_unix_nano: u64, at: u64, rng: &mut Rng) -> (Bytes, usize) {
    let time_unix_nano = start_unix_nano + at;
    let mut request = ExportMetricsServiceRequest::default();
    for service in SERVICES {
        let count = rng.u64(10..1000);
        let labels = || {
            vec![
                text("http.request.method", "GET"),
                text("http.route", "/product/{id}"),
            ]
        };
        let sum = Sum {
            data_points: vec![NumberDataPoint {
                attributes: labels(),
                start_time_unix_nano: start_unix_nano,
                time_unix_nano,
                value: Some(number_data_point::Value::AsInt(count as i64)),
                ..NumberDataPoint::default()
            }],
            aggregation_temporality: AggregationTemporality::Delta as i32,
            is_monotonic: true,
        };
        let histogram = Histogram {
            data_points: vec![HistogramDataPoint {
                attributes: labels(),
                start_time_unix_nano: start_unix_nano,
                time_unix_nano,
                count,
                sum: Some(count as f64 * 0.12),
                explicit_bounds: vec![0.01, 0.1, 1.0],
                bucket_counts: vec![count / 4, count / 2, count - count / 4 - count / 2, 0],
                ..HistogramDataPoint::default()
            }],
            aggregation_temporality: AggregationTemporality::Delta as i32,
        };
        let metric = |name: &str, unit: &str, data| Metric {
            name: name.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        };
        request.resource_metrics.push(ResourceMetrics {
            resource: Some(attributes::resource(service, 0)),
            scope_metrics: vec![ScopeMetrics {
                scope: scope(),
                metrics: vec![
                    metric("http.server.requests", "{request}", Data::Sum(sum)),
                    metric(
                        "http.server.request.duration",
                        "s",
                        Data::Histogram(histogram),
                    ),
                ],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        });
    }
    let items = 2 * request.resource_metrics.len();
    (request.encode_to_vec().into(), items)
}
