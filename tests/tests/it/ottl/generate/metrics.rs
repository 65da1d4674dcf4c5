//! Random metrics, of each kind.

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, number_data_point,
};

use super::one;
use super::values::{attributes, resource, scope};
use super::words::TEXTS;

/// With two data points in each metric.
pub(super) fn request(rng: &mut Rng) -> ExportMetricsServiceRequest {
    let metric = Metric {
        name: one(rng, TEXTS).to_owned(),
        description: one(rng, TEXTS).to_owned(),
        unit: one(rng, TEXTS).to_owned(),
        metadata: attributes(rng, 1),
        data: Some(data(rng)),
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource(rng),
            scope_metrics: vec![ScopeMetrics {
                scope: scope(rng),
                metrics: vec![metric],
                schema_url: "s".to_owned(),
            }],
            schema_url: "r".to_owned(),
        }],
    }
}

fn data(rng: &mut Rng) -> Data {
    let aggregation_temporality = rng.i32(..3);
    match rng.u8(..5) {
        0 => Data::Gauge(Gauge {
            data_points: vec![number(rng), number(rng)],
        }),
        1 => Data::Sum(Sum {
            data_points: vec![number(rng), number(rng)],
            aggregation_temporality,
            is_monotonic: rng.bool(),
        }),
        2 => Data::Histogram(Histogram {
            data_points: vec![histogram(rng), histogram(rng)],
            aggregation_temporality,
        }),
        3 => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![exponential(rng), exponential(rng)],
            aggregation_temporality,
        }),
        _ => Data::Summary(Summary {
            data_points: vec![summary(rng), summary(rng)],
        }),
    }
}

fn start(rng: &mut Rng) -> u64 {
    1_700_000_000_000_000_000 + rng.u64(..10_000_000_000)
}

fn double(rng: &mut Rng) -> f64 {
    f64::from(rng.i32(-8..16)) / 2.0
}

fn number(rng: &mut Rng) -> NumberDataPoint {
    let start_time_unix_nano = start(rng);
    let value = match rng.bool() {
        true => number_data_point::Value::AsInt(rng.i64(-3..20)),
        false => number_data_point::Value::AsDouble(double(rng)),
    };
    NumberDataPoint {
        attributes: attributes(rng, 1),
        start_time_unix_nano,
        time_unix_nano: start_time_unix_nano + 5,
        exemplars: exemplars(rng),
        flags: rng.u32(..2),
        value: Some(value),
    }
}

fn exemplars(rng: &mut Rng) -> Vec<Exemplar> {
    let exemplar = |rng: &mut Rng| Exemplar {
        time_unix_nano: start(rng),
        value: Some(exemplar::Value::AsDouble(double(rng))),
        ..Exemplar::default()
    };
    (0..rng.u8(..3)).map(|_| exemplar(rng)).collect()
}

fn counts(rng: &mut Rng) -> Vec<u64> {
    (0..3).map(|_| rng.u64(..300)).collect()
}

fn histogram(rng: &mut Rng) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(rng, 1),
        start_time_unix_nano: start(rng),
        time_unix_nano: start(rng),
        count: rng.u64(..9),
        sum: rng.bool().then(|| double(rng)),
        bucket_counts: counts(rng),
        explicit_bounds: vec![0.5, 2.0],
        exemplars: exemplars(rng),
        flags: rng.u32(..2),
        min: rng.bool().then(|| double(rng)),
        max: None,
    }
}

fn exponential(rng: &mut Rng) -> ExponentialHistogramDataPoint {
    let buckets = |rng: &mut Rng| Buckets {
        offset: rng.i32(-4..4),
        bucket_counts: counts(rng),
    };
    ExponentialHistogramDataPoint {
        attributes: attributes(rng, 1),
        start_time_unix_nano: start(rng),
        time_unix_nano: start(rng),
        count: rng.u64(..9),
        sum: rng.bool().then(|| double(rng)),
        scale: rng.i32(-3..5),
        zero_count: rng.u64(..4),
        positive: Some(buckets(rng)),
        negative: rng.bool().then(|| buckets(rng)),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn summary(rng: &mut Rng) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(rng, 1),
        start_time_unix_nano: start(rng),
        time_unix_nano: start(rng),
        count: rng.u64(..9),
        sum: double(rng),
        quantile_values: vec![ValueAtQuantile {
            quantile: 0.5,
            value: double(rng),
        }],
        flags: rng.u32(..2),
    }
}
