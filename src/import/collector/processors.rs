//! Processors other than `tail_sampling`: redaction and fixed attributes are enrich's; much else is not needed.

use serde_json::{Value, json};

use super::super::yaml::Yaml;
use super::super::{entries, items};
use super::{Component, is_sampling, kind, leftovers};

/// What enrich is told.
#[derive(Default)]
struct Rules {
    delete: Vec<Value>,
    hash: Vec<Value>,
    mask: Vec<Value>,
    resource: serde_json::Map<String, Value>,
    item: serde_json::Map<String, Value>,
}

pub(super) fn enrich(processors: &[Component]) -> Yaml {
    let (mut rules, mut enrich) = (Rules::default(), Yaml::map());
    for (id, section) in processors.iter().filter(|(id, _)| !is_sampling(id)) {
        match kind(id) {
            "redaction" => redaction(id, section, &mut rules, &mut enrich),
            "attributes" | "resource" => actions(id, section, &mut rules, &mut enrich),
            _ => enrich.remark(without_equal(id)),
        }
    }
    let mut redact = Yaml::map();
    redact.set("delete", Value::Array(rules.delete));
    if !rules.hash.is_empty() {
        redact.set(
            "hash",
            json!({"keys": rules.hash, "key": "${env:TAILWATER_HASH_KEY}"}),
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

fn without_equal(id: &str) -> String {
    let why = match kind(id) {
        "batch" => "not needed: ingest packs records by bytes and time, exporters have `batch`",
        "memory_limiter" => {
            "not needed: every buffer is bounded, see `ingest.memory_limit` and `sampler.memory_limit`"
        }
        "groupbytrace" => "not needed: a trace is decided whole",
        "probabilistic_sampler" => {
            "head sampling before tail sampling; let everything in and use a policy of type probabilistic"
        }
        "k8sattributes" | "resourcedetection" => "run it in the agents, before Tailwater",
        "filter" => {
            "drop whole traces by a policy of type drop; single spans are never dropped here"
        }
        "transform" => {
            "not translated; what is deleted, hashed, masked or set can be written under `enrich`"
        }
        _ => "no equal here; run it in a Collector before or behind Tailwater",
    };
    format!("processor {id}: {why}")
}

fn redaction(id: &str, section: &Value, rules: &mut Rules, enrich: &mut Yaml) {
    for (at, pattern) in items(section.get("blocked_values")).iter().enumerate() {
        rules
            .mask
            .push(json!({"name": format!("{}-{at}", id.replace('/', "-")), "pattern": pattern, "with": "****"}));
    }
    if section.get("allow_all_keys").and_then(Value::as_bool) != Some(true) {
        enrich.remark(format!(
            "processor {id}: it lets only `allowed_keys` pass; here attributes pass unless they are named under `delete` or `hash`"
        ));
    }
    for key in [
        "blocked_key_patterns",
        "allowed_values",
        "ignored_key_patterns",
    ] {
        if section.get(key).is_some() {
            enrich.remark(format!(
                "processor {id}: `{key}` goes by patterns of keys; name the keys under `delete`, or the text under `mask`"
            ));
        }
    }
    if section.get("hash_function").is_some() {
        enrich.remark(format!(
            "processor {id}: matched text was hashed without a key, which is undone by trying; here it is masked"
        ));
    }
    let known = [
        "blocked_values",
        "allow_all_keys",
        "allowed_keys",
        "blocked_key_patterns",
        "allowed_values",
        "ignored_key_patterns",
        "hash_function",
        "summary",
        "ignored_keys",
    ];
    leftovers(&format!("processor {id}"), section, &known, enrich);
    if !items(section.get("ignored_keys")).is_empty() {
        enrich.remark(format!(
            "processor {id}: `ignored_keys` has no equal, patterns apply everywhere"
        ));
    }
}

/// `attributes` works on items, `resource` on resources.
fn actions(id: &str, section: &Value, rules: &mut Rules, enrich: &mut Yaml) {
    let list = match section.get("actions") {
        Some(list) => items(Some(list)),
        None => items(section.get("attributes")),
    };
    for action in list {
        let text = |key: &str| action.get(key).and_then(Value::as_str);
        let (Some(key), Some(what)) = (text("key"), text("action")) else {
            enrich.remark(format!("processor {id}: not understood: {action}"));
            continue;
        };
        match (what, action.get("value")) {
            ("delete", _) => rules.delete.push(json!(key)),
            ("hash", _) => rules.hash.push(json!(key)),
            ("upsert", Some(value)) => {
                let set = match kind(id) {
                    "resource" => &mut rules.resource,
                    _ => &mut rules.item,
                };
                set.insert(key.to_owned(), value.clone());
            }
            _ => enrich.remark(format!(
                "processor {id}: action {what} on {key} has no equal; `set` replaces or adds a fixed value"
            )),
        }
    }
    for (key, _) in entries(Some(section)).filter(|(key, _)| ["include", "exclude"].contains(key)) {
        enrich.remark(format!(
            "processor {id}: `{key}` has no equal, rules apply to everything"
        ));
    }
}
