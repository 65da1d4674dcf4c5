//! From Honeycomb's Refinery: a rules file of version 2, the sampler of one environment.
//!
//! In Refinery the first rule that matches decides; here any policy that matches keeps, and `drop` wins. So each rule becomes a
//! policy that also asks that no earlier rule matched. Source: `rules.md` and `sample/rules.go` of Refinery 3.

mod condition;
mod sampler;

use serde_json::{Value, json};

use self::condition::{Rule, Scope};
use super::yaml::Yaml;
use super::{entries, items};

/// # Errors
/// It is not a rules file of version 2, or has no such environment.
pub(super) fn import(from: &Value, environment: &str) -> Result<Yaml, String> {
    let Some(samplers) = from.get("Samplers") else {
        return Err(
            "there are no `Samplers` in it: this reads Refinery's rules file, version 2".to_owned(),
        );
    };
    let names: Vec<&str> = entries(Some(samplers)).map(|(name, _)| name).collect();
    let Some(chosen) = samplers.get(environment) else {
        return Err(format!(
            "it has no environment {environment:?}; there are: {}",
            names.join(", ")
        ));
    };
    let mut list = Yaml::List(Vec::new());
    for name in names.iter().filter(|name| **name != environment) {
        list.remark(format!(
            "environment {name}: not translated; --environment {name} does, for samplers of its own on a bus of its own"
        ));
    }
    match chosen.get("RulesBasedSampler") {
        Some(rules) => by_rules(rules, &mut list),
        None => {
            let policy = sampler::policy(environment.trim_matches('_'), chosen, &mut list);
            list.push(policy);
        }
    }
    let mut section = Yaml::map();
    section.remark("Refinery decides SendDelay (2s) after the root, or TraceTimeout (60s) after the first span");
    section.set("decision_wait", "60s");
    section.set("decision_wait_after_root_received", "2s");
    section.set("policies", list);
    let mut ours = Yaml::map();
    ours.set("sampler", section);
    Ok(ours)
}

fn by_rules(section: &Value, list: &mut Yaml) {
    if section.get("CheckNestedFields").and_then(Value::as_bool) == Some(true) {
        list.remark("CheckNestedFields: no equal; OTTL looks into nested values by paths such as attributes[\"a\"][\"b\"]");
    }
    let mut earlier: Vec<Value> = Vec::new();
    let mut every_trace_met_one = false;
    for (index, raw) in items(section.get("Rules")).iter().enumerate() {
        let name = raw
            .get("Name")
            .and_then(Value::as_str)
            .map_or_else(|| format!("rule {}", index + 1), str::to_owned);
        if every_trace_met_one {
            list.remark(format!(
                "rule {name:?}: never reached, a rule before it has no conditions"
            ));
            continue;
        }
        let rule = Rule::read(raw);
        for remark in &rule.remarks {
            list.remark(format!("rule {name:?}: {remark}"));
        }
        let matches = matching(&name, &rule);
        let asked: Vec<Value> = earlier.iter().cloned().chain(matches.clone()).collect();
        add(&name, raw, asked, list);
        every_trace_met_one = matches.is_empty();
        earlier.push(not(&name, matches));
    }
    if !every_trace_met_one {
        list.remark("Refinery keeps what no rule matches");
        list.push(composed("no rule matched", "and", earlier));
    }
}

/// What a rule comes to, given the sub-policies that say that it is the one.
fn add(name: &str, raw: &Value, mut asked: Vec<Value>, list: &mut Yaml) {
    if raw.get("Drop").and_then(Value::as_bool) == Some(true) && raw.get("Sampler").is_none() {
        if asked.is_empty() {
            asked.push(json!({"name": "all", "type": "always_sample"}));
        }
        list.push(composed(name, "drop", asked));
        return;
    }
    let rate = match raw.get("Sampler") {
        Some(of) => Some(sampler::policy("rate", of, list)),
        None => sampler::one_in("rate", raw.get("SampleRate")),
    };
    match (rate, asked.len()) {
        (Some(Value::Object(mut rate)), 0) => {
            rate.insert("name".to_owned(), json!(name));
            list.push(Value::Object(rate));
        }
        (rate, _) => {
            asked.extend(rate);
            if asked.is_empty() {
                list.push(json!({"name": name, "type": "always_sample"}));
            } else {
                list.push(composed(name, "and", asked));
            }
        }
    }
}

/// The sub-policies that hold together when a rule matches; none when it has no conditions.
fn matching(name: &str, rule: &Rule) -> Vec<Value> {
    let section = |scope: &str, of: &str, conditions: &[String]| {
        json!({"name": format!("{name}, {of}"), "type": "condition",
            "condition": {"scope": scope, "conditions": conditions}})
    };
    let scope = match rule.scope {
        Scope::Trace => "trace",
        Scope::Span => "span",
    };
    let mut all = Vec::new();
    if !rule.on_spans.is_empty() {
        all.push(section(scope, "spans", &rule.on_spans));
    }
    if !rule.on_root.is_empty() {
        all.push(section("root", "root", &rule.on_root));
    }
    if !rule.on_trace.is_empty() {
        all.push(section("trace", "whole trace", &rule.on_trace));
    }
    all
}

/// That a rule doesn't match.
fn not(name: &str, matches: Vec<Value>) -> Value {
    let inner = match <[Value; 1]>::try_from(matches) {
        Ok([one]) => one,
        Err(several) => composed(&format!("{name}, all"), "and", several),
    };
    json!({"name": format!("not {name}"), "type": "not", "not": {"not_sub_policy": inner}})
}

fn composed(name: &str, kind: &str, subs: Vec<Value>) -> Value {
    json!({"name": name, "type": kind, kind: {format!("{kind}_sub_policy"): subs}})
}

#[cfg(test)]
mod tests;
