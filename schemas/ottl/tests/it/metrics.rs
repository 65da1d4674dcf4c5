//! Metrics and their data points: what conditions find, and what statements make of them.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, Sum, Summary, SummaryDataPoint, exemplar,
};
use ottl::{Condition, Context, Draft, Statement};
use prost::Message;
use schemas::Signal;
use schemas::otlp::{Item, ResourceHead, ScopeHead};

use super::telemetry::{pair, text};

fn point(value: Value, keys: &[&str]) -> NumberDataPoint {
    NumberDataPoint {
        attributes: keys.iter().map(|key| attribute(key)).collect(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        flags: 1,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn attribute(key: &str) -> KeyValue {
    pair(key, text(key))
}

fn metric(data: Data) -> Metric {
    Metric {
        name: "m".into(),
        unit: "s".into(),
        data: Some(data),
        ..Metric::default()
    }
}

fn sum() -> Metric {
    metric(Data::Sum(Sum {
        data_points: vec![
            point(Value::AsInt(5), &["a"]),
            point(Value::AsDouble(2.5), &["b"]),
        ],
        aggregation_temporality: 1,
        is_monotonic: true,
    }))
}

fn gauge() -> Metric {
    metric(Data::Gauge(Gauge {
        data_points: vec![point(Value::AsInt(5), &["a"])],
    }))
}

fn histogram() -> Metric {
    metric(Data::Histogram(Histogram {
        data_points: vec![HistogramDataPoint {
            count: 3,
            sum: Some(3.0),
            bucket_counts: vec![1, 2],
            explicit_bounds: vec![0.5],
            min: Some(0.25),
            exemplars: vec![Exemplar {
                span_id: vec![1; 8],
                value: Some(exemplar::Value::AsInt(3)),
                ..Exemplar::default()
            }],
            attributes: vec![attribute("a")],
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: 2,
    }))
}

fn exponential() -> Metric {
    metric(Data::ExponentialHistogram(ExponentialHistogram {
        data_points: vec![ExponentialHistogramDataPoint {
            scale: -3,
            zero_count: 4,
            positive: Some(Buckets {
                offset: -2,
                bucket_counts: vec![300, 1],
            }),
            attributes: vec![attribute("a")],
            ..ExponentialHistogramDataPoint::default()
        }],
        aggregation_temporality: 2,
    }))
}

fn summary() -> Metric {
    metric(Data::Summary(Summary {
        data_points: vec![SummaryDataPoint {
            count: 2,
            sum: 3.0,
            quantile_values: vec![ValueAtQuantile {
                quantile: 0.5,
                value: 2.0,
            }],
            ..SummaryDataPoint::default()
        }],
    }))
}

fn item(body: &[u8]) -> Item<'_> {
    Item {
        resource: ResourceHead::new(&[], 0),
        scope: ScopeHead::new(&[], 0),
        body,
    }
}

/// Executes a statement on each metric, or on each data point of it.
fn execute(draft: &mut Draft<'_>, context: Context, statement: &str) -> Result<(), String> {
    let compiled = Statement::compile(context, statement).map_err(|found| found.to_string())?;
    let each = |draft: &mut Draft<'_>| compiled.execute(draft).map_err(|e| e.to_string());
    if context != Context::DataPoint {
        return each(draft).map(drop);
    }
    for index in 0..draft.inner_count() {
        if draft.begin_inner(index) == Ok(true) {
            let done = each(draft);
            draft.end_inner(true);
            done?;
        }
    }
    Ok(())
}

#[track_caller]
fn check(before: Metric, statements: &[(Context, &str)], after: &Metric) {
    let body = before.encode_to_vec();
    let mut draft = Draft::of(Signal::Metrics, &item(&body)).expect("a metric");
    for (context, statement) in statements {
        execute(&mut draft, *context, statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    let mut out = Vec::new();
    draft.write_item(&mut out).expect("sound");
    assert_eq!(&Metric::decode(&out[..]).expect("a metric"), after);
}

#[track_caller]
fn refused(before: Metric, context: Context, statement: &str, reason: &str) {
    let body = before.encode_to_vec();
    let mut draft = Draft::of(Signal::Metrics, &item(&body)).expect("a metric");
    let error = execute(&mut draft, context, statement).expect_err("refused");
    assert!(error.contains(reason), "{statement}: {error}");
    assert!(!draft.is_item_changed());
}

const METRIC: Context = Context::Metric;
const POINT: Context = Context::DataPoint;

#[test]
fn a_sum_becomes_a_gauge_with_what_was_changed_of_its_points() {
    let mut after = gauge();
    let points = vec![
        point(Value::AsInt(7), &["a"]),
        point(Value::AsDouble(2.5), &["b"]),
    ];
    after.data = Some(Data::Gauge(Gauge {
        data_points: points,
    }));
    let set = (POINT, r#"set(value_int, 7) where attributes["a"] != nil"#);
    let convert = (METRIC, "convert_sum_to_gauge()");
    check(sum(), &[set, convert], &after);
    check(sum(), &[convert, set], &after);
    check(gauge(), &[convert], &gauge());
    check(histogram(), &[convert], &histogram());
}

#[test]
fn a_gauge_becomes_a_sum() {
    let mut after = gauge();
    after.data = Some(Data::Sum(Sum {
        data_points: vec![point(Value::AsInt(5), &["a"])],
        aggregation_temporality: 2,
        is_monotonic: false,
    }));
    let convert = (METRIC, r#"convert_gauge_to_sum("cumulative", false)"#);
    check(gauge(), &[convert], &after);
    check(sum(), &[convert], &sum());
    let back = (METRIC, "convert_sum_to_gauge()");
    check(gauge(), &[convert, back], &gauge());
    refused(
        gauge(),
        METRIC,
        r#"convert_gauge_to_sum("often", true)"#,
        "neither `delta` nor `cumulative`",
    );
}

#[test]
fn values_are_multiplied() {
    let scale = (METRIC, r#"scale_metric(10.0, "ms")"#);
    let scaled = |mut metric: Metric, data| {
        metric.unit = "ms".into();
        metric.data = Some(data);
        metric
    };
    let points = vec![
        point(Value::AsInt(50), &["a"]),
        point(Value::AsDouble(25.0), &["b"]),
    ];
    let after = scaled(
        sum(),
        Data::Sum(Sum {
            data_points: points,
            aggregation_temporality: 1,
            is_monotonic: true,
        }),
    );
    check(sum(), &[scale], &after);
    // What was set before is multiplied, not what came.
    let set = (POINT, r#"set(value_int, 7) where attributes["a"] != nil"#);
    let Some(Data::Sum(mut data)) = after.data.clone() else {
        unreachable!("a sum")
    };
    data.data_points[0].value = Some(Value::AsInt(70));
    check(sum(), &[set, scale], &scaled(sum(), Data::Sum(data)));

    let Some(Data::Histogram(mut data)) = histogram().data else {
        unreachable!("a histogram")
    };
    let point = &mut data.data_points[0];
    (point.sum, point.min) = (Some(30.0), Some(2.5));
    point.explicit_bounds = vec![5.0];
    point.exemplars[0].value = Some(exemplar::Value::AsInt(30));
    check(
        histogram(),
        &[scale],
        &scaled(histogram(), Data::Histogram(data)),
    );

    let Some(Data::Summary(mut data)) = summary().data else {
        unreachable!("a summary")
    };
    data.data_points[0].sum = 30.0;
    data.data_points[0].quantile_values[0].value = 20.0;
    check(summary(), &[scale], &scaled(summary(), Data::Summary(data)));

    refused(exponential(), METRIC, scale.1, "can't be scaled");
    refused(sum(), METRIC, "scale_metric(10)", "with a decimal point");
    refused(
        sum(),
        POINT,
        "scale_metric(1.0)",
        "of the context `metric` alone",
    );
}

#[test]
fn fields_of_metrics_and_points_are_set() {
    let mut after = sum();
    (after.name, after.unit) = ("m.total".into(), String::new());
    after.metadata = vec![attribute("a")];
    let Some(Data::Sum(data)) = &mut after.data else {
        unreachable!("a sum")
    };
    (data.aggregation_temporality, data.is_monotonic) = (2, false);
    data.data_points[0].attributes.clear();
    data.data_points[1].value = Some(Value::AsInt(2));
    check(
        sum(),
        &[
            (METRIC, r#"set(name, Concat([name, "total"], "."))"#),
            (METRIC, r#"set(unit, "")"#),
            (METRIC, r#"set(metadata["a"], "a")"#),
            (
                METRIC,
                "set(aggregation_temporality, AGGREGATION_TEMPORALITY_CUMULATIVE)",
            ),
            (METRIC, "set(is_monotonic, false)"),
            (POINT, r#"delete_key(attributes, "a")"#),
            (
                POINT,
                "set(value_int, Int(value_double)) where value_double > 0.0",
            ),
        ],
        &after,
    );
    let mut after = exponential();
    let Some(Data::ExponentialHistogram(data)) = &mut after.data else {
        unreachable!("an exponential histogram")
    };
    let point = &mut data.data_points[0];
    (point.scale, point.zero_count) = (-4, 5);
    point.positive = Some(Buckets {
        offset: -1,
        bucket_counts: vec![1, 400],
    });
    point.negative = Some(Buckets {
        offset: 0,
        bucket_counts: vec![9],
    });
    check(
        exponential(),
        &[
            (POINT, "set(scale, scale - 1)"),
            (POINT, "set(zero_count, 5)"),
            (POINT, "set(positive.offset, positive.offset + 1)"),
            (POINT, "set(positive.bucket_counts, [1, 400])"),
            (POINT, "set(negative.bucket_counts, [9])"),
        ],
        &after,
    );
    refused(gauge(), POINT, "set(count, 1)", "has no such field");
    refused(gauge(), POINT, "set(value_int, 1.5)", "expected");
}

#[test]
fn points_that_are_taken_out_are_gone_for_everybody() {
    let body = sum().encode_to_vec();
    let mut draft = Draft::of(Signal::Metrics, &item(&body)).expect("a metric");
    let holds = |draft: &Draft<'_>, text: &str| {
        let condition = Condition::compile(METRIC, text).expect("a condition");
        condition.eval(draft.subject()).expect("evaluated")
    };
    assert!(holds(
        &draft,
        r#"HasAttrKeyOnDatapoint("a") and Len(data_points) == 2"#
    ));
    assert!(holds(
        &draft,
        r#"HasAttrOnDatapoint("b", "b") and not HasAttrOnDatapoint("b", "c")"#
    ));
    assert_eq!(draft.begin_inner(0), Ok(true));
    draft.end_inner(false);
    assert!(!holds(&draft, r#"HasAttrKeyOnDatapoint("a")"#));
    assert!(holds(&draft, "Len(data_points) == 1"));
    assert!(!draft.has_lost_all_points());
    assert_eq!(draft.begin_inner(0), Ok(false));
    assert_eq!(draft.begin_inner(1), Ok(true));
    draft.end_inner(false);
    assert!(draft.has_lost_all_points());
}

#[test]
fn what_a_kind_does_not_have_is_nil() {
    let conditions = [
        (
            sum(),
            "type == METRIC_DATA_TYPE_SUM and is_monotonic == true and aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA",
        ),
        (
            gauge(),
            "type == METRIC_DATA_TYPE_GAUGE and is_monotonic == nil and aggregation_temporality == nil",
        ),
        (
            summary(),
            "type == METRIC_DATA_TYPE_SUMMARY and metadata[\"a\"] == nil",
        ),
        (
            Metric::default(),
            "type == METRIC_DATA_TYPE_NONE and data_points == nil and name == \"\"",
        ),
    ];
    for (metric, text) in conditions {
        let body = metric.encode_to_vec();
        let draft = Draft::of(Signal::Metrics, &item(&body)).expect("a metric");
        let condition = Condition::compile(METRIC, text).expect("a condition");
        assert_eq!(condition.eval(draft.subject()), Ok(true), "{text}");
    }
    let points = [
        (
            sum(),
            "value_int == 5 and value_double == 0.0 and count == nil and flags == FLAG_NO_RECORDED_VALUE",
        ),
        (
            histogram(),
            "count == 3 and sum == 3.0 and value_int == nil and Len(bucket_counts) == 2 and Len(exemplars) == 1",
        ),
        (
            exponential(),
            "scale == -3 and positive.offset == -2 and negative.offset == 0 and Len(positive.bucket_counts) == 2",
        ),
        (
            summary(),
            "Len(quantile_values) == 1 and metric.unit == \"s\" and exemplars == nil",
        ),
    ];
    for (metric, text) in points {
        let body = metric.encode_to_vec();
        let mut draft = Draft::of(Signal::Metrics, &item(&body)).expect("a metric");
        assert_eq!(draft.begin_inner(0), Ok(true));
        let condition = Condition::compile(POINT, text).expect("a condition");
        assert_eq!(condition.eval(draft.subject()), Ok(true), "{text}");
    }
}

/// Of several kinds of data the last counts, and the parts of one kind are one.
#[test]
fn data_that_is_written_in_parts_is_one() {
    let mut body = histogram().encode_to_vec();
    let half = |at: usize| {
        let Some(Data::Sum(mut data)) = sum().data else {
            unreachable!("a sum")
        };
        data.data_points = vec![data.data_points[at].clone()];
        Metric {
            data: Some(Data::Sum(data)),
            ..Metric::default()
        }
    };
    half(0).encode(&mut body).expect("room");
    half(1).encode(&mut body).expect("room");
    let mut draft = Draft::of(Signal::Metrics, &item(&body)).expect("a metric");
    assert_eq!(draft.inner_count(), 2);
    execute(
        &mut draft,
        POINT,
        "set(value_int, 9) where value_double > 0.0",
    )
    .expect("executed");
    execute(&mut draft, METRIC, "convert_sum_to_gauge()").expect("executed");
    let mut out = Vec::new();
    draft.write_item(&mut out).expect("sound");
    let Some(Data::Gauge(gauge)) = Metric::decode(&out[..]).expect("a metric").data else {
        panic!("no gauge")
    };
    let values: Vec<_> = gauge.data_points.iter().map(|point| point.value).collect();
    assert_eq!(values, [Some(Value::AsInt(5)), Some(Value::AsInt(9))]);
}
