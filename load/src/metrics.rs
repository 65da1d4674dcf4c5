//! Metrics that go with the traces.

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
};
use prost::Message;

use crate::attributes::{self, text};
use crate::shop::SERVICES;

/// A counter and a histogram of each service at `at` nanoseconds of traffic time. Returns the request and its number of metrics.
pub fn request(start_unix_nano: u64, at: u64, rng: &mut Rng) -> (Bytes, usize) {
    let times = (start_unix_nano, start_unix_nano + at);
    let mut request = ExportMetricsServiceRequest::default();
    for service in SERVICES {
        let count = rng.u64(10..1000);
        let metrics = vec![
            metric(
                "http.server.requests",
                "{request}",
                Data::Sum(sum(count, times)),
            ),
            metric(
                "http.server.request.duration",
                "s",
                Data::Histogram(histogram(count, times)),
            ),
        ];
        request.resource_metrics.push(ResourceMetrics {
            resource: Some(attributes::resource(service, 0)),
            scope_metrics: vec![ScopeMetrics {
                scope: attributes::scope(),
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        });
    }
    let items = 2 * request.resource_metrics.len();
    (request.encode_to_vec().into(), items)
}

fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// `times`: start and end, in nanoseconds since the Unix epoch.
fn sum(count: u64, times: (u64, u64)) -> Sum {
    Sum {
        data_points: vec![NumberDataPoint {
            attributes: labels(),
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            value: Some(number_data_point::Value::AsInt(count as i64)),
            ..NumberDataPoint::default()
        }],
        aggregation_temporality: AggregationTemporality::Delta as i32,
        is_monotonic: true,
    }
}

fn histogram(count: u64, times: (u64, u64)) -> Histogram {
    Histogram {
        data_points: vec![HistogramDataPoint {
            attributes: labels(),
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count,
            sum: Some(count as f64 * 0.12),
            explicit_bounds: vec![0.01, 0.1, 1.0],
            bucket_counts: vec![count / 4, count / 2, count - count / 4 - count / 2, 0],
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: AggregationTemporality::Delta as i32,
    }
}

fn labels() -> Vec<KeyValue> {
    vec![
        text("http.request.method", "GET"),
        text("http.route", "/product/{id}"),
    ]
}
