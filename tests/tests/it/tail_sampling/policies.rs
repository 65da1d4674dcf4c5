//! Policies over the corpus's keys and values: some by hand, the rest from a seed.

use fastrand::Rng;
use serde_json::{Value, json};

use super::corpus::{KEYS, TEXTS, pick};

/// Each policy by itself, in variants, and what has to be said of them together.
pub fn by_hand() -> Vec<Value> {
    let mut cases: Vec<_> = single()
        .into_iter()
        .map(|policy| case(vec![policy]))
        .collect();
    let health = json!({"type": "string_attribute", "string_attribute": {"key": "http.path", "values": ["/cart"]}});
    let slow = json!({"type": "latency", "latency": {"threshold_ms": 15}});
    let some = json!({"type": "probabilistic", "probabilistic": {"sampling_percentage": 30}});
    let errors = json!({"type": "status_code", "status_code": {"status_codes": ["ERROR"]}});
    let drop = |subs: &[&Value]| json!({"type": "drop", "drop": {"drop_sub_policy": list(subs)}});
    let and = |subs: &[&Value]| json!({"type": "and", "and": {"and_sub_policy": list(subs)}});
    let not = |sub: &Value| json!({"type": "not", "not": {"not_sub_policy": list(&[sub])[0]}});
    cases.extend([
        case(vec![and(&[&slow, &some])]),
        case(vec![and(&[&not(&health), &errors, &slow])]),
        case(vec![not(&some)]),
        case(vec![errors.clone(), drop(&[&health]), slow.clone()]),
        case(vec![drop(&[&health, &not(&errors)]), some.clone()]),
        case(vec![
            drop(&[&health, &some]),
            drop(&[&slow, &errors]),
            json!({"type": "always_sample"}),
        ]),
        case(vec![
            errors.clone(),
            slow.clone(),
            some.clone(),
            health.clone(),
        ]),
    ]);
    // Composites whose parts have room for everything: what they keep doesn't depend on time.
    let composite = |total: u64, subs: &[&Value], parts: Value| {
        json!({"type": "composite", "composite": {"max_total_spans_per_second": total, "composite_sub_policy": list(subs),
            "rate_allocation": parts}})
    };
    cases.extend([
        case(vec![composite(
            1_000_000_000,
            &[&errors, &and(&[&slow, &health]), &some],
            json!([{"policy": "policy 0", "percent": 50}, {"policy": "policy 1", "percent": 0}, {"policy": "policy 2", "percent": 10}]),
        )]),
        // No part is no span.
        case(vec![composite(1_000_000_000, &[&errors, &slow], json!([{"policy": "policy 0", "percent": 100}]))]),
        // A trace of more spans than a part has is never kept; here a part is for less than one.
        case(vec![composite(10, &[&errors, &slow], json!([{"policy": "policy 0", "percent": 5}])), health.clone()]),
    ]);
    let mut first = case(vec![errors, slow, some, drop(&[&health])]);
    first["sample_on_first_match"] = json!(true);
    cases.push(first);
    cases
}

fn single() -> Vec<Value> {
    let string = |key: &str, values: Value, regex: bool, invert: bool| {
        json!({"type": "string_attribute", "string_attribute":
            {"key": key, "values": values, "enabled_regex_matching": regex, "invert_match": invert, "cache_max_size": 3}})
    };
    let numeric = |min: i64, max: i64, invert: bool| json!({"type": "numeric_attribute", "numeric_attribute": {"key": "retry", "min_value": min, "max_value": max, "invert_match": invert}});
    let boolean = |value: bool, invert: bool| json!({"type": "boolean_attribute", "boolean_attribute": {"key": "a", "value": value, "invert_match": invert}});
    let percentage = |percentage: f64, salt: &str| json!({"type": "probabilistic", "probabilistic": {"sampling_percentage": percentage, "hash_salt": salt}});
    let latency = |threshold: u64, upper: u64| json!({"type": "latency", "latency": {"threshold_ms": threshold, "upper_threshold_ms": upper}});
    let status =
        |codes: Value| json!({"type": "status_code", "status_code": {"status_codes": codes}});
    let count = |min: u32, max: u32| json!({"type": "span_count", "span_count": {"min_spans": min, "max_spans": max}});
    let state = |values: Value| json!({"type": "trace_state", "trace_state": {"key": "a", "values": values}});
    let mut policies: Vec<_> = SPAN_CONDITIONS
        .iter()
        .map(|condition| ottl("ignore", &[condition], &[]))
        .collect();
    policies.extend(
        EVENT_CONDITIONS
            .iter()
            .map(|condition| ottl("silent", &[], &[condition])),
    );
    policies.extend([
        ottl("propagate", &[FAILING], &[]),
        ottl("propagate", &[], &[FAILING]),
        ottl(
            "propagate",
            &["name == \"SELECT\"", FAILING],
            &["name == \"exception\""],
        ),
        ottl("ignore", &[FAILING, "name == \"SELECT\""], &[]),
    ]);
    policies.extend([
        json!({"type": "always_sample"}),
        json!({"type": "trace_flags"}),
        latency(15, 0),
        latency(1, 0),
        latency(10, 20),
        latency(0, 12),
        numeric(1, 3, false),
        numeric(-2, 0, false),
        numeric(0, 2, true),
        percentage(0.0, ""),
        percentage(12.5, ""),
        percentage(12.5, "pepper"),
        percentage(99.9, ""),
        percentage(100.0, ""),
        status(json!(["ERROR"])),
        status(json!(["OK", "UNSET"])),
        status(json!(["UNSET"])),
        string("http.path", json!(["/cart", "GET"]), false, false),
        string("http.path", json!(["/cart", ""]), false, true),
        string("http.path", json!(["^/cart"]), true, false),
        string("a", json!(["^$", "never"]), true, false),
        string("a", json!(["."]), true, true),
        string("service.name", json!(["pay"]), true, false),
        // Classes know ASCII only, and a brace that repeats nothing is itself.
        string("a", json!(["^\\w+$"]), true, false),
        string("a", json!(["\\W"]), true, false),
        string("a", json!(["\\d", "\\s"]), true, false),
        string("a", json!(["^[^\\d]+\\b"]), true, false),
        string("a", json!(["^{x", "[[&&~]"]), true, false),
        boolean(true, false),
        boolean(false, false),
        boolean(false, true),
        // Budgets that are never reached. (One that is smaller than a trace passes it once and is in debt, where the Collector's never passes it.)
        json!({"type": "rate_limiting", "rate_limiting": {"spans_per_second": 1_000_000_000}}),
        json!({"type": "bytes_limiting", "bytes_limiting": {"bytes_per_second": 1_000_000_000}}),
        count(3, 0),
        count(2, 4),
        state(json!(["1"])),
        state(json!(["2", "x", ""])),
    ]);
    policies
}

const SPAN_CONDITIONS: [&str; 16] = [
    "attributes[\"a\"] == \"GET\"",
    "span.attributes[\"retry\"] >= 1 and resource.attributes[\"service.name\"] != nil",
    "IsMatch(attributes[\"http.path\"], \"^/cart\")",
    "span.status.code == STATUS_CODE_ERROR",
    "kind == SPAN_KIND_SERVER or name == \"SELECT\"",
    "end_time - start_time > Duration(\"25ms\")",
    "HasPrefix(name, \"GET\") and IsRootSpan()",
    "trace_state[\"a\"] == \"1\"",
    "Len(attributes) > 3",
    "not (attributes[\"a\"] == nil) and attributes[\"retry\"] == nil",
    "instrumentation_scope.name == \"sql\" and attributes[\"retry\"] < 0",
    "status.message != \"\" and attributes[\"a\"] == true",
    "Int(attributes[\"a\"]) > 0",
    "parent_span_id == SpanID(0x0707070707070707) and kind == 0",
    "attributes[\"a\"] == 2.0 or attributes[\"http.pith\"] > attributes[\"retry\"]",
    FAILING,
];
const EVENT_CONDITIONS: [&str; 5] = [
    "name == \"exception\" and attributes[\"a\"] != nil",
    "spanevent.attributes[\"retry\"] > 0",
    "span.name == \"SELECT\" and spanevent.name == \"message\"",
    "span.kind == 2 and spanevent.name == \"\"",
    FAILING,
];
/// Fails where the attribute is no number.
const FAILING: &str = "attributes[\"retry\"] + 1 > 2";

fn ottl(error_mode: &str, span: &[&str], spanevent: &[&str]) -> Value {
    json!({"type": "ottl_condition", "ottl_condition": {"error_mode": error_mode, "span": span, "spanevent": spanevent}})
}

/// Any policies, in any combination that both sides accept.
pub fn random(rng: &mut Rng) -> Value {
    let policies = (0..rng.usize(1..6)).map(|_| policy(rng)).collect();
    let mut case = case(policies);
    if rng.usize(0..4) == 0 {
        case["sample_on_first_match"] = json!(true);
    }
    case
}

fn policy(rng: &mut Rng) -> Value {
    let leaves =
        |rng: &mut Rng| -> Vec<Value> { (0..rng.usize(1..4)).map(|_| leaf_or_not(rng)).collect() };
    match rng.usize(0..12) {
        0 | 1 => json!({"type": "and", "and": {"and_sub_policy": named(leaves(rng))}}),
        2 | 3 => json!({"type": "drop", "drop": {"drop_sub_policy": named(leaves(rng))}}),
        4 => not(rng),
        5 => {
            let subs: Vec<_> = (0..rng.usize(1..4)).map(|_| leaf(rng)).collect();
            let parts: Vec<_> = (0..subs.len())
                .map(|at| json!({"policy": format!("policy {at}"), "percent": rng.u8(0..33)}))
                .collect();
            json!({"type": "composite", "composite": {"max_total_spans_per_second": 1_000_000_000_u64, "composite_sub_policy": named(subs),
                "rate_allocation": parts}})
        }
        _ => leaf(rng),
    }
}

fn not(rng: &mut Rng) -> Value {
    let sub = named(vec![leaf(rng)]).remove(0);
    json!({"type": "not", "not": {"not_sub_policy": sub}})
}

fn leaf_or_not(rng: &mut Rng) -> Value {
    match rng.usize(0..5) {
        0 => not(rng),
        _ => leaf(rng),
    }
}

fn leaf(rng: &mut Rng) -> Value {
    let all = single();
    match rng.usize(0..4) {
        0 => {
            let conditions = |rng: &mut Rng, of: &[&'static str], at_least: usize| -> Vec<&str> {
                (0..rng.usize(at_least..3)).map(|_| pick(rng, of)).collect()
            };
            let span = conditions(rng, &SPAN_CONDITIONS, 1);
            let event = conditions(rng, &EVENT_CONDITIONS, 0);
            ottl(pick(rng, &["ignore", "silent", "propagate"]), &span, &event)
        }
        1 => {
            let values: Vec<_> = (0..rng.usize(1..3)).map(|_| pick(rng, &TEXTS)).collect();
            json!({"type": "string_attribute", "string_attribute": {"key": pick(rng, &KEYS), "values": values, "invert_match": rng.bool()}})
        }
        _ => all[rng.usize(0..all.len())].clone(),
    }
}

fn case(policies: Vec<Value>) -> Value {
    json!({"policies": named(policies)})
}

fn list(policies: &[&Value]) -> Vec<Value> {
    named(policies.iter().map(|&policy| policy.clone()).collect())
}

fn named(policies: Vec<Value>) -> Vec<Value> {
    let name = |(at, mut policy): (usize, Value)| {
        policy["name"] = json!(format!("policy {at}"));
        policy
    };
    policies.into_iter().enumerate().map(name).collect()
}
