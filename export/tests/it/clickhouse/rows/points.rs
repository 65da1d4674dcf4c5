//! Data points of all kinds.

use schemas::Signal;
use serde_json::{Value as Json, json};

use super::{changed, deliver};
use crate::clickhouse::server;
use crate::support::telemetry::from_json;

pub const METRICS: &[u8] = br#"{"resourceMetrics": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}, "schemaUrl": "https://r", "scopeMetrics": [{
    "scope": {"name": "lib", "version": "3", "attributes": [{"key": "s", "value": {"boolValue": false}}], "droppedAttributesCount": 4}, "schemaUrl": "https://s",
    "metrics": [
        {"name": "g", "description": "d", "unit": "By", "gauge": {"dataPoints": [
            {"attributes": [{"key": "a", "value": {"stringValue": "b"}}], "startTimeUnixNano": "1600000000999999999", "timeUnixNano": "1700000000999999999",
             "asDouble": 2.5, "flags": 1, "exemplars": [
                {"timeUnixNano": "1700000000000000000", "asInt": "-3", "spanId": "0102030405060708", "traceId": "0102030405060708090a0b0c0d0e0f10",
                 "filteredAttributes": [{"key": "f", "value": {"intValue": "9"}}]},
                {"asDouble": "NaN"}]},
            {"asInt": "-9007199254740993"}, {"asDouble": "-Infinity"}, {}]}},
        {"name": "none", "gauge": {"dataPoints": []}},
        {"name": "nothing"},
        {"name": "s", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{"timeUnixNano": "18446744073709551615", "asDouble": 1}]}},
        {"name": "h", "histogram": {"aggregationTemporality": 1, "dataPoints": [
            {"count": "18446744073709551615", "sum": 7.5, "bucketCounts": ["1", "18446744073709551615", "0"], "explicitBounds": [0.5, 10], "min": -1, "max": 9,
             "exemplars": [{"asDouble": 1}], "flags": 3}, {"count": "1"}]}},
        {"name": "e", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
            {"attributes": [{"key": "x", "value": {"stringValue": "y"}}], "count": "6", "sum": 3, "scale": -2, "zeroCount": "1",
             "positive": {"offset": -5, "bucketCounts": ["1", "300"]}, "negative": {"offset": 4, "bucketCounts": ["2"]}, "min": 0.1, "max": 0.2}]}},
        {"name": "q", "summary": {"dataPoints": [{"count": "4", "sum": 10, "quantileValues": [{"quantile": 0.5, "value": 2}, {"quantile": 1, "value": 4}]}]}}
    ]}]}]}"#;

#[test]
fn data_points_are_read_back_as_they_were() {
    let Some(server) = server() else { return };
    let request = from_json(Signal::Metrics, METRICS);
    deliver("points", Signal::Metrics, request, "compression: zstd");
    let none = "1970-01-01 00:00:00";
    let row = |name: &str, changes: Json| {
        let row = json!({
            "ResourceAttributes": {"service.name": "shop"}, "ResourceSchemaUrl": "https://r", "ScopeName": "lib", "ScopeVersion": "3",
            "ScopeAttributes": {"s": "false"}, "ScopeDroppedAttrCount": 4, "ScopeSchemaUrl": "https://s", "ServiceName": "shop",
            "MetricName": name, "MetricDescription": "", "MetricUnit": "", "Attributes": {}, "StartTimeUnix": none, "TimeUnix": none, "Flags": 0,
        });
        changed(row, &changes)
    };
    let no_exemplars = |mut changes: Json| {
        for part in [
            "FilteredAttributes",
            "TimeUnix",
            "Value",
            "SpanId",
            "TraceId",
        ] {
            let name = format!("Exemplars.{part}");
            if changes.get(&name).is_none() {
                changes[name] = json!([]);
            }
        }
        changes
    };
    let check = |table: &str, order: &str, expected: &[Json]| {
        let found = server.rows(&format!(
            "SELECT * FROM points.otel_metrics_{table} ORDER BY {order}"
        ));
        assert_eq!(found.len(), expected.len(), "{table}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found, expected, "{table}");
        }
    };
    let gauge = |value: Json| {
        row(
            "g",
            no_exemplars(json!({"MetricDescription": "d", "MetricUnit": "By", "Value": value})),
        )
    };
    let zeros = ("0".repeat(16), "0".repeat(32));
    let mut first = gauge(json!(2.5));
    for (name, value) in json!({
        "Attributes": {"a": "b"}, "StartTimeUnix": "2020-09-13 12:26:40", "TimeUnix": "2023-11-14 22:13:20", "Flags": 1,
        "Exemplars.FilteredAttributes": [{"f": "9"}, {}], "Exemplars.TimeUnix": ["2023-11-14 22:13:20", none], "Exemplars.Value": [-3, "nan"],
        "Exemplars.SpanId": ["0102030405060708", zeros.0], "Exemplars.TraceId": ["0102030405060708090a0b0c0d0e0f10", zeros.1],
    })
    .as_object()
    .unwrap()
    {
        first[name] = value.clone();
    }
    check(
        "gauge",
        "Value",
        &[
            gauge(json!("-inf")),
            gauge(json!(-9_007_199_254_740_992_i64)),
            gauge(json!(0)),
            first,
        ],
    );
    let sum = json!({"Value": 1, "TimeUnix": "2106-02-07 06:28:15", "AggregationTemporality": 2, "IsMonotonic": true});
    check("sum", "Value", &[row("s", no_exemplars(sum))]);
    let histogram = |changes: Json| row("h", no_exemplars(changes));
    check(
        "histogram",
        "Count",
        &[
            histogram(
                json!({"Count": "1", "Sum": 0, "BucketCounts": [], "ExplicitBounds": [], "Min": 0, "Max": 0, "AggregationTemporality": 1}),
            ),
            histogram(
                json!({"Count": "18446744073709551615", "Sum": 7.5, "BucketCounts": ["1", "18446744073709551615", "0"],
                "ExplicitBounds": [0.5, 10], "Min": -1, "Max": 9, "AggregationTemporality": 1, "Flags": 3,
                "Exemplars.FilteredAttributes": [{}], "Exemplars.TimeUnix": [none], "Exemplars.Value": [1],
                "Exemplars.SpanId": [zeros.0], "Exemplars.TraceId": [zeros.1]}),
            ),
        ],
    );
    let exponential = json!({"Attributes": {"x": "y"}, "Count": "6", "Sum": 3, "Scale": -2, "ZeroCount": "1", "PositiveOffset": -5,
        "PositiveBucketCounts": ["1", "300"], "NegativeOffset": 4, "NegativeBucketCounts": ["2"], "Min": 0.1, "Max": 0.2, "AggregationTemporality": 2});
    check(
        "exponential_histogram",
        "Count",
        &[row("e", no_exemplars(exponential))],
    );
    let summary = json!({"Count": "4", "Sum": 10, "ValueAtQuantiles.Quantile": [0.5, 1], "ValueAtQuantiles.Value": [2, 4]});
    check("summary", "Count", &[row("q", summary)]);
}
