//! Its section, and documents as they come out.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use schemas::Signal;
use serde_json::{Value, json};

use super::bulk;
use super::config::OpenSearchConfig;
use crate::backends::table::Kind;
use crate::config::tests::{check_problem, valid};
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::parts::Parts;

fn config(section: &str) -> OpenSearchConfig {
    let yaml = format!(
        "backends: [{{name: a, signals: [traces, logs], opensearch: {{endpoint: 'http://h:9200', {section}}}}}]"
    );
    match valid(&yaml).backends.remove(0).kind {
        Kind::OpenSearch(config) => config,
        other => panic!("{other:?}"),
    }
}

fn entry(signal: Signal, request: &Value) -> Entry {
    let value = schemas::json::to_protobuf(signal, request.to_string().as_bytes()).unwrap();
    Entry::new(bus::Fetched {
        topic: "t.clean".into(),
        partition: 3,
        offset: 12,
        timestamp_ms: 1_705_314_600_000,
        headers: vec![],
        value: Bytes::from(value),
    })
}

/// The lines of a request.
fn lines(signal: Signal, entry: Entry, section: &str) -> Vec<Value> {
    let bulk = bulk::encode(signal, &Batch::from_iter([entry]), &config(section)).unwrap();
    let lines = bulk.body.split(|byte| *byte == b'\n');
    let mut lines: Vec<&[u8]> = lines.collect();
    assert_eq!(lines.pop(), Some(&b""[..]), "the last line ends too");
    assert_eq!(lines.len(), 2 * bulk.documents);
    let read = |line: &[u8]| {
        serde_json::from_slice(line)
            .unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii()))
    };
    lines.into_iter().map(read).collect()
}

const TIME: &str = "2024-01-15T10:30:00.000000000Z";

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn spans() -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "shop"), {"key": "n", "value": {"intValue": "7"}}]},
        "schemaUrl": "r",
        "scopeSpans": [{
            "scope": {"name": "lib", "version": "1", "attributes": [text("a", "b")]},
            "schemaUrl": "s",
            "spans": [{
                "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "parentSpanId": "0001020304050607",
                "traceState": "ot=th:8", "name": "GET /", "kind": 2,
                "startTimeUnixNano": "1705314600000000000", "endTimeUnixNano": "1705314600150000000",
                "attributes": [text("http.route", "/"), {"key": "code", "value": {"intValue": "200"}}, text("http.route", "second"),
                    text("data_stream.dataset", "x")],
                "droppedAttributesCount": 1, "status": {"code": 2, "message": "no"},
                "events": [{"timeUnixNano": "1705314600000000000", "name": "e", "attributes": [text("k", "v"), text("event.name", "x")]}],
                "links": [{"traceId": "100f0e0d0c0b0a090807060504030201", "spanId": "0807060504030201"}]
            }, {}]
        }]
    }]})
}

#[test]
fn spans_as_ss4o() {
    let lines = lines(Signal::Traces, entry(Signal::Traces, &spans()), "");
    assert_eq!(
        lines[0],
        json!({"create": {"_id": "t.clean-3-12-1705314600000-0"}})
    );
    assert_eq!(
        lines[2],
        json!({"create": {"_id": "t.clean-3-12-1705314600000-1"}})
    );
    let stream = json!({"dataset": "default", "namespace": "namespace", "type": "span"});
    assert_eq!(
        lines[1],
        json!({
            "name": "GET /", "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708",
            "parentSpanId": "0001020304050607", "traceState": "ot=th:8", "kind": "Server",
            "@timestamp": TIME, "startTime": TIME, "endTime": "2024-01-15T10:30:00.150000000Z",
            "status": {"code": "Error", "message": "no"},
            "droppedAttributesCount": 1, "droppedEventsCount": 0, "droppedLinksCount": 0,
            "attributes": {"data_stream": stream, "http.route": "/", "code": 200, "data_stream.dataset": "x"},
            "events": [{"name": "e", "@timestamp": TIME, "droppedAttributesCount": 0, "attributes": {"k": "v", "event.name": "x"}}],
            "links": [{"traceId": "100f0e0d0c0b0a090807060504030201", "spanId": "0807060504030201", "traceState": "",
                "droppedAttributesCount": 0, "attributes": {}}],
            "resource": {"service.name": "shop", "n": "7"}, "schemaUrl": "r",
            "instrumentationScope": {"name": "lib", "version": "1", "schemaUrl": "s", "attributes": {"a": "b"}},
        })
    );
    assert_eq!(lines[3]["kind"], "Unspecified");
    assert_eq!(lines[3]["resource"], lines[1]["resource"]);
}

#[test]
fn spans_as_otel() {
    let lines = lines(
        Signal::Traces,
        entry(Signal::Traces, &spans()),
        "mapping: otel",
    );
    let ids: Vec<_> = lines
        .iter()
        .step_by(2)
        .map(|line| line["create"].clone())
        .collect();
    let logs = "logs-generic.otel-default";
    assert_eq!(
        json!(ids),
        json!([{"_id": "t.clean-3-12-1705314600000-0"}, {"_index": logs, "_id": "t.clean-3-12-1705314600000-0-0"}, {"_id": "t.clean-3-12-1705314600000-1"}])
    );
    let around = json!({"schema_url": "r", "attributes": {"service.name": "shop", "n": 7}});
    let scope = json!({"name": "lib", "version": "1", "schema_url": "s", "attributes": {"a": "b"}});
    assert_eq!(
        lines[1],
        json!({
            "@timestamp": TIME, "data_stream": {"type": "traces", "dataset": "generic.otel", "namespace": "default"},
            "trace_id": "0102030405060708090a0b0c0d0e0f10", "span_id": "0102030405060708", "parent_span_id": "0001020304050607",
            "trace_state": "ot=th:8", "name": "GET /", "kind": "Server", "duration": 150_000_000,
            "attributes": {"http.route": "/", "code": 200}, "dropped_attributes_count": 1,
            "links": [{"trace_id": "100f0e0d0c0b0a090807060504030201", "span_id": "0807060504030201"}],
            "status": {"code": "Error", "message": "no"}, "resource": around, "scope": scope,
        })
    );
    assert_eq!(
        lines[3],
        json!({
            "@timestamp": TIME, "data_stream": {"type": "logs", "dataset": "generic.otel", "namespace": "default"},
            "trace_id": "0102030405060708090a0b0c0d0e0f10", "span_id": "0102030405060708", "event_name": "e",
            "attributes": {"event.name": "e", "k": "v"}, "resource": around, "scope": scope,
        })
    );
}

fn logs() -> Value {
    let record = |body: Value| json!({"body": body});
    let list = |values: Value| record(json!({"arrayValue": {"values": values}}));
    let map = json!({"kvlistValue": {"values": [text("a", "b")]}});
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "1705314600000000000", "observedTimeUnixNano": "1705314600150000000", "severityNumber": 17, "severityText": "ERROR",
         "body": {"stringValue": "a\u{1}\"ü"}, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "eventName": "e",
         "attributes": [text("event.name", "other"), {"key": "nan", "value": {"doubleValue": "NaN"}}]},
        {"observedTimeUnixNano": "1705314600150000000", "body": {"intValue": "7"}},
        record(map.clone()), list(json!([map])), list(json!([{"intValue": "1"}])), {},
    ]}]}]})
}

#[test]
fn logs_as_ss4o() {
    let lines = lines(Signal::Logs, entry(Signal::Logs, &logs()), "index: 'logs'");
    assert_eq!(
        lines[1],
        json!({
            "@timestamp": TIME, "observedTimestamp": "2024-01-15T10:30:00.150000000Z", "body": "a\u{1}\"ü",
            "severity": {"number": 17, "text": "ERROR"}, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708",
            "attributes": {"event.name": "e", "nan": null}, "resource": {}, "instrumentationScope": {"name": ""},
        })
    );
    let bodies: Vec<_> = lines
        .iter()
        .skip(1)
        .step_by(2)
        .map(|line| line["body"].clone())
        .collect();
    assert_eq!(
        bodies[1..],
        ["7", r#"{"a":"b"}"#, r#"[{"a":"b"}]"#, "[1]", ""]
    );
    // Observed; or else when the bus took it.
    assert_eq!(lines[3]["@timestamp"], "2024-01-15T10:30:00.150000000Z");
    assert_eq!(lines[5]["@timestamp"], TIME);
}

#[test]
fn logs_as_otel() {
    let lines = lines(Signal::Logs, entry(Signal::Logs, &logs()), "mapping: otel");
    assert_eq!(
        lines[1],
        json!({
            "@timestamp": TIME, "observed_timestamp": "2024-01-15T10:30:00.150000000Z",
            "data_stream": {"type": "logs", "dataset": "generic.otel", "namespace": "default"},
            "severity_number": 17, "severity_text": "ERROR", "event_name": "e",
            "trace_id": "0102030405060708090a0b0c0d0e0f10", "span_id": "0102030405060708",
            "attributes": {"event.name": "other", "nan": null}, "body": {"text": "a\u{1}\"ü"},
            "resource": {"schema_url": ""}, "scope": {"name": ""},
        })
    );
    let bodies: Vec<_> = lines
        .iter()
        .skip(1)
        .step_by(2)
        .map(|line| line["body"].clone())
        .collect();
    assert_eq!(
        json!(bodies[1..]),
        json!([{"text": 7}, {"structured": {"a": "b"}}, {"structured": [{"a": "b"}]}, {"structured": {"value": [1]}}, null])
    );
}

#[test]
fn metrics_as_ss4o() {
    let request = json!({"resourceMetrics": [{
        "resource": {"attributes": [text("service.name", "shop")]},
        "scopeMetrics": [{"metrics": [
            {"name": "none", "gauge": {}},
            {"name": "g", "unit": "ms", "description": "d", "gauge": {"dataPoints": [
                {"timeUnixNano": "1705314600000000000", "asInt": "7"}, {"timeUnixNano": "1705314600000000000", "asDouble": "NaN"}]}},
            {"name": "s", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [
                {"startTimeUnixNano": "1705314600000000000", "timeUnixNano": "1705314600000000000", "asDouble": 1.5,
                 "attributes": [text("k", "v")],
                 "exemplars": [{"timeUnixNano": "1705314600000000000", "asInt": "3", "traceId": "0102030405060708090a0b0c0d0e0f10"}]}]}},
            {"name": "h", "histogram": {"aggregationTemporality": 1, "dataPoints": [
                {"timeUnixNano": "1705314600000000000", "count": "3", "sum": 4.5, "min": 1, "max": 2, "bucketCounts": ["1", "2"], "explicitBounds": [1.5]}]}},
            {"name": "e", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
                {"timeUnixNano": "1705314600000000000", "count": "3", "scale": 1, "zeroCount": "1", "max": 4,
                 "positive": {"offset": 2, "bucketCounts": ["2"]}, "negative": {"offset": 2000, "bucketCounts": ["1"]}}]}},
            {"name": "q", "summary": {"dataPoints": [
                {"timeUnixNano": "1705314600000000000", "count": "2", "sum": 3,
                 "quantileValues": [{"quantile": 0.5, "value": 1}, {"quantile": 0.9, "value": "NaN"}]}]}}
        ]}]
    }]});
    let mut cut = entry(Signal::Metrics, &request);
    let whole = lines(Signal::Metrics, cut.clone(), "");
    let ids: Vec<_> = whole
        .iter()
        .step_by(2)
        .map(|line| line["create"]["_id"].as_str().unwrap())
        .collect();
    // The first unit is a metric without points.
    let id = |unit: usize| format!("t.clean-3-12-1705314600000-{unit}");
    assert_eq!(ids, (1..=6).map(id).collect::<Vec<_>>());
    let document = |index: usize, members: Value| {
        let mut found = whole[2 * index + 1].clone();
        let found = found.as_object_mut().unwrap();
        for (key, value) in members.as_object().unwrap() {
            assert_eq!(found.remove(key).as_ref(), Some(value), "{key}");
        }
        for common in ["@timestamp", "resource", "instrumentationScope"] {
            assert!(found.remove(common).is_some());
        }
        let attributes = found.remove("attributes").unwrap();
        assert_eq!(attributes["data_stream"]["type"], "metric");
        assert!(found.is_empty(), "{found:?}");
    };
    let delta = "AGGREGATION_TEMPORALITY_DELTA";
    let cumulative = "AGGREGATION_TEMPORALITY_CUMULATIVE";
    document(
        0,
        json!({"name": "g", "unit": "ms", "description": "d", "kind": "GAUGE", "value@int": 7}),
    );
    document(
        1,
        json!({"name": "g", "unit": "ms", "description": "d", "kind": "GAUGE"}),
    );
    document(
        2,
        json!({
            "name": "s", "kind": "SUM", "aggregationTemporality": cumulative, "monotonic": true, "startTime": TIME, "value@double": 1.5,
            "exemplars": [{"time": TIME, "value": 3.0, "traceId": "0102030405060708090a0b0c0d0e0f10", "attributes": {}}]
        }),
    );
    let most = f64::from(f32::MAX);
    document(
        3,
        json!({
            "name": "h", "kind": "HISTOGRAM", "aggregationTemporality": delta, "count": 3, "sum": 4.5, "min": 1.0, "max": 2.0,
            "bucketCount": 2, "explicitBoundsCount": 1, "bucketCountsList": [1, 2], "explicitBoundsList": [1.5],
            "buckets": [{"count": 1, "min": -most, "max": 1.5}, {"count": 2, "min": 1.5, "max": most}]
        }),
    );
    let root = 2f64.sqrt();
    let third = whole[9]["positiveBuckets"][0]["max"].as_f64().unwrap();
    assert!((third - 2.0 * root).abs() < 1e-12);
    document(
        4,
        json!({
            "name": "e", "kind": "EXPONENTIAL_HISTOGRAM", "aggregationTemporality": cumulative, "count": 3, "max": 4.0, "zeroCount": 1,
            "scale": 1, "positiveOffset": 2, "negativeOffset": 2000, "positiveBuckets": [{"count": 2, "min": 2.0, "max": third}],
            // Beyond what a 32-bit float can say.
            "negativeBuckets": [{"count": 1, "min": -most, "max": -most}]
        }),
    );
    document(
        5,
        json!({
            "name": "q", "kind": "SUMMARY", "count": 2, "sum": 3.0, "quantileValuesCount": 1, "quantiles": [{"quantile": 0.5, "value": 1.0}]
        }),
    );

    // What is left of a record keeps its ids.
    cut.parts = Parts::of([2..4, 9..30]);
    let rest = lines(Signal::Metrics, cut, "");
    assert_eq!(rest[0]["create"]["_id"], "t.clean-3-12-1705314600000-3");
    assert_eq!(rest[2]["create"]["_id"], "t.clean-3-12-1705314600000-9");
}

fn message(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    schemas::wire::put_len(&mut out, number, bytes);
    out
}

#[test]
fn what_nobody_can_write_is_told_with_its_place() {
    // `AnyValue {array_value = 5 {values = 1}}`, again and again.
    let deep = (0..110).fold(Vec::new(), |inner, _| message(5, &message(1, &inner)));
    let attribute = [message(1, b"a"), message(2, &deep)].concat();
    // Resource, scope, record, attribute.
    let value = message(1, &message(2, &message(2, &message(6, &attribute))));
    let mut entry = entry(Signal::Logs, &json!({}));
    entry.record.value = Bytes::from(value);
    let batch = Batch::from_iter([entry]);
    let error = bulk::encode(Signal::Logs, &batch, &config(""))
        .err()
        .unwrap();
    assert!(error.starts_with("t.clean/3 at offset 12: "), "{error}");
}

#[test]
fn addresses() {
    let uri = |section: &str, signal| config(section).target_of(signal).uri.to_string();
    let path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";
    assert_eq!(
        uri("", Signal::Traces),
        format!("http://h:9200/ss4o_traces-default-namespace{path}")
    );
    assert_eq!(
        uri("mapping: otel", Signal::Logs),
        format!("http://h:9200/logs-generic.otel-default{path}")
    );
    assert_eq!(
        uri("index: 'ü'", Signal::Logs),
        format!("http://h:9200/%C3%BC{path}")
    );
}

#[test]
fn credentials_are_not_shown() {
    let of = |section: &str| config(section).authorization.unwrap();
    let basic = of("user: u, password: hunter2");
    assert_eq!(basic.to_str().unwrap(), "Basic dTpodW50ZXIy");
    assert_eq!(of("api_key: abc").to_str().unwrap(), "ApiKey abc");
    let shown = format!("{:?}", config("user: u, password: hunter2"));
    assert!(
        !shown.contains("hunter2") && !shown.contains("dTpodW50"),
        "{shown}"
    );
}

#[test]
fn problems_carry_their_path() {
    let check = |section: &str, expected: &str| {
        let backend = format!("signals: [logs], opensearch: {{endpoint: 'http://h', {section}}}");
        check_problem(
            &backend,
            &format!("export.backends[0].opensearch.{expected}"),
        );
    };
    check("compression: zstd", "compression: neither OpenSearch");
    check("index: 'Logs'", "index: `Logs` holds what");
    check("index: '{tenant}'", "index: `{tenant}` holds what");
    check("user: a", "user: user and password go together");
    check("password: a", "user: user and password go together");
    check(
        "user: a, password: b, api_key: c",
        "api_key: takes the place",
    );
    check("api_key: \"a\\nb\"", "api_key: holds characters");
    check(
        "api_key: a, headers: {Authorization: b}",
        "headers.authorization: user or api_key",
    );
    check_problem(
        "opensearch: {endpoint: 'http://h', mapping: otel}",
        "export.backends[0].opensearch.mapping: `otel` has no metrics",
    );
    check_problem(
        "opensearch: {}",
        "export.backends[0].opensearch.endpoint: an address is needed",
    );
}
