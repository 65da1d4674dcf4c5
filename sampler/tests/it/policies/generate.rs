//! Generated traces and policies, over few keys and values so that they meet.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{TRACE, condition};

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
    (attributes(), 0..4_i32, 0..3_u64, 0..9_u64, 0..8_u32).prop_map(
        |(attributes, code, start, length, flags)| Span {
            trace_id: TRACE.to_vec(),
            span_id: vec![1; 8],
            parent_span_id: if flags < 2 { Vec::new() } else { vec![7; 8] },
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

pub fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
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

fn whole_trace() -> impl Strategy<Value = Json> {
    let conditions = prop::collection::vec(prop::sample::select(condition::texts()), 1..4);
    let scope = prop::sample::select(vec!["trace", "span", "root"]);
    (scope, conditions).prop_map(|(scope, conditions)| {
        json!({"type": "condition", "condition": {"scope": scope, "conditions": conditions}})
    })
}

/// Gives the policies of a list their names.
pub fn named(policies: Vec<Json>) -> Vec<Json> {
    let name = |(at, mut policy): (usize, Json)| {
        policy["name"] = json!(format!("policy {at}"));
        policy
    };
    policies.into_iter().enumerate().map(name).collect()
}

pub fn policy() -> impl Strategy<Value = Json> {
    let several = || prop::collection::vec(leaf(), 1..4).prop_map(named);
    prop_oneof![
        3 => whole_trace(),
        5 => leaf(),
        2 => several().prop_map(|subs| json!({"type": "and", "and": {"and_sub_policy": subs}})),
        2 => several().prop_map(|subs| json!({"type": "drop", "drop": {"drop_sub_policy": subs}})),
        1 => leaf().prop_map(|sub| json!({"type": "not", "not": {"not_sub_policy": named(vec![sub])[0]}})),
    ]
}
