//! What enrich makes of a test's spans, held against what the test says of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use sampler::promote::PromotedKeys;
use schemas::Signal;
use serde_json::{Value, json};

use super::raw::{RawExpectedSpan, RawStatus, RawTest};
use super::spans;

/// No test comes near it.
const BYTES_MAX: usize = usize::MAX;

/// What differs from what the test expects of its spans, a line each; nothing if it expects nothing of them.
///
/// # Errors
/// The file of the test can't be read.
pub fn differences(
    test: &RawTest,
    (enrich, promote): (&enrich::Config, &PromotedKeys),
    folder: &Path,
) -> anyhow::Result<Vec<String>> {
    let expected = expected(test);
    if expected.is_empty() {
        return Ok(Vec::new());
    }
    let request = spans::request(test, folder)?;
    let tenant = test.tenant.as_deref();
    let mut found = BTreeMap::new();
    let mut dead = Vec::new();
    for request in sampler::rehearsal::kept(promote, tenant.unwrap_or_default(), request) {
        let done = enrich::rehearse(enrich, Signal::Traces, tenant, request, BYTES_MAX);
        for request in &done.clean {
            let mut json = Vec::new();
            schemas::json::from_protobuf(Signal::Traces, request, &mut json)
                .context("what enrich wrote is not OTLP")?;
            let request: Value = serde_json::from_slice(&json)?;
            collect(&request, &mut found);
        }
        dead.extend(done.dead);
    }
    let mut lines = Vec::new();
    for (place, id, expected) in expected {
        let span = found.get(&id);
        match (span, expected.dropped) {
            (None, false) => {
                let why = match dead.first() {
                    Some((_, reason)) => format!("it went to the dead letters: {reason}"),
                    None => "a step dropped it".to_owned(),
                };
                lines.push(format!("{place}: expected to go on, but {why}"));
            }
            (Some(_), true) => {
                lines.push(format!("{place}: expected to be dropped, but it goes on"))
            }
            (Some(span), false) => compare(&place, expected, span, &mut lines),
            (None, true) => {}
        }
    }
    Ok(lines)
}

/// A span with its resource's attributes.
struct Found {
    span: Value,
    resource: Value,
}

fn collect(request: &Value, found: &mut BTreeMap<String, Found>) {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    for resource in list(request, "resourceSpans") {
        for scope in list(&resource, "scopeSpans") {
            for span in list(&scope, "spans") {
                let id = span["spanId"].as_str().unwrap_or_default().to_owned();
                let resource = resource["resource"]["attributes"].clone();
                found.insert(id, Found { span, resource });
            }
        }
    }
}

fn compare(place: &str, expected: &RawExpectedSpan, found: &Found, lines: &mut Vec<String>) {
    let mut field = |name: &str, expected: Value, found: &Value| {
        if expected != *found {
            lines.push(format!(
                "{place}.{name}: expected {expected}, found {found}"
            ));
        }
    };
    if let Some(name) = &expected.name {
        field("name", json!(name), &found.span["name"]);
    }
    if let Some(status) = expected.status {
        let code = match status {
            RawStatus::Unset => 0,
            RawStatus::Ok => 1,
            RawStatus::Error => 2,
        };
        let found = found.span["status"]["code"].as_i64().unwrap_or_default();
        field("status", json!(code), &json!(found));
    }
    let lists = [
        (
            "attributes",
            &expected.attributes,
            &found.span["attributes"],
        ),
        ("resource", &expected.resource, &found.resource),
    ];
    for (name, expected, found) in lists {
        for (key, expected) in expected {
            let pairs = found.as_array().into_iter().flatten();
            let value = pairs.clone().find(|pair| pair["key"] == json!(key));
            let value = value.map_or(Value::Null, |pair| plain(&pair["value"]));
            field(&format!("{name}.{key}"), expected.clone(), &value);
        }
    }
}

/// An `AnyValue` in JSON as configurations write it.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), value) {
        ("intValue", Value::String(digits)) => digits
            .parse::<i64>()
            .map_or(Value::Null, |number| json!(number)),
        ("arrayValue", value) => {
            let values = value["values"].as_array().into_iter().flatten();
            values.map(plain).collect()
        }
        ("kvlistValue", value) => {
            let pairs = value["values"].as_array().into_iter().flatten();
            let pair =
                |pair: &Value| Some((pair["key"].as_str()?.to_owned(), plain(&pair["value"])));
            Value::Object(pairs.filter_map(pair).collect())
        }
        (_, value) => value.clone(),
    }
}

/// A first span of which only that it goes is expected.
static DROPPED: RawExpectedSpan = RawExpectedSpan {
    name: None,
    status: None,
    attributes: BTreeMap::new(),
    resource: BTreeMap::new(),
    dropped: true,
};

/// What is expected of spans: the place in the test, the id of the span, and the expectation.
fn expected(test: &RawTest) -> Vec<(String, String, &RawExpectedSpan)> {
    let expect = &test.expect;
    let first = expect.span.as_ref().or(expect.dropped.then_some(&DROPPED));
    let first = first.map(|span| ("span".to_owned(), spans::span_id(1), span));
    let others = expect.spans.iter().filter_map(|(name, span)| {
        let id = spans::span_id(number_of(test, name)?);
        Some((format!("spans.{name}"), id, span))
    });
    first.into_iter().chain(others).collect()
}

/// The number of a span in the trace, counted from 1, by its name in the test.
fn number_of(test: &RawTest, name: &str) -> Option<u64> {
    let mut number = 1;
    for span in &test.trace {
        if span.name == name {
            return Some(number);
        }
        number += u64::from(span.count);
    }
    None
}
