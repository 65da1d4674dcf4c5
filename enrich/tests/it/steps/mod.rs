//! Steps: what a configuration in YAML makes of requests in JSON.

mod actions;
mod filter;
mod k8s;
mod lookup;
mod metrics;
mod refused;
mod resources;
mod semconv;
mod transform;

use bytes::Bytes;
use enrich::{Rehearsal, rehearse};
use runtime::config::{Problems, load};
use schemas::Signal;
use serde_json::{Value, json};

/// What the bus takes unless a test says otherwise.
const BYTES_MAX: usize = 1 << 20;

/// The steps that are written, or what is wrong with them.
pub fn steps(yaml: &str) -> Result<enrich::Config, String> {
    let validate = |raw: &enrich::RawConfig, problems: &mut Problems| raw.validate("", problems);
    load("a file", yaml, &|_| None, validate).map_err(|report| report.to_string())
}

pub fn encoded(signal: Signal, request: &Value) -> Bytes {
    let json = serde_json::to_vec(request).expect("JSON");
    let request = schemas::json::to_protobuf(signal, &json);
    request.expect("OTLP").into()
}

pub fn decoded(signal: Signal, request: &[u8]) -> Value {
    let mut json = Vec::new();
    schemas::json::from_protobuf(signal, request, &mut json).expect("OTLP");
    serde_json::from_slice(&json).expect("JSON")
}

pub fn applied(yaml: &str, signal: Signal, request: &Value) -> Rehearsal {
    let config = steps(yaml).unwrap_or_else(|report| panic!("{report}"));
    rehearse(&config, signal, None, encoded(signal, request), BYTES_MAX)
}

/// The one request that comes out, in JSON.
#[track_caller]
pub fn out(yaml: &str, signal: Signal, request: &Value) -> Value {
    let found = applied(yaml, signal, request);
    assert!(found.dead.is_empty(), "{:?}", found.dead);
    assert_eq!(found.clean.len(), 1, "{found:?}");
    decoded(signal, &found.clean[0])
}

/// The steps make exactly this of a request.
#[track_caller]
pub fn check(yaml: &str, signal: Signal, request: &Value, expected: &Value) {
    // Through the same conversion, so that fields stand as they are read.
    let expected = decoded(signal, &encoded(signal, expected));
    assert_eq!(out(yaml, signal, request), expected, "{yaml}");
}

pub fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A span by its name, with an id made of its number, and that of its parent.
pub fn span(number: u8, parent: u8, name: &str, attributes: &[Value]) -> Value {
    let mut span = json!({
        "traceId": "0102030405060708090a0b0c0d0e0f10",
        "spanId": format!("{number:016x}"),
        "name": name,
        "attributes": attributes,
    });
    if parent != 0 {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    span
}

/// Resources with the spans of one scope each.
pub fn traces(resources: &[(&[Value], &[Value])]) -> Value {
    let resource = |(attributes, spans): &(&[Value], &[Value])| {
        json!({
            "resource": {"attributes": attributes},
            "scopeSpans": [{"scope": {"name": "s"}, "spans": spans}],
        })
    };
    json!({"resourceSpans": resources.iter().map(resource).collect::<Vec<_>>()})
}

pub fn logs(attributes: &[Value], records: &[Value]) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": attributes},
        "scopeLogs": [{"scope": {"name": "s"}, "logRecords": records}],
    }]})
}
