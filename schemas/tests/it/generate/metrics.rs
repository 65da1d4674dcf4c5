//! Random metrics, of every kind of data point.

use super::{attributes, double, id, many, maybe, number, resource, scope, small, text};
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric::Data,
    number_data_point, summary_data_point::ValueAtQuantile,
};

pub fn metrics(rng: &mut Rng) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest {
        resource_metrics: many(rng, 4, |rng| ResourceMetrics {
            resource: maybe(rng, resource),
            scope_metrics: many(rng, 4, |rng| ScopeMetrics {
                scope: maybe(rng, scope),
                metrics: many(rng, 5, metric),
                schema_url: text(rng),
            }),
            schema_url: text(rng),
        }),
    }
}

fn metric(rng: &mut Rng) -> Metric {
    Metric {
        name: text(rng),
        description: text(rng),
        unit: text(rng),
        metadata: attributes(rng),
        data: maybe(rng, data),
    }
}

fn data(rng: &mut Rng) -> Data {
    let aggregation_temporality = small(rng) as i32;
    match rng.u8(..5) {
        0 => Data::Gauge(Gauge {
            data_points: many(rng, 3, point),
        }),
        1 => Data::Sum(Sum {
            data_points: many(rng, 3, point),
            aggregation_temporality,
            is_monotonic: rng.bool(),
        }),
        2 => Data::Histogram(Histogram {
            data_points: many(rng, 3, histogram),
            aggregation_temporality,
        }),
        3 => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: many(rng, 3, exponential),
            aggregation_temporality,
        }),
        _ => Data::Summary(Summary {
            data_points: many(rng, 3, summary),
        }),
    }
}

fn point(rng: &mut Rng) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(rng),
        start_time_unix_nano: number(rng),
        time_unix_nano: number(rng),
        exemplars: many(rng, 3, exemplar),
        flags: small(rng),
        value: maybe(rng, |rng| match rng.bool() {
            true => number_data_point::Value::AsDouble(double(rng)),
            false => number_data_point::Value::AsInt(number(rng) as i64),
        }),
    }
}

fn histogram(rng: &mut Rng) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(rng),
        start_time_unix_nano: number(rng),
        time_unix_nano: number(rng),
        count: number(rng),
        sum: maybe(rng, double),
        bucket_counts: many(rng, 5, number),
        explicit_bounds: many(rng, 5, double),
        exemplars: many(rng, 3, exemplar),
        flags: small(rng),
        min: maybe(rng, double),
        max: maybe(rng, double),
    }
}

fn exponential(rng: &mut Rng) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(rng),
        start_time_unix_nano: number(rng),
        time_unix_nano: number(rng),
        count: number(rng),
        sum: maybe(rng, double),
        scale: small(rng) as i32,
        zero_count: number(rng),
        positive: maybe(rng, buckets),
        negative: maybe(rng, buckets),
        flags: small(rng),
        exemplars: many(rng, 3, exemplar),
        min: maybe(rng, double),
        max: maybe(rng, double),
        zero_threshold: double(rng),
    }
}

fn buckets(rng: &mut Rng) -> Buckets {
    Buckets {
        offset: small(rng) as i32,
        bucket_counts: many(rng, 5, number),
    }
}

fn summary(rng: &mut Rng) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(rng),
        start_time_unix_nano: number(rng),
        time_unix_nano: number(rng),
        count: number(rng),
        sum: double(rng),
        quantile_values: many(rng, 3, |rng| ValueAtQuantile {
            quantile: double(rng),
            value: double(rng),
        }),
        flags: small(rng),
    }
}

fn exemplar(rng: &mut Rng) -> Exemplar {
    Exemplar {
        filtered_attributes: attributes(rng),
        time_unix_nano: number(rng),
        span_id: id(rng, 8),
        trace_id: id(rng, 16),
        value: maybe(rng, |rng| match rng.bool() {
            true => exemplar::Value::AsDouble(double(rng)),
            false => exemplar::Value::AsInt(number(rng) as i64),
        }),
    }
}
