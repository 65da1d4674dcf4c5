//! Processors other than `tail_sampling`: redaction and fixed attributes are enrich's; much else is not needed.

use serde_json::{Value, json};

use super::super::value::{at, entries, items};
use super::super::yaml::{Weight, Yaml};
use super::component::{Component, Reason, is_sampling, kind, leftovers, reasons};

/// What enrich is to do.
#[derive(Default)]
struct Rules {
    delete: Vec<Value>,
    hash: Vec<Value>,
    mask: Vec<Value>,
    resource: serde_json::Map<String, Value>,
    item: serde_json::Map<String, Value>,
}

/// Whether a processor becomes rules of enrich.
pub(super) fn has_rules(id: &str, section: &Value) -> bool {
    let (mut rules, mut unheard) = (Rules::default(), Yaml::map());
    match kind(id) {
        "redaction" => redaction(id, section, &mut rules, &mut unheard),
        "attributes" | "resource" => actions(id, section, &mut rules, &mut unheard),
        _ => return false,
    }
    let lists = [&rules.delete, &rules.hash, &rules.mask];
    let sets = [&rules.resource, &rules.item];
    lists.iter().any(|list| !list.is_empty()) || sets.iter().any(|set| !set.is_empty())
}

pub(super) fn enrich(processors: &[Component]) -> Yaml {
    let (mut rules, mut enrich) = (Rules::default(), Yaml::map());
    for (id, section) in processors.iter().filter(|(id, _)| !is_sampling(id)) {
        match kind(id) {
            "redaction" => redaction(id, section, &mut rules, &mut enrich),
            "attributes" | "resource" => actions(id, section, &mut rules, &mut enrich),
            _ => without_equal(id, &mut enrich),
        }
    }
    let mut redact = Yaml::map();
    redact.set("delete", Value::Array(once(rules.delete)));
    if !rules.hash.is_empty() {
        redact.set(
            "hash",
            json!({"keys": once(rules.hash), "key": "${env:TAILWATER_HASH_KEY}"}),
        );
    }
    redact.set("mask", Value::Array(rules.mask));
    let mut set = Yaml::map();
    set.set("resource", Value::Object(rules.resource));
    set.set("item", Value::Object(rules.item));
    enrich.set("redact", redact);
    enrich.set("set", set);
    enrich
}

fn once(values: Vec<Value>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for value in values {
        if !out.contains(&value) {
            out.push(value);
        }
    }
    out
}

fn without_equal(id: &str, enrich: &mut Yaml) {
    let (weight, why) = match kind(id) {
        "batch" => (
            Weight::Note,
            "not needed: ingest packs records by bytes and time, exporters have `batch`",
        ),
        "memory_limiter" => (
            Weight::Note,
            "not needed: every buffer is bounded, see `ingest.memory_limit` and `sampler.memory_limit`",
        ),
        "groupbytrace" => (Weight::Note, "not needed: a trace is decided whole"),
        "probabilistic_sampler" => (
            Weight::Lost,
            "head sampling before tail sampling; let everything in and use a policy of type probabilistic",
        ),
        "k8sattributes" | "k8s_attributes" | "resourcedetection" => {
            (Weight::Lost, "run it in the agents, before Tailwater")
        }
        "filter" => (
            Weight::Lost,
            "drop whole traces by a policy of type drop; single spans are never dropped here",
        ),
        "transform" => (
            Weight::Lost,
            "not translated; what is deleted, hashed, masked or set can be written under `enrich`",
        ),
        _ => (
            Weight::Lost,
            "no equal here; run it in a Collector before or behind Tailwater",
        ),
    };
    enrich.add_remark(weight, format!("processor {id}: {why}"));
}

const BY_PATTERN: &str =
    "goes by patterns of keys; name the keys under `delete`, or the text under `mask`";
const REDACTION: &[Reason] = &[
    ("blocked_key_patterns", Weight::Lost, BY_PATTERN),
    ("allowed_values", Weight::Lost, BY_PATTERN),
    ("ignored_key_patterns", Weight::Lost, BY_PATTERN),
    (
        "hash_function",
        Weight::Changed,
        "matched text was hashed without a key, which is undone by trying; here it is masked",
    ),
    (
        "summary",
        Weight::Note,
        "what was redacted is counted by rule in metrics",
    ),
];

fn redaction(id: &str, section: &Value, rules: &mut Rules, enrich: &mut Yaml) {
    for (at, pattern) in items(section.get("blocked_values")).iter().enumerate() {
        rules
            .mask
            .push(json!({"name": format!("{}-{at}", id.replace('/', "-")), "pattern": pattern, "with": "****"}));
    }
    let of = format!("processor {id}");
    let mut known = reasons(&of, section, REDACTION, enrich);
    let allowed = items(section.get("allowed_keys"));
    if section.get("allow_all_keys").and_then(Value::as_bool) != Some(true) {
        enrich.lost(format!(
            "{of}: it lets only `allowed_keys` pass; here attributes pass unless they are named under `delete` or `hash`"
        ));
    } else if !allowed.is_empty() {
        enrich.remark(format!(
            "{of}: `allowed_keys` was left out, all keys are allowed"
        ));
    }
    known.extend([
        "blocked_values",
        "allow_all_keys",
        "allowed_keys",
        "ignored_keys",
    ]);
    leftovers(&of, section, &known, enrich);
    if !items(section.get("ignored_keys")).is_empty() {
        enrich.lost(format!(
            "{of}: `ignored_keys` has no equal, patterns apply everywhere"
        ));
    }
}

/// `attributes` works on items, `resource` on resources.
fn actions(id: &str, section: &Value, rules: &mut Rules, enrich: &mut Yaml) {
    let of = format!("processor {id}");
    let list = match section.get("actions") {
        Some(list) => items(Some(list)),
        None => items(section.get("attributes")),
    };
    let mut wider = Vec::new();
    for action in list {
        let text = |key: &str| action.get(key).and_then(Value::as_str);
        let (Some(key), Some(what)) = (text("key"), text("action")) else {
            enrich.lost(format!("{of}: not understood: {action}"));
            continue;
        };
        match (what.to_ascii_lowercase().as_str(), action.get("value")) {
            ("delete", _) => {
                rules.delete.push(json!(key));
                wider.push(key);
            }
            ("hash", _) => {
                rules.hash.push(json!(key));
                wider.push(key);
            }
            ("upsert", Some(value)) if !value.is_null() => {
                let set = match kind(id) {
                    "resource" => &mut rules.resource,
                    _ => &mut rules.item,
                };
                set.insert(key.to_owned(), value.clone());
            }
            _ => enrich.lost(format!(
                "{of}: action {what} on {key} has no equal; `set` replaces or adds a fixed value: {action}"
            )),
        }
    }
    if !wider.is_empty() {
        let there = match kind(id) {
            "resource" => "of resources",
            _ => "of spans, log records and data points",
        };
        enrich.changed(format!(
            "{of}: {} {there} there; here wherever attributes stand: resources, scopes, events and links too",
            wider.join(", ")
        ));
    }
    for key in ["include", "exclude"] {
        if section.get(key).is_some() {
            enrich.lost(format!(
                "{of}: `{key}` has no equal, rules apply to everything"
            ));
        }
    }
    let known = ["actions", "attributes", "include", "exclude"];
    leftovers(&of, section, &known, enrich);
}

/// Policies that ask for attributes which were changed before sampling, there.
pub(super) fn asked_after(before: &[&str], from: &Value, sampling: &Value, enrich: &mut Yaml) {
    let policies = sampling.get("policies").unwrap_or(&Value::Null);
    for id in before {
        let section = at(from, &["processors", id]).unwrap_or(&Value::Null);
        if !has_rules(id, section) {
            continue;
        }
        let list = items(section.get("actions").or_else(|| section.get("attributes")));
        for key in list.iter().filter_map(|action| action.get("key")?.as_str()) {
            if mentions(policies, key) {
                enrich.lost(format!(
                    "processor {id}: it changes {key} before policies ask for it; here they see it as it came"
                ));
            }
        }
        if !items(section.get("blocked_values")).is_empty() {
            enrich.changed(format!(
                "processor {id}: it masks values before policies ask for them; here they see them as they came"
            ));
        }
    }
}

fn mentions(value: &Value, key: &str) -> bool {
    match value {
        Value::String(text) => text == key || text.contains(&format!("\"{key}\"")),
        Value::Array(items) => items.iter().any(|item| mentions(item, key)),
        Value::Object(_) => entries(Some(value)).any(|(_, value)| mentions(value, key)),
        _ => false,
    }
}
