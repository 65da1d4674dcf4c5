//! Spans.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use schemas::Signal;
use serde_json::{Value as Json, json};

use super::{changed, deliver};
use crate::clickhouse::server;

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn text(text: impl Into<String>) -> AnyValue {
    any(Value::StringValue(text.into()))
}

fn pair(key: impl Into<String>, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(value),
        ..KeyValue::default()
    }
}

/// A value of each type, and what it is as text.
fn values() -> Vec<(AnyValue, Json)> {
    let list = |values| any(Value::ArrayValue(ArrayValue { values }));
    let map = |values| any(Value::KvlistValue(KeyValueList { values }));
    vec![
        (AnyValue::default(), json!("")),
        (text("ünï\n\"\\<&>\u{2028}"), json!("ünï\n\"\\<&>\u{2028}")),
        (any(Value::BoolValue(true)), json!("true")),
        (
            any(Value::IntValue(i64::MIN)),
            json!("-9223372036854775808"),
        ),
        (any(Value::DoubleValue(1e21)), json!("1e+21")),
        (any(Value::DoubleValue(-0.000_001)), json!("-0.000001")),
        (any(Value::DoubleValue(f64::NAN)), json!("NaN")),
        (any(Value::DoubleValue(f64::INFINITY)), json!("Infinity")),
        (any(Value::BytesValue(vec![0, 255, 7])), json!("AP8H")),
        (list(vec![]), json!("[]")),
        (
            map(vec![
                pair(
                    "b",
                    list(vec![
                        text("<"),
                        AnyValue::default(),
                        any(Value::DoubleValue(0.5)),
                    ]),
                ),
                pair("a", map(vec![pair("", any(Value::BytesValue(vec![1])))])),
                pair("b2", any(Value::BoolValue(false))),
            ]),
            json!(r#"{"a":{"":"AQ=="},"b":["<",null,0.5],"b2":false}"#),
        ),
        (list(vec![any(Value::DoubleValue(f64::NAN))]), json!("")),
        (text("x".repeat(20_000)), json!("x".repeat(20_000))),
    ]
}

/// One attribute for each of the values.
fn attributes() -> (Vec<KeyValue>, Json) {
    let mut expected = serde_json::Map::new();
    let mut all = Vec::new();
    for (index, (value, as_text)) in values().into_iter().enumerate() {
        let key = format!("key.{index:02}");
        all.push(pair(key.clone(), value));
        expected.insert(key, as_text);
    }
    (all, Json::Object(expected))
}

/// One with everything in it, one with nothing, one with nonsense, and one with more attributes than a byte counts.
fn hard_spans() -> Vec<Span> {
    let (all, _) = attributes();
    vec![
        Span {
            trace_id: (1..=16).collect(),
            span_id: vec![0, 0, 0, 0, 0, 0, 0, 1],
            trace_state: "a=b,c=d".into(),
            parent_span_id: vec![0xfe; 8],
            name: "GET /pay".into(),
            kind: 2,
            start_time_unix_nano: 1_700_000_000_123_456_789,
            end_time_unix_nano: 1_700_000_001_123_456_790,
            attributes: all.clone(),
            events: vec![
                Event {
                    time_unix_nano: 1_700_000_000_000_000_001,
                    name: "first".into(),
                    attributes: all,
                    ..Event::default()
                },
                Event::default(),
            ],
            links: vec![
                Link {
                    trace_id: vec![0xab; 16],
                    span_id: vec![0xcd; 8],
                    trace_state: "e=f".into(),
                    attributes: vec![pair("of", text("link"))],
                    ..Link::default()
                },
                Link::default(),
            ],
            status: Some(Status {
                message: "no money".into(),
                code: 2,
            }),
            ..Span::default()
        },
        Span {
            span_id: vec![0, 0, 0, 0, 0, 0, 0, 2],
            ..Span::default()
        },
        Span {
            trace_id: vec![0; 16],
            span_id: vec![0, 0, 0, 0, 0, 0, 0, 3],
            parent_span_id: vec![0; 8],
            kind: 77,
            start_time_unix_nano: 2_000_000_000,
            end_time_unix_nano: 1_000_000_000,
            status: Some(Status {
                code: 9,
                ..Status::default()
            }),
            ..Span::default()
        },
        Span {
            span_id: vec![0, 0, 0, 0, 0, 0, 0, 4],
            start_time_unix_nano: 1,
            end_time_unix_nano: u64::MAX,
            attributes: (0..300)
                .map(|index| pair(format!("k{index}"), any(Value::IntValue(index))))
                .collect(),
            ..Span::default()
        },
    ]
}

pub fn hard_traces() -> Vec<u8> {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![
                    pair("service.name", any(Value::IntValue(7))),
                    pair("host", text("h")),
                    pair("service.name", text("second")),
                ],
                ..Resource::default()
            }),
            scope_spans: vec![
                ScopeSpans {
                    scope: Some(InstrumentationScope {
                        name: "lib".into(),
                        version: "1.2".into(),
                        ..InstrumentationScope::default()
                    }),
                    spans: hard_spans(),
                    ..ScopeSpans::default()
                },
                ScopeSpans {
                    spans: vec![Span {
                        span_id: vec![0, 0, 0, 0, 0, 0, 0, 5],
                        ..Span::default()
                    }],
                    ..ScopeSpans::default()
                },
            ],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

fn empty_span(id: &str, changes: Json) -> Json {
    let row = json!({
        "Timestamp": "1970-01-01 00:00:00.000000000", "TraceId": "", "SpanId": id, "ParentSpanId": "", "TraceState": "", "SpanName": "",
        "SpanKind": "Unspecified", "ServiceName": "7", "ResourceAttributes": {"service.name": "second", "host": "h"},
        "ScopeName": "lib", "ScopeVersion": "1.2", "SpanAttributes": {}, "Duration": "0", "StatusCode": "Unset", "StatusMessage": "",
        "Events.Timestamp": [], "Events.Name": [], "Events.Attributes": [],
        "Links.TraceId": [], "Links.SpanId": [], "Links.TraceState": [], "Links.Attributes": [],
    });
    changed(row, &changes)
}

#[test]
fn spans_are_read_back_as_they_were() {
    let Some(server) = server() else { return };
    let (_, all) = attributes();
    for compression in ["none", "lz4", "zstd"] {
        let name = format!("spans_{compression}");
        let keys = format!("compression: {compression}");
        deliver(&name, Signal::Traces, hard_traces(), &keys);
        let many: serde_json::Map<_, _> = (0..300)
            .map(|index| (format!("k{index}"), json!(index.to_string())))
            .collect();
        let expected = [
            empty_span(
                "0000000000000001",
                json!({
                    "Timestamp": "2023-11-14 22:13:20.123456789", "TraceId": "0102030405060708090a0b0c0d0e0f10",
                    "ParentSpanId": "fefefefefefefefe", "TraceState": "a=b,c=d", "SpanName": "GET /pay", "SpanKind": "Server",
                    "SpanAttributes": all, "Duration": "1000000001", "StatusCode": "Error", "StatusMessage": "no money",
                    "Events.Timestamp": ["2023-11-14 22:13:20.000000001", "1970-01-01 00:00:00.000000000"],
                    "Events.Name": ["first", ""], "Events.Attributes": [all, {}],
                    "Links.TraceId": ["ab".repeat(16), ""], "Links.SpanId": ["cd".repeat(8), ""],
                    "Links.TraceState": ["e=f", ""], "Links.Attributes": [{"of": "link"}, {}],
                }),
            ),
            empty_span("0000000000000002", json!({})),
            empty_span(
                "0000000000000003",
                json!({"Timestamp": "1970-01-01 00:00:02.000000000", "SpanKind": "", "StatusCode": ""}),
            ),
            empty_span(
                "0000000000000004",
                json!({
                    "Timestamp": "1970-01-01 00:00:00.000000001", "SpanAttributes": many, "Duration": (u64::MAX - 1).to_string(),
                }),
            ),
            empty_span(
                "0000000000000005",
                json!({"ScopeName": "", "ScopeVersion": ""}),
            ),
        ];
        let select = format!("SELECT * FROM {name}.otel_traces ORDER BY SpanId");
        let found = server.rows(&select);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{compression}");
        }
        // Both are there, in their order: maps aren't made unique.
        let keys = server.query(&format!(
            "SELECT mapKeys(ResourceAttributes) FROM {name}.otel_traces LIMIT 1"
        ));
        assert_eq!(keys, "['service.name','host','service.name']");
    }
}

/// The other end of what a user may have: an older schema's types, and no columns that came later.
#[test]
fn tables_of_other_versions_are_written_too() {
    let Some(server) = server() else { return };
    server.query("CREATE DATABASE older");
    server.query(
        "CREATE TABLE older.otel_traces (Extra UInt8 DEFAULT 7, Timestamp DateTime64(3, 'UTC'), TraceId String, SpanId String, ParentSpanId String, \
         TraceState String, SpanName String, SpanKind LowCardinality(String), ServiceName String, ResourceAttributes Map(String, String), \
         SpanAttributes Map(LowCardinality(String), String), Duration Int64, StatusCode String, StatusMessage String, \
         Events Nested(Timestamp DateTime, Name String, Attributes Map(String, String)), \
         Links Nested(TraceId String, SpanId String, TraceState String, Attributes Map(String, String))) ENGINE = MergeTree ORDER BY SpanId",
    );
    deliver(
        "older",
        Signal::Traces,
        hard_traces(),
        "create_schema: false",
    );
    let select = "SELECT Extra, Timestamp, Duration, `Events.Timestamp` AS Times, SpanAttributes['key.03'] AS Int FROM older.otel_traces ORDER BY SpanId LIMIT 3";
    assert_eq!(
        server.rows(select),
        [
            json!({"Extra": 7, "Timestamp": "2023-11-14 22:13:20.123", "Duration": "1000000001",
                "Times": ["2023-11-14 22:13:20", "1970-01-01 00:00:00"], "Int": "-9223372036854775808"}),
            json!({"Extra": 7, "Timestamp": "1970-01-01 00:00:00.000", "Duration": "0", "Times": [], "Int": ""}),
            json!({"Extra": 7, "Timestamp": "1970-01-01 00:00:02.000", "Duration": "-1000000000", "Times": [], "Int": ""}),
        ]
    );
}
