//! Policies: ours have the Collector's names and fields, so most are taken as they are. What the Collector takes in silence and we
//! refuse (thresholds of nothing, percentages beyond a hundred) is written as what it comes to.

use serde_json::{Map, Value, json};

use super::super::yaml::Yaml;
use super::super::{entries, items};
use sampler::policy::RawPolicy;

/// Adds a policy to the list, after remarks on what could not be taken over.
pub(super) fn add(policy: &Value, list: &mut Yaml) {
    let mut remarks = Vec::new();
    let translated = translate(policy, &mut remarks);
    for remark in remarks {
        list.remark(remark);
    }
    match translated {
        Some(policy) => list.push(policy),
        None => list.remark(format!("  {policy}")),
    }
}

fn translate(policy: &Value, remarks: &mut Vec<String>) -> Option<Value> {
    let text = |key: &str| policy.get(key).and_then(Value::as_str).unwrap_or("");
    let (name, kind) = (text("name"), text("type"));
    if !RawPolicy::KINDS.contains(&kind) {
        remarks.push(format!(
            "policy {name:?} is of type {kind:?}, which has no equal here; as it was:"
        ));
        return None;
    }
    let mut ours = Map::new();
    ours.insert("name".to_owned(), json!(name));
    ours.insert("type".to_owned(), json!(kind));
    let section = policy.get(kind).cloned().unwrap_or_else(|| json!({}));
    let section = match kind {
        "always_sample" | "trace_flags" => return Some(Value::Object(ours)),
        "latency"
            if number(&section, "threshold_ms") == 0.0
                && number(&section, "upper_threshold_ms") == 0.0 =>
        {
            remarks.push(format!(
                "policy {name:?}: a latency without threshold keeps everything"
            ));
            ours.insert("type".to_owned(), json!("always_sample"));
            return Some(Value::Object(ours));
        }
        "probabilistic" => probabilistic(name, section, remarks),
        "and" => composed(section, "and_sub_policy", remarks)?,
        "drop" => composed(section, "drop_sub_policy", remarks)?,
        "composite" => composite(name, section, remarks)?,
        "not" => {
            let sub = section.get("not_sub_policy").cloned().unwrap_or_default();
            json!({"not_sub_policy": translate(&sub, remarks)?})
        }
        _ => section,
    };
    let (used, unused): (Vec<_>, Vec<_>) = entries(Some(policy))
        .filter(|(key, _)| !["name", "type"].contains(key))
        .partition(|(key, _)| *key == kind);
    if used.is_empty() {
        remarks.push(format!("policy {name:?}: its section `{kind}` is missing"));
    }
    for (key, _) in unused {
        remarks.push(format!(
            "policy {name:?}: `{key}` was left out, its type is {kind}"
        ));
    }
    ours.insert(kind.to_owned(), section);
    Some(Value::Object(ours))
}

fn number(section: &Value, key: &str) -> f64 {
    section.get(key).and_then(Value::as_f64).unwrap_or(0.0)
}

/// The Collector takes any percentage; from 100 on everything is kept, below 0 nothing.
fn probabilistic(name: &str, mut section: Value, remarks: &mut Vec<String>) -> Value {
    let percentage = number(&section, "sampling_percentage");
    if !(0.0..=100.0).contains(&percentage) {
        remarks.push(format!(
            "policy {name:?}: sampling_percentage was {percentage}"
        ));
        section["sampling_percentage"] = json!(percentage.clamp(0.0, 100.0));
    }
    section
}

/// The Collector reads `policy_order` and asks sub-policies in the order in which they stand.
fn composite(name: &str, section: Value, remarks: &mut Vec<String>) -> Option<Value> {
    let mut section = composed(section, "composite_sub_policy", remarks)?;
    let order = items(section.get("policy_order")).to_vec();
    let subs = items(section.get("composite_sub_policy")).iter();
    let names: Vec<_> = subs.filter_map(|sub| sub.get("name").cloned()).collect();
    if order != names {
        if !order.is_empty() {
            remarks.push(format!(
                "policy {name:?}: policy_order was left out; as in the Collector, sub-policies are asked in the order in which they stand"
            ));
        }
        section.as_object_mut()?.remove("policy_order");
    }
    Some(section)
}

/// A policy of policies falls when one of them does: half of a condition would keep other traces.
fn composed(mut section: Value, list: &str, remarks: &mut Vec<String>) -> Option<Value> {
    let subs: Option<Vec<Value>> = items(section.get(list))
        .iter()
        .map(|sub| translate(sub, remarks))
        .collect();
    section[list] = Value::Array(subs?);
    Some(section)
}
