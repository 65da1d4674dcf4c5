//! Policies to compare the cost of.

use serde_json::{Value as Json, json};

/// What is compared: three policies, with attributes, twenty of many kinds, few or many values of one key, and everything kept, without and with
/// thresholds on its spans.
pub fn configurations() -> Vec<(&'static str, Vec<Json>)> {
    let default = || {
        vec![
            json!({"type": "status_code", "status_code": {"status_codes": ["ERROR"]}}),
            json!({"type": "latency", "latency": {"threshold_ms": 2000}}),
            json!({"type": "probabilistic", "probabilistic": {"sampling_percentage": 5}}),
        ]
    };
    let string = |key: &str, values: Vec<String>| json!({"type": "string_attribute", "string_attribute": {"key": key, "values": values}});
    let absent = (0..10).map(|number| string(&format!("attribute.{number}"), vec!["x".into()]));
    let values = |count: usize| (0..count).map(|n| format!("/api/carts/{n:010}")).collect();
    vec![
        ("three", default()),
        (
            "ten absent keys more",
            default().into_iter().chain(absent).collect(),
        ),
        (
            "twenty mixed",
            default().into_iter().chain(mixed()).collect(),
        ),
        (
            "three and ottl",
            default()
                .into_iter()
                .chain([json!({"type": "ottl_condition", "ottl_condition": {
                    "span": ["attributes[\"http.request.method\"] == \"DELETE\" or attributes[\"http.response.status_code\"] == \"500\""]}})])
                .collect(),
        ),
        (
            "three and 10 values",
            default()
                .into_iter()
                .chain([string("url.path", values(10))])
                .collect(),
        ),
        (
            "three and 10,000 values",
            default()
                .into_iter()
                .chain([string("url.path", values(10_000))])
                .collect(),
        ),
        ("all", vec![json!({"type": "always_sample"})]),
        // All but one in a million: each kept span gets its threshold.
        (
            "all by chance",
            vec![json!({"type": "probabilistic", "probabilistic": {"sampling_percentage": 99.9999}})],
        ),
        ("three and per_operation", default().into_iter().chain([per_operation()]).collect()),
        (
            "three and novelty",
            default().into_iter().chain([json!({"type": "novelty"})]).collect(),
        ),
        (
            "three and all that count",
            default().into_iter().chain([per_operation()]).chain(counting()).collect(),
        ),
    ]
}

/// Seventeen policies that the traces satisfy rarely, as in practice.
fn mixed() -> Vec<Json> {
    let string = |key: &str, values: &[&str]| json!({"type": "string_attribute", "string_attribute": {"key": key, "values": values}});
    let pattern = |key: &str, values: &[&str]| json!({"type": "string_attribute", "string_attribute": {"key": key, "values": values, "enabled_regex_matching": true}});
    let named = |name: &str, mut policy: Json| {
        policy["name"] = json!(name);
        policy
    };
    let small = json!({"type": "probabilistic", "probabilistic": {"sampling_percentage": 1, "hash_salt": "small"}});
    let health = string("url.path", &["/healthz", "/readyz"]);
    let delete = string("http.request.method", &["DELETE"]);
    vec![
        json!({"type": "drop", "drop": {"drop_sub_policy": [named("health", health)]}}),
        json!({"type": "latency", "latency": {"threshold_ms": 800, "upper_threshold_ms": 900}}),
        string("service.name", &["payment", "ledger"]),
        string("http.request.method", &["PUT", "PATCH"]),
        pattern("url.path", &["^/api/orders/", "/refund$"]),
        pattern("user_agent.original", &["(?i)bot", "curl/"]),
        string("deployment.environment", &["canary"]),
        json!({"type": "numeric_attribute", "numeric_attribute": {"key": "http.response.status_code", "min_value": 500, "max_value": 599}}),
        json!({"type": "boolean_attribute", "boolean_attribute": {"key": "sampling.force", "value": true}}),
        json!({"type": "trace_state", "trace_state": {"key": "vendor", "values": ["keep"]}}),
        json!({"type": "trace_flags"}),
        json!({"type": "span_count", "span_count": {"min_spans": 500}}),
        json!({"type": "rate_limiting", "rate_limiting": {"spans_per_second": 10}}),
        json!({"type": "and", "and": {"and_sub_policy": [named("small", small.clone()), named("delete", delete.clone())]}}),
        json!({"type": "and", "and": {"and_sub_policy": [named("not", json!({"type": "not", "not": {"not_sub_policy": named("delete", delete)}})),
            named("large", json!({"type": "span_count", "span_count": {"min_spans": 100}})), named("small", small.clone())]}}),
        json!({"type": "composite", "composite": {"max_total_spans_per_second": 10, "composite_sub_policy": [named("small", small.clone())],
            "rate_allocation": [{"policy": "small", "percent": 100}]}}),
        small,
    ]
}

fn per_operation() -> Json {
    json!({"type": "per_operation", "per_operation": {"default_percentage": 5, "rules": [
        {"operation": "GET /healthz*", "percentage": 0.01}, {"service": "payment", "percentage": 100}, {"service": "service-7", "percentage": 10}]}})
}

/// Policies that look at more than one trace.
fn counting() -> Vec<Json> {
    vec![
        json!({"type": "novelty"}),
        json!({"type": "latency_outlier"}),
        json!({"type": "floor", "floor": {"keys": ["root.service.name", "http.response.status_code"]}}),
        json!({"type": "throughput", "throughput": {"spans_per_second": 1000, "keys": ["root.service.name", "root.operation"]}}),
    ]
}
