//! What both systems are asked to keep and to redact, written once.

use serde_json::{Value, json};

use crate::corpus::SLOW_MS;

/// An attribute of every span of the generated corpus.
pub const DELETE: &str = "session.id";
/// An attribute of every HTTP span.
pub const HASH: &str = "user.id";
pub const HASH_KEY: &str = "0123456789abcdef0123456789abcdef";
/// E-mail addresses, IPv4 addresses, session tokens in URLs: found in few, many and some spans.
pub const MASKS: [(&str, &str); 3] = [
    ("email", r"[\w.+-]+@[\w-]+\.[\w.]+"),
    ("address", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"),
    ("session", r"session=[0-9a-f]{8,}"),
];

/// Errors, slow traces and 5 % of the rest.
pub fn three() -> Value {
    json!([
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": SLOW_MS}},
        {"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 5}},
    ])
}

/// Twenty of mixed kinds: two drop policies, attributes as values, patterns, numbers and booleans, four `and`, one with a `not`
/// in it, and a composite whose budgets are never spent, so that its result hangs on nothing but the trace.
pub fn twenty() -> Value {
    let text = |name: &str, key: &str, values: &[&str]| json!({"name": name, "type": "string_attribute", "string_attribute": {"key": key, "values": values}});
    let pattern = |name: &str, key: &str, values: &[&str]| {
        json!({"name": name, "type": "string_attribute", "string_attribute": {
            "key": key, "values": values, "enabled_regex_matching": true, "cache_max_size": 10_000,
        }})
    };
    let number = |name: &str, key: &str, min: i64, max: i64| json!({"name": name, "type": "numeric_attribute", "numeric_attribute": {"key": key, "min_value": min, "max_value": max}});
    let share = |name: &str, percent: f64, salt: &str| json!({"name": name, "type": "probabilistic", "probabilistic": {"sampling_percentage": percent, "hash_salt": salt}});
    let count = |name: &str, min: u32| json!({"name": name, "type": "span_count", "span_count": {"min_spans": min}});
    let latency = |name: &str, ms: u64| json!({"name": name, "type": "latency", "latency": {"threshold_ms": ms}});
    let and = |name: &str, of: Vec<Value>| json!({"name": name, "type": "and", "and": {"and_sub_policy": of}});
    let drop = |name: &str, of: Vec<Value>| json!({"name": name, "type": "drop", "drop": {"drop_sub_policy": of}});
    let not =
        |name: &str, of: Value| json!({"name": name, "type": "not", "not": {"not_sub_policy": of}});
    json!([
        drop("probes", vec![text("probe", "url.path", &["/healthz", "/readyz"])]),
        drop("noisy tenants", vec![pattern("noisy", "app.tenant", &["^tenant-000[0-4]$"]), share("most", 80.0, "noisy")]),
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        latency("slow", SLOW_MS),
        text("databases", "db.system.name", &["oracle", "mssql", "db2"]),
        text("tenants", "app.tenant", &["tenant-0101", "tenant-0202"]),
        pattern("admin", "http.route", &["^/admin(/.*)?$", "^/internal/.*"]),
        pattern("robots", "user_agent.original", &["(?i)bot|crawler|spider"]),
        pattern("statements", "db.query.text", &[r"^(DROP|TRUNCATE|ALTER)\s"]),
        number("server errors", "http.response.status_code", 500, 599),
        number("large results", "db.response.returned_rows", 1000, 1_000_000),
        {"name": "debug", "type": "boolean_attribute", "boolean_attribute": {"key": "app.debug", "value": true}},
        {"name": "asked for", "type": "trace_state", "trace_state": {"key": "vendor", "values": ["keep"]}},
        count("huge", 500),
        and("long checkouts", vec![pattern("checkout", "http.route", &["^/checkout"]), latency("long", 700), share("half", 50.0, "a")]),
        and("broad", vec![count("many", 100), latency("longer", 500), share("fifth", 20.0, "b")]),
        and("large messages", vec![number("large", "messaging.message.body.size", 3900, 100_000), share("quarter", 25.0, "c")]),
        and("elsewhere", vec![not("not here", text("here", "deployment.environment.name", &["production"])), share("tenth", 10.0, "d")]),
        {"name": "budgets", "type": "composite", "composite": {
            "max_total_spans_per_second": 1_000_000_000_000u64,
            "policy_order": ["carts", "rest"],
            "composite_sub_policy": [
                and("carts", vec![pattern("cart", "http.route", &["^/cart$"]), share("some carts", 10.0, "e")]),
                share("rest", 2.0, "f"),
            ],
            "rate_allocation": [{"policy": "carts", "percent": 50}, {"policy": "rest", "percent": 50}],
        }},
        share("some", 5.0, ""),
    ])
}

/// So many: attributes that spans have, with values that none has, and a share.
pub fn many(count: usize) -> Value {
    let keys = [
        "app.tenant",
        "http.route",
        "db.system.name",
        "rpc.service",
        "server.address",
        "code.function.name",
        "service.name",
        "messaging.system",
    ];
    let mut policies: Vec<_> = (1..count)
        .map(|at| {
            let key = keys[at % keys.len()];
            json!({"name": format!("attribute {at}"), "type": "string_attribute",
                "string_attribute": {"key": key, "values": [format!("value {at}")]}})
        })
        .collect();
    policies.push(json!({"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 5}}));
    Value::Array(policies)
}
