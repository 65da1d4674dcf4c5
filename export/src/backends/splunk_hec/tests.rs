//! Its section, and events as they come out.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use schemas::Signal;
use serde_json::{Value, json};

use super::config::Usual;
use super::events;
use crate::backends::table::Kind;
use crate::config::tests::{check_problem, valid};
use crate::records::batch::Batch;
use crate::records::entry::Entry;

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn try_events(resource: Value, records: Value, usual: &Usual) -> Result<Vec<Value>, String> {
    let request = json!({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": records}]}]});
    let value = schemas::json::to_protobuf(Signal::Logs, request.to_string().as_bytes()).unwrap();
    let entry = Entry::new(bus::Fetched {
        topic: "t".into(),
        partition: 0,
        offset: 1,
        timestamp_ms: 0,
        headers: vec![],
        value: Bytes::from(value),
    });
    let events = events::encode(&Batch::from_iter([entry]), usual)?;
    let events = serde_json::Deserializer::from_slice(&events).into_iter();
    Ok(events.map(Result::unwrap).collect())
}

fn event(resource: Value, record: Value) -> Value {
    try_events(resource, json!([record]), &Usual::default())
        .unwrap()
        .remove(0)
}

#[test]
fn an_event_with_everything() {
    let resource = json!([
        text("host.name", "h"),
        text("service.name", "shop"),
        text("com.splunk.source", "of the resource"),
        text("com.splunk.index", "i"),
        text("com.splunk.hec.access_token", "secret"),
        text("k", "of the resource"),
        text("r", "r"),
    ]);
    let record = json!({
        "timeUnixNano": "1705314600123500000", "observedTimeUnixNano": "1", "severityNumber": 17, "severityText": "ERROR",
        "body": {"stringValue": "b\"\n"}, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "eventName": "e",
        "attributes": [
            text("com.splunk.source", "of the record"), text("com.splunk.sourcetype", "st"), text("k", "of the record"), text("k", "twice"),
            {"key": "map", "value": {"kvlistValue": {"values": [text("a", "b"),
                {"key": "c", "value": {"kvlistValue": {"values": [{"key": "d", "value": {"intValue": "1"}}]}}}]}}},
            {"key": "flat", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}}},
            {"key": "deep", "value": {"arrayValue": {"values": [{"arrayValue": {"values": [{"intValue": "1"}]}}]}}},
            {"key": "nan", "value": {"doubleValue": "NaN"}}, {"key": "none"}, {"key": "yes", "value": {"boolValue": true}},
        ]
    });
    assert_eq!(
        event(resource, record),
        json!({
            "time": 1_705_314_600.124, "host": "h", "source": "of the record", "sourcetype": "st", "index": "i", "event": "b\"\n",
            "fields": {
                "k": "of the record", "map.a": "b", "map.c.d": 1, "flat": [1, "x"], "deep": "[[1]]", "yes": true,
                "service.name": "shop", "r": "r", "trace_id": "0102030405060708090a0b0c0d0e0f10", "span_id": "0102030405060708",
                "otel.log.severity.text": "ERROR", "otel.log.severity.number": 17, "otel.log.name": "e"
            }
        })
    );
}

#[test]
fn what_is_missing() {
    let body = json!({"stringValue": "b"});
    assert_eq!(
        event(json!([]), json!({"body": body})),
        json!({"host": "unknown", "event": "b"})
    );
    // The service is the source, where nothing else says what that is.
    let named = event(
        json!([text("service.name", "shop")]),
        json!({"body": body, "observedTimeUnixNano": "1000000000"}),
    );
    assert_eq!(named["source"], "shop");
    assert_eq!(named["time"], 1.0);
    let usual = Usual {
        index: "i".into(),
        source: "s".into(),
        sourcetype: "t".into(),
    };
    let usual = try_events(
        json!([text("service.name", "shop")]),
        json!([{"body": body}]),
        &usual,
    )
    .unwrap();
    assert_eq!(
        usual[0],
        json!({"host": "unknown", "source": "s", "sourcetype": "t", "index": "i", "event": "b", "fields": {"service.name": "shop"}})
    );
    // Splunk refuses an event without a body.
    assert_eq!(event(json!([]), json!({"eventName": "e"}))["event"], "e");
    assert_eq!(
        event(json!([]), json!({"attributes": [text("a", "b")]}))["event"],
        json!({"a": "b"})
    );
    let error = try_events(
        json!([]),
        json!([{"body": {"stringValue": ""}}]),
        &Usual::default(),
    )
    .unwrap_err();
    assert!(
        error.starts_with("t/0 at offset 1: a log record with neither"),
        "{error}"
    );
}

#[test]
fn bodies_of_other_types() {
    let of = |body: Value| event(json!([]), json!({"body": body}))["event"].clone();
    assert_eq!(of(json!({"intValue": "7"})), 7);
    assert_eq!(
        of(json!({"kvlistValue": {"values": [text("a", "b")]}})),
        json!({"a": "b"})
    );
    assert_eq!(
        of(json!({"arrayValue": {"values": [{"boolValue": true}]}})),
        json!([true])
    );
    assert_eq!(of(json!({"bytesValue": "/wA="})), "/wA=");
}

/// Each key once, however many there are.
#[test]
fn many_fields() {
    let pairs = |value: &str| {
        (0..300)
            .map(|key| text(&format!("k{key}"), value))
            .collect::<Vec<_>>()
    };
    let mut own = pairs("own");
    own.extend(pairs("twice"));
    let resource: Vec<_> = pairs("of the resource")
        .into_iter()
        .chain([text("r", "r")])
        .collect();
    let record = json!({"body": {"stringValue": "b"}, "attributes": own});
    let request = json!({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": [record]}]}]});
    let value = schemas::json::to_protobuf(Signal::Logs, request.to_string().as_bytes()).unwrap();
    let entry = Entry::new(bus::Fetched {
        topic: "t".into(),
        partition: 0,
        offset: 1,
        timestamp_ms: 0,
        headers: vec![],
        value: Bytes::from(value),
    });
    let written = events::encode(&Batch::from_iter([entry]), &Usual::default()).unwrap();
    let written = String::from_utf8(written).unwrap();
    assert_eq!(written.matches("\"k7\":").count(), 1);
    let event: Value = serde_json::from_str(&written).unwrap();
    let fields = event["fields"].as_object().unwrap();
    assert_eq!(fields.len(), 301);
    assert!((0..300).all(|key| fields[&format!("k{key}")] == "own"));
}

#[test]
fn problems_carry_their_path() {
    let at = "export.backends[0]";
    let check = |section: &str, expected: &str| {
        let backend = format!("splunk_hec: {{endpoint: 'http://h', {section}}}");
        check_problem(&backend, &format!("{at}.splunk_hec.{expected}"));
    };
    check("", "token: a token is needed");
    check("token: \"a\\nb\"", "token: holds characters");
    check(
        "token: a, compression: zstd",
        "compression: Splunk reads no zstd",
    );
    check(
        "token: a, headers: {authorization: b}",
        "headers.authorization: the token sets",
    );
    check_problem(
        "signals: [traces, logs, metrics], splunk_hec: {endpoint: 'http://h', token: a}",
        &format!("{at}.signals: this kind takes logs only, no traces and metrics"),
    );
}

#[test]
fn the_path_may_be_left_out_and_the_token_is_not_shown() {
    let config = |endpoint: &str| {
        let yaml = format!(
            "backends: [{{name: a, splunk_hec: {{endpoint: '{endpoint}', token: hunter2}}}}]"
        );
        match valid(&yaml).backends.remove(0).kind {
            Kind::SplunkHec(config) => config,
            other => panic!("{other:?}"),
        }
    };
    for (endpoint, uri) in [
        ("https://h:8088", "https://h:8088/services/collector"),
        ("https://h:8088/", "https://h:8088/services/collector"),
        (
            "https://h:8088/services/collector/event",
            "https://h:8088/services/collector/event",
        ),
    ] {
        assert_eq!(config(endpoint).endpoint, uri);
    }
    let config = config("https://h");
    assert_eq!(config.authorization.to_str().unwrap(), "Splunk hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
}
