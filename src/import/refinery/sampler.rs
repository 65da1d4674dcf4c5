//! Refinery's samplers as policies: one in N, and rates by key.

use serde_json::{Map, Value, json};

use super::super::duration;
use super::super::value::{entries, items};
use super::super::yaml::Yaml;

/// In the order in which Refinery looks for them.
const KINDS: [&str; 7] = [
    "DeterministicSampler",
    "RulesBasedSampler",
    "DynamicSampler",
    "EMADynamicSampler",
    "EMAThroughputSampler",
    "WindowedThroughputSampler",
    "TotalThroughputSampler",
];

/// The sampler of a section, of which it should have one.
pub(super) fn chosen<'v>(
    of: &str,
    section: &'v Value,
    list: &mut Yaml,
) -> Option<(&'static str, &'v Value)> {
    let found: Vec<_> = KINDS
        .into_iter()
        .filter_map(|kind| section.get(kind).map(|section| (kind, section)))
        .collect();
    for (kind, _) in found.iter().skip(1) {
        list.remark(format!(
            "{of}: {kind} was left out, Refinery uses the first of several"
        ));
    }
    for (key, _) in entries(Some(section)).filter(|(key, _)| !KINDS.contains(key)) {
        list.lost(format!(
            "{of}: {key} is no sampler of Refinery's; everything is kept in its place"
        ));
    }
    found.into_iter().next()
}

/// A number, as such or as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// Keeps one trace in N; `None`: all of them.
pub(super) fn one_in(name: &str, rate: Option<&Value>) -> Option<Value> {
    let rate = rate.and_then(number).unwrap_or(1.0);
    (rate > 1.0).then(|| {
        json!({"name": name, "type": "probabilistic", "probabilistic": {"sampling_percentage": percentage(rate)}})
    })
}

fn percentage(one_in: f64) -> f64 {
    // Seven digits are enough for a rate, and 100 / 3 is readable.
    (1e9 / one_in.max(1.0)).round() / 1e7
}

/// One policy for a sampler.
pub(super) fn policy(name: &str, sampler: Option<(&str, &Value)>, list: &mut Yaml) -> Value {
    let all = || json!({"name": name, "type": "always_sample"});
    let Some((kind, of)) = sampler else {
        list.remark(format!("{name}: without a sampler everything is kept"));
        return all();
    };
    let mut left: Vec<&str> = entries(Some(of)).map(|(key, _)| key).collect();
    let ours = match kind {
        "DeterministicSampler" => {
            left.retain(|key| *key != "SampleRate");
            one_in(name, of.get("SampleRate")).unwrap_or_else(all)
        }
        "RulesBasedSampler" => {
            list.lost(format!(
                "{name}: rules within a rule; everything is kept in their place"
            ));
            left.clear();
            all()
        }
        _ => by_key(kind, of, name, &mut left, list),
    };
    for key in left {
        left_out(name, key, &of[key], list);
    }
    ours
}

/// What keys say that stand for nothing here.
fn left_out(name: &str, key: &str, value: &Value, list: &mut Yaml) {
    match (key, value) {
        ("UseTraceLength", Value::Bool(false)) => {}
        ("UseTraceLength", _) => list.lost(format!(
            "{name}: `UseTraceLength`: the number of spans can't be part of a key"
        )),
        _ => list.remark(format!("{name}: `{key}` has no equal here")),
    }
}

fn by_key(kind: &str, of: &Value, name: &str, left: &mut Vec<&str>, list: &mut Yaml) -> Value {
    let mut keys: Vec<String> = Vec::new();
    let fields = match of.get("FieldList") {
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        listed => items(listed),
    };
    for field in fields.iter().filter_map(Value::as_str) {
        keys.extend(key(field, name, list));
    }
    left.retain(|key| *key != "FieldList");
    let mut ours = Map::new();
    let mut take = |theirs: &str| {
        left.retain(|key| *key != theirs);
        of.get(theirs).filter(|value| !value.is_null())
    };
    goal(kind, name, &mut take, &mut ours, list);
    pace(kind, name, &mut take, &mut ours, list);
    if let Some(most) = take("MaxKeys").filter(|most| most.as_u64() != Some(0)) {
        ours.insert("max_keys".to_owned(), most.clone());
    }
    if keys.is_empty() {
        list.changed(format!(
            "{name}: without fields there is one rate for all; here root.service.name is the key"
        ));
        keys = vec!["root.service.name".to_owned()];
    }
    ours.insert("keys".to_owned(), json!(keys));
    json!({"name": name, "type": "throughput", "throughput": ours})
}

type Take<'t, 'v> = dyn FnMut(&str) -> Option<&'v Value> + 't;

/// How much is to be kept.
fn goal(kind: &str, name: &str, take: &mut Take, ours: &mut Map<String, Value>, list: &mut Yaml) {
    let mut set = |key: &str, value: f64| ours.insert(key.to_owned(), json!(value));
    if let "DynamicSampler" | "EMADynamicSampler" = kind {
        let (rate, default) = match kind {
            "DynamicSampler" => ("SampleRate", 1.0),
            _ => ("GoalSampleRate", 10.0),
        };
        let share = percentage(take(rate).and_then(number).unwrap_or(default));
        set("sampling_percentage", share);
        // Until rates are known, Refinery keeps by the goal.
        set("initial_percentage", share);
        return;
    }
    let goal = take("GoalThroughputPerSec")
        .and_then(number)
        .unwrap_or(100.0);
    set("spans_per_second", goal);
    let initial = take("InitialSampleRate").and_then(number);
    match kind {
        "EMAThroughputSampler" => set("initial_percentage", percentage(initial.unwrap_or(10.0))),
        // Keys without a rate are kept.
        _ => set("initial_percentage", 100.0),
    };
    if take("UseClusterSize") != Some(&Value::Bool(true)) {
        list.changed(format!(
            "{name}: GoalThroughputPerSec is of each Refinery; spans_per_second is of all samplers together: multiply it by the number of Refineries"
        ));
    }
}

/// How fast rates follow the traffic.
fn pace(kind: &str, name: &str, take: &mut Take, ours: &mut Map<String, Value>, list: &mut Yaml) {
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            ours.insert(key.to_owned(), value);
        }
    };
    let mut length = |theirs: &str| take(theirs).map(duration::carried);
    match kind {
        "EMADynamicSampler" | "EMAThroughputSampler" => {
            set("method", Some(json!("ema")));
            set("interval", length("AdjustmentInterval"));
            set("weight", take("Weight").cloned());
        }
        "DynamicSampler" => {
            set("method", Some(json!("ema")));
            set("interval", length("ClearFrequency").or(Some(json!("30s"))));
            list.changed(format!(
                "{name}: DynamicSampler became a moving average, which Refinery recommends, too"
            ));
        }
        "WindowedThroughputSampler" => {
            set("method", Some(json!("windowed")));
            set("interval", length("UpdateFrequency"));
            set("window", length("LookbackFrequency"));
        }
        _ => {
            set("method", Some(json!("windowed")));
            set("window", length("ClearFrequency"));
        }
    }
}

/// A field as a key of `throughput`.
fn key(field: &str, of: &str, list: &mut Yaml) -> Option<String> {
    let (prefix, bare) = match field.strip_prefix("root.") {
        Some(bare) => ("root.", bare),
        None => ("", field),
    };
    let ours = match bare {
        "name" => "operation",
        "status_code" => "status",
        "error" => {
            list.changed(format!(
                "{of}: the field {field} became the status, which tells OK from unset, too"
            ));
            "status"
        }
        "span.kind" | "type" => "kind",
        _ if bare.starts_with("meta.")
            || bare.starts_with("trace.")
            || bare.starts_with("library.")
            || ["duration_ms", "status_message"].contains(&bare)
            || field.starts_with("?.") =>
        {
            list.lost(format!("{of}: the field {field} can't be part of a key"));
            return None;
        }
        other => other,
    };
    Some(format!("{prefix}{ours}"))
}
