//! What DuckDB reads of the tables: each row, with everything in it.

use schemas::Signal;
use serde_json::{Value, json};

use super::{backend, url};
use crate::support::telemetry::from_json;
use crate::support::{Running, all_committed, dead_letters, open_bus, publish};
use tests::duckdb::Duckdb;

/// The rows of a `SELECT` on what becomes of these records. `{}` stands for the table.
fn rows(
    name: &str,
    signal: Signal,
    records: Vec<Vec<u8>>,
    selects: &[&str],
) -> Option<Vec<Vec<Vec<Value>>>> {
    let duckdb = Duckdb::find().ok()?;
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    let out = dir.path().join("out");
    publish(&*bus, signal, 0, records);
    let keys = "roll: {interval: 50ms}";
    let running = Running::start(&bus, &[backend(name, &url(&out), keys)]);
    all_committed(&*bus, name, signal);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let table = format!("read_parquet('{}/**/*.parquet')", out.display());
    let ask = |select: &&str| duckdb.rows(&select.replace("{}", &table));
    Some(selects.iter().map(ask).collect())
}

#[test]
fn spans_with_everything() {
    let full = r#"{"resourceSpans": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "n", "value": {"intValue": "7"}}
        ]},
        "schemaUrl": "r",
        "scopeSpans": [{
            "scope": {"name": "s", "version": "1", "attributes": [{"key": "sa", "value": {"boolValue": true}}], "droppedAttributesCount": 3},
            "schemaUrl": "u",
            "spans": [
                {
                    "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "parentSpanId": "1112131415161718",
                    "traceState": "a=b", "name": "GET \"/x\" ä", "kind": 2,
                    "startTimeUnixNano": "1700000000123456789", "endTimeUnixNano": "1700000001123456789",
                    "status": {"code": 2, "message": "no"},
                    "attributes": [
                        {"key": "k", "value": {"stringValue": "first"}},
                        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"kvlistValue": {"values": [{"key": "x", "value": {"doubleValue": 0.5}}]}}]}}},
                        {"key": "nan", "value": {"doubleValue": "NaN"}},
                        {"key": "k", "value": {"stringValue": "last"}},
                        {"key": "", "value": {}}
                    ],
                    "events": [
                        {"timeUnixNano": "1700000000500000001", "name": "e1", "attributes": [{"key": "a", "value": {"intValue": "1"}}, {"key": "b", "value": {"intValue": "2"}}]},
                        {"timeUnixNano": "1", "name": "e2"},
                        {"name": "e3", "attributes": [{"key": "c", "value": {"stringValue": "3"}}]}
                    ],
                    "links": [{}, {"traceId": "ffffffffffffffffffffffffffffffff", "spanId": "ffffffffffffffff", "traceState": "l=1", "attributes": [{"key": "la", "value": {"stringValue": "x"}}]}]
                },
                {},
                {"spanId": "0202020202020202", "startTimeUnixNano": "18446744073709551615", "endTimeUnixNano": "5"}
            ]
        }]
    }]}"#;
    let mut bad = from_json(Signal::Traces, full.as_bytes());
    // A name that is no text: one byte of `GET` changed.
    let at = bad.windows(3).position(|bytes| bytes == b"GET").unwrap();
    bad[at] = 0xff;
    let good = from_json(Signal::Traces, full.as_bytes());
    let selects = [
        "SELECT count(*), count(DISTINCT SpanId) FROM {}",
        "SELECT SpanName, TraceId, ParentSpanId, TraceState, SpanKind, ServiceName, StatusCode, StatusMessage, Duration, \
         epoch_ns(Timestamp), ScopeName, ScopeVersion, ScopeDroppedAttrCount, ResourceSchemaUrl, ScopeSchemaUrl \
         FROM {} WHERE SpanId = '0102030405060708' ORDER BY SpanName",
        "SELECT SpanAttributes['k'], SpanAttributes['list'], SpanAttributes['nan'], SpanAttributes[''], cardinality(SpanAttributes), \
         ResourceAttributes['n'], ScopeAttributes['sa'] FROM {} WHERE SpanId = '0102030405060708' LIMIT 1",
        "SELECT len(Events), Events[1].Name, epoch_ns(Events[1].Timestamp), Events[1].Attributes['b'], cardinality(Events[2].Attributes), \
         Events[3].Attributes['c'], len(Links), Links[1].TraceId, Links[2].TraceId, Links[2].Attributes['la'] \
         FROM {} WHERE SpanId = '0102030405060708' LIMIT 1",
        "SELECT len(Events), len(Links), cardinality(SpanAttributes), Duration, ServiceName, epoch_ns(Timestamp), TraceId \
         FROM {} WHERE SpanId != '0102030405060708' ORDER BY SpanId",
    ];
    let Some(found) = rows("spans", Signal::Traces, vec![good, bad], &selects) else {
        return;
    };
    assert_eq!(found[0], [[json!(6), json!(3)]]);
    let row = |name: &str| {
        json!([
            name,
            "0102030405060708090a0b0c0d0e0f10",
            "1112131415161718",
            "a=b",
            "Server",
            "shop",
            "Error",
            "no",
            1_000_000_000,
            1_700_000_000_123_456_789_u64,
            "s",
            "1",
            3,
            "r",
            "u"
        ])
    };
    assert_eq!(
        json!(found[1]),
        json!([row("GET \"/x\" ä"), row("\u{fffd}ET \"/x\" ä")])
    );
    assert_eq!(
        json!(found[2]),
        json!([["last", "[1,{\"x\":0.5}]", "NaN", "", 4, "7", "true"]])
    );
    assert_eq!(
        json!(found[3]),
        json!([[
            3,
            "e1",
            1_700_000_000_500_000_001_u64,
            "2",
            0,
            "3",
            2,
            "",
            "ffffffffffffffffffffffffffffffff",
            "x"
        ]])
    );
    let empty = json!([0, 0, 0, 0, "shop", 0, ""]);
    // Beyond the year 2262 it is infinite.
    let future = json!([0, 0, 0, 0, "shop", null, ""]);
    assert_eq!(json!(found[4]), json!([empty, empty, future, future]));
}

#[test]
fn logs_with_everything() {
    let logs = r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "1700000000000000001", "observedTimeUnixNano": "2", "severityNumber": 17, "severityText": "ERROR",
         "body": {"kvlistValue": {"values": [{"key": "m", "value": {"stringValue": "x"}}]}}, "flags": 257,
         "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "eventName": "e",
         "attributes": [{"key": "a", "value": {"bytesValue": "AAE="}}]},
        {"observedTimeUnixNano": "3"}
    ]}]}]}"#;
    let select = "SELECT epoch_ns(Timestamp), epoch_ns(ObservedTimestamp), SeverityNumber, SeverityText, Body, TraceFlags, TraceId, SpanId, EventName, \
        LogAttributes['a'] FROM {} ORDER BY Timestamp";
    let records = vec![from_json(Signal::Logs, logs.as_bytes())];
    let Some(found) = rows("logs", Signal::Logs, records, &[select]) else {
        return;
    };
    assert_eq!(
        json!(found[0]),
        json!([
            [3, 3, 0, "", "", 0, "", "", "", null],
            [
                1_700_000_000_000_000_001_u64,
                2,
                17,
                "ERROR",
                "{\"m\":\"x\"}",
                1,
                "0102030405060708090a0b0c0d0e0f10",
                "0102030405060708",
                "e",
                "AAE="
            ]
        ])
    );
}

#[test]
fn points_of_all_kinds() {
    let metrics = r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "g", "unit": "ms", "description": "d", "gauge": {"dataPoints": [
            {"timeUnixNano": "5", "asInt": "-3", "attributes": [{"key": "a", "value": {"stringValue": "1"}}]},
            {"timeUnixNano": "6", "asDouble": "NaN"}, {"timeUnixNano": "7", "flags": 1}
        ]}},
        {"name": "s", "sum": {"isMonotonic": true, "aggregationTemporality": 2, "dataPoints": [{"startTimeUnixNano": "1", "asDouble": 1.5,
            "exemplars": [{"timeUnixNano": "9", "asInt": "4", "spanId": "0102030405060708", "filteredAttributes": [{"key": "f", "value": {"intValue": "8"}}]}]}]}},
        {"name": "h", "histogram": {"aggregationTemporality": 1, "dataPoints": [{"count": "18446744073709551615", "sum": 2.5, "min": 0.5, "max": 2,
            "bucketCounts": ["1", "2"], "explicitBounds": [1.5]}, {"count": "0"}]}},
        {"name": "e", "exponentialHistogram": {"dataPoints": [{"count": "3", "scale": -2, "zeroCount": "1", "zeroThreshold": 0.25,
            "positive": {"offset": -4, "bucketCounts": ["5", "6"]}, "negative": {"offset": 7, "bucketCounts": ["8"]}}]}},
        {"name": "q", "summary": {"dataPoints": [{"count": "2", "sum": 4, "quantileValues": [{"quantile": 0.5, "value": 1}, {"quantile": 0.9, "value": 3}]}]}},
        {"name": "nothing"}
    ]}]}]}"#;
    let selects = [
        "SELECT MetricName, Kind, count(*) FROM {} GROUP BY ALL ORDER BY 1",
        "SELECT Value::VARCHAR, Flags, Attributes['a'], epoch_ns(TimeUnix), Count, BucketCounts, MetricUnit FROM {} WHERE Kind = 'gauge' ORDER BY TimeUnix",
        "SELECT IsMonotonic, AggregationTemporality, Value, epoch_ns(StartTimeUnix), Exemplars[1].Value, Exemplars[1].SpanId, \
         Exemplars[1].FilteredAttributes['f'] FROM {} WHERE Kind = 'sum'",
        "SELECT Count::VARCHAR, Sum, Min, Max, BucketCounts, ExplicitBounds, Value FROM {} WHERE Kind = 'histogram' ORDER BY Count",
        "SELECT Scale, ZeroCount, ZeroThreshold, PositiveOffset, PositiveBucketCounts, NegativeOffset, NegativeBucketCounts \
         FROM {} WHERE Kind = 'exponential_histogram'",
        "SELECT Count, Sum, ValueAtQuantiles[2].Quantile, ValueAtQuantiles[2].Value, Scale FROM {} WHERE Kind = 'summary'",
    ];
    let records = vec![from_json(Signal::Metrics, metrics.as_bytes())];
    let Some(found) = rows("points", Signal::Metrics, records, &selects) else {
        return;
    };
    let expected = [
        json!([
            ["e", "exponential_histogram", 1],
            ["g", "gauge", 3],
            ["h", "histogram", 2],
            ["q", "summary", 1],
            ["s", "sum", 1]
        ]),
        json!([
            ["-3.0", 0, "1", 5, null, [], "ms"],
            ["nan", 0, null, 6, null, [], "ms"],
            [null, 1, null, 7, null, [], "ms"]
        ]),
        json!([[true, 2, 1.5, 1, 4.0, "0102030405060708", "8"]]),
        json!([
            ["0", null, null, null, [], [], null],
            ["18446744073709551615", 2.5, 0.5, 2.0, [1, 2], [1.5], null]
        ]),
        json!([[-2, 1, 0.25, -4, [5, 6], 7, [8]]]),
        json!([[2, 4.0, 0.9, 3.0, null]]),
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(json!(found), expected);
    }
}
