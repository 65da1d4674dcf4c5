//! Policies: ours have the Collector's names and fields, so most are taken as they are. What the Collector takes in silence and we
//! refuse (thresholds of nothing, percentages beyond a hundred) is written as what it comes to.

use serde_json::{Map, Value, json};

use super::super::value::{entries, items};
use super::super::yaml::Yaml;
use sampler::policy::RawPolicy;

/// Adds a policy to the list, after remarks on what could not be taken over.
pub(super) fn add(policy: &Value, at: usize, list: &mut Yaml) {
    let mut remarks = Vec::new();
    let translated = translate(policy, at, &mut remarks);
    if translated.is_none() {
        let named = policy.get("name").and_then(Value::as_str).unwrap_or("");
        let why = remarks.pop().unwrap_or_default();
        let within = match why.starts_with(&format!("policy {named:?}")) {
            true => String::new(),
            false => format!("policy {named:?}: of its parts "),
        };
        list.lost(format!("{within}{why}; as it was:\n  {policy}"));
    }
    for remark in remarks {
        list.remark(remark);
    }
    if let Some(policy) = translated {
        list.push(policy);
    }
}

fn translate(policy: &Value, at: usize, remarks: &mut Vec<String>) -> Option<Value> {
    let text = |key: &str| policy.get(key).and_then(Value::as_str).unwrap_or("");
    let (name, kind) = (text("name"), text("type"));
    if !RawPolicy::KINDS.contains(&kind) {
        remarks.push(format!(
            "policy {name:?} is of type {kind:?}, which has no equal here"
        ));
        return None;
    }
    let mut ours = Map::new();
    let made_up = format!("{kind} {}", at + 1);
    let name = match name.trim() {
        "" => {
            remarks.push(format!("policy {made_up:?}: it had no name"));
            made_up.as_str()
        }
        _ => name,
    };
    ours.insert("name".to_owned(), json!(name));
    ours.insert("type".to_owned(), json!(kind));
    let unused = entries(Some(policy)).filter(|(key, _)| !["name", "type", kind].contains(key));
    for (key, _) in unused {
        remarks.push(format!(
            "policy {name:?}: `{key}` was left out, its type is {kind}"
        ));
    }
    let section = policy
        .get(kind)
        .filter(|section| !section.is_null())
        .cloned()
        .unwrap_or_else(|| json!({}));
    let section = match kind {
        "always_sample" | "trace_flags" => return Some(Value::Object(ours)),
        "latency"
            if is_nothing(&section, "threshold_ms")
                && is_nothing(&section, "upper_threshold_ms") =>
        {
            remarks.push(format!(
                "policy {name:?}: a latency without threshold keeps every trace but those that end before they begin; here every trace"
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
            json!({"not_sub_policy": translate(&sub, 0, remarks)?})
        }
        _ => section,
    };
    if policy.get(kind).is_none() {
        remarks.push(format!("policy {name:?}: its section `{kind}` is missing"));
    }
    ours.insert(kind.to_owned(), section);
    Some(Value::Object(ours))
}

/// What refers to the environment is something.
fn is_nothing(section: &Value, key: &str) -> bool {
    section
        .get(key)
        .is_none_or(|value| value.is_null() || value.as_f64() == Some(0.0))
}

/// The Collector takes any percentage; from 100 on everything is kept, below 0 nothing.
fn probabilistic(name: &str, mut section: Value, remarks: &mut Vec<String>) -> Value {
    let percentage = match section.get("sampling_percentage").map(Value::as_f64) {
        Some(Some(percentage)) => percentage,
        _ => return section,
    };
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
        .enumerate()
        .map(|(at, sub)| translate(sub, at, remarks))
        .collect();
    section[list] = Value::Array(subs?);
    Some(section)
}
