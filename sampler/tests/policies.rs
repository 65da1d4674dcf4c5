//! Policies on bytes against a plain evaluation on decoded spans, written after the Collector's sources (v0.155).

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use prost::Message;
use runtime::config::Problems;
use sampler::RawConfig;
use sampler::partition::{Options, Partition, RawRecord, Start};
use sampler::policy::{Policies, RawPolicy};
use schemas::decisions::Verdict;
use serde_json::{Value as Json, json};

const TRACE: [u8; 16] = *b"a trace's own id";

/// The verdict that a partition gives on one trace, with the policy's name.
fn decide(policies: &[Json], request: &ExportTraceServiceRequest) -> (Verdict, Option<String>) {
    let raw: Vec<RawPolicy> = serde_json::from_value(Json::from(policies.to_vec())).unwrap();
    let mut problems = Problems::new();
    let compiled = Policies::compile(&raw, false, "policies", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let options = Options {
        partitions: 1,
        ..RawConfig::default().validate("", &mut problems).options
    };
    let start = Start {
        clock_emit_ms: 1000,
        ..Start::default()
    };
    let mut partition = Partition::new(0, Arc::new(compiled), options, start, 0);
    partition.observe(RawRecord {
        offset: 0,
        timestamp_ms: 1000,
        tenant: None,
        value: Bytes::from(request.encode_to_vec()),
    });
    partition.tick(1_000_000);
    let batch = partition.take().decisions;
    assert_eq!(batch.entries.len(), 1);
    let entry = &batch.entries[0];
    let policy = entry
        .policy
        .map(|at| batch.policies[usize::from(at)].clone());
    (entry.verdict, policy)
}

// The plain evaluation.

fn spans(request: &ExportTraceServiceRequest) -> impl Iterator<Item = &Span> {
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| &scope.spans)
}

/// The Collector's `Attributes().Get`: the first of its key.
fn get<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    static EMPTY: Value = Value::StringValue(String::new());
    let pair = attributes.iter().find(|pair| pair.key == key)?;
    Some(
        pair.value
            .as_ref()
            .and_then(|value| value.value.as_ref())
            .unwrap_or(&EMPTY),
    )
}

/// Some resource or span has the attribute and satisfies the condition, which is told whether it is a span.
fn any(
    request: &ExportTraceServiceRequest,
    key: &str,
    condition: impl Fn(&Value, bool) -> bool,
) -> bool {
    let on_resource = request.resource_spans.iter().any(|resource| {
        let resource = resource.resource.as_ref().unwrap();
        get(&resource.attributes, key).is_some_and(|value| condition(value, false))
    });
    on_resource
        || spans(request)
            .any(|span| get(&span.attributes, key).is_some_and(|value| condition(value, true)))
}

fn samples(policy: &Json, request: &ExportTraceServiceRequest) -> bool {
    let kind = policy["type"].as_str().unwrap();
    let section = &policy[kind];
    let text = |name: &str| section[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| section[name].as_i64().unwrap_or(0);
    let invert = section["invert_match"].as_bool().unwrap_or(false);
    match kind {
        "always_sample" => true,
        "status_code" => {
            let codes: Vec<_> = section["status_codes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|code| match code.as_str().unwrap() {
                    "OK" => 1,
                    "ERROR" => 2,
                    _ => 0,
                })
                .collect();
            spans(request)
                .any(|span| codes.contains(&span.status.as_ref().map_or(0, |status| status.code)))
        }
        "latency" => {
            let (threshold, upper) = (number("threshold_ms"), number("upper_threshold_ms"));
            let (mut min, mut max) = (0, 0);
            spans(request).any(|span| {
                if min == 0 || span.start_time_unix_nano < min {
                    min = span.start_time_unix_nano;
                }
                if max == 0 || span.end_time_unix_nano > max {
                    max = span.end_time_unix_nano;
                }
                let millis = (max as i64 - min as i64) / 1_000_000;
                if upper == 0 {
                    millis >= threshold
                } else {
                    threshold < millis && millis <= upper
                }
            })
        }
        "string_attribute" => {
            let values: Vec<_> = section["values"]
                .as_array()
                .unwrap()
                .iter()
                .map(|value| value.as_str().unwrap())
                .collect();
            let pattern = section["enabled_regex_matching"].as_bool().unwrap_or(false);
            let hit = any(request, &text("key"), |value, on_span| {
                let value = match value {
                    Value::StringValue(value) => value.as_str(),
                    _ => "",
                };
                if pattern {
                    !(on_span && value.is_empty())
                        && values
                            .iter()
                            .any(|pattern| regex::Regex::new(pattern).unwrap().is_match(value))
                } else {
                    !value.is_empty() && values.contains(&value)
                }
            });
            hit != invert
        }
        "numeric_attribute" => {
            let (min, max) = (number("min_value"), number("max_value"));
            let hit = any(request, &text("key"), |value, _| {
                let value = match value {
                    Value::IntValue(value) => *value,
                    _ => 0,
                };
                (min == 0 || value >= min) && (max == 0 || value <= max)
            });
            hit != invert
        }
        "boolean_attribute" => {
            let wanted = section["value"].as_bool().unwrap_or(false);
            let hit = any(request, &text("key"), |value, _| {
                (value == &Value::BoolValue(true)) == wanted
            });
            hit != invert
        }
        "span_count" => {
            let count = spans(request).count() as i64;
            let max = number("max_spans");
            count >= number("min_spans") && (max == 0 || count <= max)
        }
        "trace_flags" => spans(request).any(|span| span.flags & 1 != 0),
        "and" => section["and_sub_policy"]
            .as_array()
            .unwrap()
            .iter()
            .all(|sub| samples(sub, request)),
        "drop" => section["drop_sub_policy"]
            .as_array()
            .unwrap()
            .iter()
            .all(|sub| samples(sub, request)),
        "not" => !samples(&section["not_sub_policy"], request),
        other => unreachable!("{other}"),
    }
}

fn expected(policies: &[Json], request: &ExportTraceServiceRequest) -> (Verdict, Option<String>) {
    let name = |policy: &Json| policy["name"].as_str().unwrap().to_owned();
    let (drops, keeps): (Vec<_>, Vec<_>) =
        policies.iter().partition(|policy| policy["type"] == "drop");
    if let Some(policy) = drops.into_iter().find(|policy| samples(policy, request)) {
        return (Verdict::Drop, Some(name(policy)));
    }
    match keeps.into_iter().find(|policy| samples(policy, request)) {
        Some(policy) => (Verdict::Keep, Some(name(policy))),
        None => (Verdict::Drop, None),
    }
}

// Generated traces and policies, over few keys and values so that they meet.

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "http.path", "http.pith", "k8s.pod.name"])
        .prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "GET", "/cart", "/cart/7", "ünï"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Option<AnyValue>> {
    let value = prop_oneof![
        4 => text().prop_map(Value::StringValue),
        2 => (-3_i64..4).prop_map(Value::IntValue),
        2 => any_bool().prop_map(Value::BoolValue),
        1 => Just(Value::DoubleValue(2.0)),
    ];
    prop::option::weighted(0.9, value.prop_map(|value| AnyValue { value: Some(value) }))
}

fn any_bool() -> impl Strategy<Value = bool> {
    prop::bool::ANY
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = (key(), value()).prop_map(|(key, value)| KeyValue {
        key,
        value,
        ..KeyValue::default()
    });
    prop::collection::vec(pair, 0..4)
}

fn span() -> impl Strategy<Value = Span> {
    (attributes(), 0..4_i32, 0..3_u64, 0..9_u64, 0..3_u32).prop_map(
        |(attributes, code, start, length, flags)| Span {
            trace_id: TRACE.to_vec(),
            span_id: vec![1; 8],
            name: "span".into(),
            attributes,
            status: (code > 0).then(|| Status {
                code: code - 1,
                ..Status::default()
            }),
            start_time_unix_nano: start * 1_000_000,
            end_time_unix_nano: (start + length) * 1_000_000 - length.min(1),
            flags,
            ..Span::default()
        },
    )
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let resource =
        (attributes(), prop::collection::vec(span(), 1..4)).prop_map(|(attributes, spans)| {
            ResourceSpans {
                resource: Some(Resource {
                    attributes,
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }
        });
    prop::collection::vec(resource, 1..4)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn leaf() -> impl Strategy<Value = Json> {
    prop_oneof![
        1 => Just(json!({"type": "always_sample"})),
        1 => Just(json!({"type": "trace_flags"})),
        2 => prop::sample::subsequence(vec!["OK", "ERROR", "UNSET"], 1..3)
            .prop_map(|codes| json!({"type": "status_code", "status_code": {"status_codes": codes}})),
        2 => (1..9_u64, prop::option::of(1..4_u64)).prop_map(|(threshold, range)| json!({"type": "latency",
            "latency": {"threshold_ms": threshold, "upper_threshold_ms": range.map_or(0, |range| threshold + range)}})),
        4 => (key(), prop::collection::vec(text(), 1..3), any_bool()).prop_map(|(key, values, invert)| json!({"type": "string_attribute",
            "string_attribute": {"key": key, "values": values, "invert_match": invert}})),
        2 => (key(), prop::sample::select(vec!["^/cart", "^$", "G.T", "."]), any_bool()).prop_map(|(key, pattern, invert)| json!({
            "type": "string_attribute",
            "string_attribute": {"key": key, "values": [pattern, "never"], "enabled_regex_matching": true, "invert_match": invert}})),
        3 => (key(), -3..4_i64, any_bool()).prop_map(|(key, min, invert)| json!({"type": "numeric_attribute",
            "numeric_attribute": {"key": key, "min_value": min, "max_value": 3, "invert_match": invert}})),
        3 => (key(), any_bool(), any_bool()).prop_map(|(key, value, invert)| json!({"type": "boolean_attribute",
            "boolean_attribute": {"key": key, "value": value, "invert_match": invert}})),
        1 => (0..5_u32, prop::option::of(0..4_u32)).prop_map(|(min, range)| json!({"type": "span_count",
            "span_count": {"min_spans": min, "max_spans": range.map_or(0, |range| min + range)}})),
    ]
}

/// Gives the policies of a list their names.
fn named(policies: Vec<Json>) -> Vec<Json> {
    let name = |(at, mut policy): (usize, Json)| {
        policy["name"] = json!(format!("policy {at}"));
        policy
    };
    policies.into_iter().enumerate().map(name).collect()
}

fn policy() -> impl Strategy<Value = Json> {
    let several = || prop::collection::vec(leaf(), 1..4).prop_map(named);
    prop_oneof![
        5 => leaf(),
        2 => several().prop_map(|subs| json!({"type": "and", "and": {"and_sub_policy": subs}})),
        2 => several().prop_map(|subs| json!({"type": "drop", "drop": {"drop_sub_policy": subs}})),
        1 => leaf().prop_map(|sub| json!({"type": "not", "not": {"not_sub_policy": named(vec![sub])[0]}})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn verdicts_are_those_of_the_plain_evaluation(
        policies in prop::collection::vec(policy(), 1..5).prop_map(named),
        request in request(),
    ) {
        prop_assert_eq!(decide(&policies, &request), expected(&policies, &request));
    }
}

/// A percentage and how many of 10,000 traces it kept when the Collector's formula was applied.
#[test]
fn a_probability_keeps_about_its_share() {
    let policies = [
        json!({"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 10}}),
    ];
    let kept = (0..10_000_u64).filter(|&number| {
        let mut id = TRACE;
        id[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        let span = Span {
            trace_id: id.to_vec(),
            ..Span::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        decide(&policies, &request).0 == Verdict::Keep
    });
    let kept = kept.count();
    assert!((900..1100).contains(&kept), "{kept}");
}
