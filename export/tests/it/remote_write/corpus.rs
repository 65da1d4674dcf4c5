//! Metrics of all kinds, hard cases among them: what Prometheus' own endpoint takes whole.
//!
//! That endpoint refuses a request for one bad point, so points that can't be sent are elsewhere: in the tests of the translation.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as NumberValue;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::support::PARTITIONS;

/// How many times each series is read.
const READINGS: u64 = 4;
const INTERVAL_S: u64 = 15;
const CUMULATIVE: i32 = 2;

pub fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.into()))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Requests in the order of their times, each of one resource.
pub fn corpus(at_s: u64) -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut requests = Vec::new();
    for reading in 0..READINGS {
        let time_ns = (at_s - (READINGS - reading) * INTERVAL_S) * 1_000_000_000 + 123_456_789;
        let start_ns = (at_s - 600) * 1_000_000_000;
        for (number, attributes) in (0..).zip(resources()) {
            let now = Now {
                reading,
                start_ns,
                time_ns: time_ns + number,
            };
            requests.push(request(attributes, &now, &mut random));
        }
    }
    requests
}

/// Records of one resource are in one partition.
pub fn partition_of(request: &[u8]) -> u32 {
    let request = ExportMetricsServiceRequest::decode(request).unwrap();
    let resource = request.resource_metrics[0].resource.clone().unwrap();
    let sum = resource
        .encode_to_vec()
        .iter()
        .map(|b| u32::from(*b))
        .sum::<u32>();
    sum % PARTITIONS
}

struct Now {
    reading: u64,
    start_ns: u64,
    time_ns: u64,
}

fn resources() -> Vec<Vec<KeyValue>> {
    vec![
        vec![
            text("service.name", "checkout"),
            text("service.namespace", "shop"),
            text("service.instance.id", "i-1"),
            text("service.version", "1.2.3"),
            text("k8s.namespace.name", "prod"),
            pair("process.pid", Value::IntValue(42)),
            text("empty", ""),
        ],
        vec![text("service.name", "cart"), text("service.version", "")],
        vec![
            text("service.instance.id", "only-instance"),
            text("a.b", "1"),
            text("a_b", "2"),
            text("job", "resource-job"),
        ],
        vec![text("service.namespace", "ns"), text("host.name", "nobody")],
        vec![
            text("service.name", "größe"),
            text("service.namespace", ""),
            text("schlüssel", "wert"),
            text("__reserved__", "x"),
        ],
    ]
}

fn request(attributes: Vec<KeyValue>, now: &Now, random: &mut fastrand::Rng) -> Vec<u8> {
    let scope = |name: &str, version: &str, attributes: Vec<KeyValue>| {
        Some(InstrumentationScope {
            name: name.into(),
            version: version.into(),
            attributes,
            ..InstrumentationScope::default()
        })
    };
    let scopes = [
        (
            scope(
                "lib.a",
                "1.0",
                vec![text("scope.attribute", "s"), text("none", "")],
            ),
            "",
        ),
        (
            scope("lib.b", "", vec![]),
            "https://opentelemetry.io/schemas/1.30.0",
        ),
    ];
    let scope_metrics = scopes.into_iter().map(|(scope, schema_url)| ScopeMetrics {
        scope,
        schema_url: schema_url.into(),
        metrics: metrics(now, random),
    });
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes,
                ..Resource::default()
            }),
            scope_metrics: scope_metrics.collect(),
            ..ResourceMetrics::default()
        }],
    };
    request.encode_to_vec()
}

/// (name, unit): what names are made of.
const GAUGES: &[(&str, &str)] = &[
    ("plain", ""),
    ("system.cpu.utilization", "1"),
    ("disk.usage", "By"),
    ("net.rate", "By/s"),
    ("net.packets", "{packet}/s"),
    ("temperature..core__1", "Cel"),
    ("2xx.share", "%"),
    ("jvm.größe.max", "MiBy"),
    ("queue.length_ratio", "1"),
    ("already_seconds", "s"),
    ("odd:unit", "foo/bar baz"),
    ("with:colons::twice", "m/s"),
    ("_leading.underscore_", "h"),
];

const COUNTERS: &[(&str, &str)] = &[
    ("http.requests", "{request}"),
    ("http.requests.total.errors", "1"),
    ("bytes_total", "By"),
    ("cpu.time", "s"),
];

fn metrics(now: &Now, random: &mut fastrand::Rng) -> Vec<Metric> {
    let metric = |name: &str, unit: &str, data| Metric {
        name: name.into(),
        unit: unit.into(),
        description: format!("what {name} is"),
        data: Some(data),
        ..Metric::default()
    };
    let mut metrics = Vec::new();
    for (index, (name, unit)) in GAUGES.iter().enumerate() {
        let data_points = points(now, index, random);
        metrics.push(metric(name, unit, Data::Gauge(Gauge { data_points })));
    }
    for (index, (name, unit)) in COUNTERS.iter().enumerate() {
        for is_monotonic in [true, false] {
            let name = format!("{name}{}", if is_monotonic { "" } else { ".open" });
            let sum = Sum {
                data_points: counts(now, index, random),
                aggregation_temporality: CUMULATIVE,
                is_monotonic,
            };
            metrics.push(metric(&name, unit, Data::Sum(sum)));
        }
    }
    let histogram = Histogram {
        data_points: histograms(now, random),
        aggregation_temporality: CUMULATIVE,
    };
    metrics.push(metric(
        "http.server.request.duration",
        "s",
        Data::Histogram(histogram),
    ));
    let exponential = ExponentialHistogram {
        data_points: exponential_histograms(now, random),
        aggregation_temporality: CUMULATIVE,
    };
    metrics.push(metric(
        "rpc.duration",
        "ms",
        Data::ExponentialHistogram(exponential),
    ));
    let summary = Summary {
        data_points: summaries(now),
    };
    metrics.push(metric("gc.pause", "s", Data::Summary(summary)));
    metrics
}

/// Attributes of all kinds; some collide when they are escaped.
fn attributes(variant: u64) -> Vec<KeyValue> {
    let list = ArrayValue {
        values: vec![
            AnyValue {
                value: Some(Value::StringValue("<a&b>".into())),
            },
            AnyValue {
                value: Some(Value::DoubleValue(1e21)),
            },
        ],
    };
    let map = KeyValueList {
        values: vec![text("z", "1"), pair("a", Value::BoolValue(true))],
    };
    match variant {
        0 => vec![],
        1 => vec![
            text("http.method", "GET"),
            text("http_method", "POST"),
            text("http/method", ""),
            text("z", "last"),
            text("empty", ""),
        ],
        2 => vec![
            pair("int", Value::IntValue(-9_007_199_254_740_993)),
            pair("double", Value::DoubleValue(1e-7)),
            pair("whole", Value::DoubleValue(3.0)),
            pair("bool", Value::BoolValue(false)),
            pair("list", Value::ArrayValue(list)),
            pair("map", Value::KvlistValue(map)),
            pair("bytes", Value::BytesValue(vec![0, 255, 16])),
        ],
        3 => vec![
            text("job", "point-job"),
            text("instance", "point-instance"),
            text("otel_scope_name", "point-scope"),
            text("service.version", "point-version"),
            text("__name__", "point-name"),
            text("_private", "p"),
        ],
        _ => vec![
            text("ünïcode", "värde"),
            text("line", "a\nb\"c\\d"),
            text("long", &"x".repeat(2000)),
            text("1digit", "d"),
            text("__meta__", "m"),
        ],
    }
}

fn points(now: &Now, index: usize, random: &mut fastrand::Rng) -> Vec<NumberDataPoint> {
    let value = |variant: u64, random: &mut fastrand::Rng| match (index + variant as usize) % 6 {
        0 => NumberValue::AsInt(random.i64(..)),
        1 => NumberValue::AsDouble(f64::INFINITY),
        2 => NumberValue::AsDouble(-0.0),
        3 => NumberValue::AsDouble(random.f64() * 1e300),
        4 => NumberValue::AsInt(0),
        _ => NumberValue::AsDouble(f64::NAN),
    };
    let point = |variant: u64| NumberDataPoint {
        attributes: attributes(variant),
        time_unix_nano: now.time_ns,
        value: Some(value(variant, random)),
        // One series ends, and begins again.
        flags: u32::from(variant == 1 && now.reading == 2),
        ..NumberDataPoint::default()
    };
    (0..5).map(point).collect()
}

fn exemplars(now: &Now, values: &[f64]) -> Vec<Exemplar> {
    let exemplar = |(index, value): (usize, &f64)| Exemplar {
        filtered_attributes: match index {
            0 => vec![text("user.id", "u-1")],
            1 => vec![text("too.long", &"y".repeat(200))],
            _ => vec![],
        },
        time_unix_nano: now.time_ns - 2_000_000_000 + index as u64 * 10_000_000,
        trace_id: vec![index as u8 + 1; 16],
        span_id: if index == 2 { vec![] } else { vec![7; 8] },
        value: Some(exemplar::Value::AsDouble(*value)),
    };
    values.iter().enumerate().map(exemplar).collect()
}

fn counts(now: &Now, index: usize, random: &mut fastrand::Rng) -> Vec<NumberDataPoint> {
    let point = |variant: u64| NumberDataPoint {
        attributes: attributes(variant),
        start_time_unix_nano: now.start_ns,
        time_unix_nano: now.time_ns,
        value: Some(match index % 2 {
            0 => NumberValue::AsInt((now.reading * 1000 + random.u64(..1000)) as i64),
            _ => NumberValue::AsDouble(now.reading as f64 + random.f64()),
        }),
        exemplars: match variant {
            0 => exemplars(now, &[0.5]),
            _ => vec![],
        },
        ..NumberDataPoint::default()
    };
    (0..5).map(point).collect()
}

fn histograms(now: &Now, random: &mut fastrand::Rng) -> Vec<HistogramDataPoint> {
    let bounds = vec![-1.5, 0.0, 0.005, 0.25, 1.0, 2.5, 10.0, 1e6];
    let mut point = |variant: u64| {
        let counts: Vec<_> = bounds
            .iter()
            .map(|_| random.u64(..4) * (now.reading + 1))
            .collect();
        let counts = [counts, vec![random.u64(..9)]].concat();
        let ends = variant == 3 && now.reading == 3;
        HistogramDataPoint {
            attributes: attributes(variant),
            start_time_unix_nano: now.start_ns,
            time_unix_nano: now.time_ns,
            count: if ends { 0 } else { counts.iter().sum() },
            sum: Some(if ends { 0.0 } else { random.f64() * 100.0 }),
            bucket_counts: if ends { vec![0; 9] } else { counts },
            explicit_bounds: bounds.clone(),
            exemplars: match variant {
                0 => exemplars(now, &[-3.0, 0.25, 0.3, 1e7]),
                _ => vec![],
            },
            flags: u32::from(ends),
            ..HistogramDataPoint::default()
        }
    };
    (0..5).map(&mut point).collect()
}

fn exponential_histograms(
    now: &Now,
    random: &mut fastrand::Rng,
) -> Vec<ExponentialHistogramDataPoint> {
    let mut point = |variant: u64| {
        let mut buckets = |length: usize| {
            let counts = (0..length).map(|_| random.u64(..3).saturating_sub(1) * (now.reading + 1));
            counts.collect::<Vec<_>>()
        };
        let (positive, negative) = (buckets(60), buckets(5 * variant as usize));
        let zero_count = now.reading;
        ExponentialHistogramDataPoint {
            attributes: attributes(variant),
            start_time_unix_nano: now.start_ns,
            time_unix_nano: now.time_ns,
            count: positive.iter().chain(&negative).sum::<u64>() + zero_count,
            sum: Some(3.25 * now.reading as f64),
            scale: [-4, 0, 3, 8, 12][variant as usize],
            zero_count,
            positive: Some(Buckets {
                offset: [0, -30, 100, -1000, 5555][variant as usize],
                bucket_counts: positive,
            }),
            negative: Some(Buckets {
                offset: -3,
                bucket_counts: negative,
            }),
            exemplars: match variant {
                0 => exemplars(now, &[1.0, 2.0]),
                _ => vec![],
            },
            ..ExponentialHistogramDataPoint::default()
        }
    };
    (0..5).map(&mut point).collect()
}

fn summaries(now: &Now) -> Vec<SummaryDataPoint> {
    let point = |variant: u64| SummaryDataPoint {
        attributes: attributes(variant),
        start_time_unix_nano: now.start_ns,
        time_unix_nano: now.time_ns,
        count: now.reading,
        sum: now.reading as f64 / 3.0,
        quantile_values: [0.0, 0.5, 0.999, 1.0]
            .map(|quantile| ValueAtQuantile {
                quantile,
                value: quantile * 2.0,
            })
            .into(),
        flags: u32::from(variant == 2 && now.reading == 1),
    };
    (0..5).map(point).collect()
}
