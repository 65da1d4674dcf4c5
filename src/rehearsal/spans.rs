//! A test's trace as an OTLP request, by way of OTLP JSON.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use schemas::Signal;
use serde_json::{Map, Value, json};

use super::raw::{NO_PARENT, RawKind, RawSpan, RawStatus, RawTest};

/// Nanoseconds since 1970; any time will do.
const BEGIN_NANOS: u64 = 1_780_000_000_000_000_000;

/// # Errors
/// The file can't be read, or isn't OTLP JSON.
pub fn request(test: &RawTest, folder: &Path) -> anyhow::Result<Bytes> {
    let json = match &test.otlp_json {
        Some(file) => {
            let path = folder.join(file);
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => serde_json::to_vec(&json!({"resourceSpans": resource_spans(test)}))?,
    };
    let request =
        schemas::json::to_protobuf(Signal::Traces, &json).context("the trace is not OTLP JSON")?;
    Ok(request.into())
}

/// One resource a span: what stands together in a request means nothing to the sampler.
fn resource_spans(test: &RawTest) -> Vec<Value> {
    let trace_id = test.trace_id.clone().unwrap_or_else(|| id_of(&test.name));
    let mut next = 0;
    let firsts: Vec<u64> = test
        .trace
        .iter()
        .map(|span| {
            let first = next + 1;
            next += u64::from(span.count);
            first
        })
        .collect();
    let parent = |at: usize| -> Option<u64> {
        match test.trace[at].parent.as_deref() {
            Some(NO_PARENT) => None,
            Some(name) => {
                let parent = test.trace.iter().position(|span| span.name == name)?;
                Some(firsts[parent])
            }
            None => (at > 0).then(|| firsts[0]),
        }
    };
    let mut out = Vec::new();
    for (at, span) in test.trace.iter().enumerate() {
        for number in 0..u64::from(span.count) {
            let mut otlp = otlp(span);
            otlp.insert("traceId".to_owned(), json!(trace_id));
            otlp.insert("spanId".to_owned(), json!(span_id(firsts[at] + number)));
            if let Some(parent) = parent(at) {
                otlp.insert("parentSpanId".to_owned(), json!(span_id(parent)));
            }
            let mut resource = span.resource.clone();
            if !span.service.is_empty() {
                resource.insert("service.name".to_owned(), json!(span.service));
            }
            out.push(json!({
                "resource": {"attributes": attributes(&resource)},
                "scopeSpans": [{"spans": [otlp]}],
            }));
        }
    }
    out
}

fn otlp(span: &RawSpan) -> Map<String, Value> {
    let nanos = |duration: runtime::config::Duration| duration.0.as_nanos() as u64;
    let start = BEGIN_NANOS + nanos(span.start);
    let kind = match span.kind {
        RawKind::Internal => 1,
        RawKind::Server => 2,
        RawKind::Client => 3,
        RawKind::Producer => 4,
        RawKind::Consumer => 5,
    };
    let code = match span.status {
        RawStatus::Unset => 0,
        RawStatus::Ok => 1,
        RawStatus::Error => 2,
    };
    let events: Vec<_> = span
        .events
        .iter()
        .map(|event| {
            json!({
                "name": event.name,
                "timeUnixNano": start.to_string(),
                "attributes": attributes(&event.attributes),
            })
        })
        .collect();
    let span = json!({
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + nanos(span.duration)).to_string(),
        "attributes": attributes(&span.attributes),
        "events": events,
        "traceState": span.trace_state,
        "flags": u32::from(span.sampled),
        "status": {"code": code, "message": span.status_message},
    });
    match span {
        Value::Object(span) => span,
        _ => Map::new(),
    }
}

fn attributes(of: &BTreeMap<String, Value>) -> Vec<Value> {
    of.iter()
        .map(|(key, value)| json!({"key": key, "value": any_value(value)}))
        .collect()
}

fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({"boolValue": value}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(any_value).collect();
            json!({"arrayValue": {"values": items}})
        }
        Value::Object(map) => {
            let entries: Vec<_> = map
                .iter()
                .map(|(key, value)| json!({"key": key, "value": any_value(value)}))
                .collect();
            json!({"kvlistValue": {"values": entries}})
        }
    }
}

pub(super) fn span_id(number: u64) -> String {
    format!("{number:016x}")
}

/// A trace id that is the same each time and differs from test to test (FNV-1a, 128 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>).
fn id_of(name: &str) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = name.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    format!("{:032x}", hash | 1)
}
