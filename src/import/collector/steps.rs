//! Processors that become steps of enrich: `transform`, `filter`, `attributes`, `resource`, `schema`, `lookup` and `k8sattributes`, under their ids, and `geoip`.
//!
//! Each text and action is held against our own reading of it. What we can't do is left out, and said.

mod semconv;
mod tables;
mod tried;

use serde_json::{Map, Value, json};

use super::super::value::items;
use super::super::yaml::Weight;
use super::super::yaml::Yaml;
use super::component::{Component, Reason, kind, leftovers, reasons};
use super::k8s;
pub(super) use tried::tried;

/// The lists of each kind, with the signal that each is of; `None`: of all.
type Lists = &'static [(&'static str, Option<&'static str>)];

/// Whether a processor becomes a step.
pub(super) fn is_step(id: &str) -> bool {
    lists(id).is_some() || k8s::is_it(id)
}

/// Whether the step that a processor becomes does something to a signal.
pub(super) fn concerns(id: &str, section: &Value, signal: &str) -> bool {
    if k8s::is_it(id) {
        return true;
    }
    let mut lists = lists(id).unwrap_or_default().iter();
    lists.any(|(key, of)| {
        of.is_none_or(|of| of == signal) && section.get(key).is_some_and(is_something)
    })
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => map.values().any(is_something),
        Value::Null => false,
        _ => true,
    }
}

fn lists(id: &str) -> Option<Lists> {
    Some(match kind(id) {
        "transform" => &[
            ("trace_statements", Some("traces")),
            ("log_statements", Some("logs")),
            ("metric_statements", Some("metrics")),
        ],
        "filter" => &[
            ("trace_conditions", Some("traces")),
            ("log_conditions", Some("logs")),
            ("metric_conditions", Some("metrics")),
            ("traces", Some("traces")),
            ("logs", Some("logs")),
            ("metrics", Some("metrics")),
        ],
        "attributes" => &[("actions", None)],
        "resource" => &[("attributes", None)],
        "schema" => &[("targets", None)],
        "lookup" => &[("lookups", Some("logs"))],
        "geoip" => &[("providers", None)],
        _ => return None,
    })
}

const ODD: &[Reason] = &[
    (
        "include",
        Weight::Lost,
        "has no equal, the step applies to everything; `transform` with `where` can say the same",
    ),
    (
        "exclude",
        Weight::Lost,
        "has no equal, the step applies to everything; `transform` with `where not (…)` can say the same",
    ),
    (
        "spans",
        Weight::Lost,
        "the oldest form of conditions; write it as `trace_conditions`",
    ),
    (
        "profile_statements",
        Weight::Lost,
        "Tailwater has traces, logs and metrics",
    ),
    (
        "profile_conditions",
        Weight::Lost,
        "Tailwater has traces, logs and metrics",
    ),
    (
        "profiles",
        Weight::Lost,
        "Tailwater has traces, logs and metrics",
    ),
    (
        "flatten_data",
        Weight::Lost,
        "not needed for what an item writes to its resource: that is for it alone",
    ),
];

/// The list of steps, in the order of the pipelines; `signals` says which of them a processor is used for.
pub(super) fn steps<'v>(
    processors: &[Component<'v>],
    signals: impl Fn(&str) -> Vec<&'static str>,
    enrich: &mut Yaml,
) -> Vec<Value> {
    let mut steps = Vec::new();
    let mut known: Vec<(&str, &Value)> = Vec::new();
    for (id, section) in processors.iter().filter(|(id, _)| is_step(id)) {
        let alike =
            |(other, written): &(&str, &Value)| kind(other) == kind(id) && *written == *section;
        // Written alike for pipelines of several signals, as they have to be there.
        if kind(id) != "filter" && kind(id) != "transform" && known.iter().any(alike) {
            continue;
        }
        known.push((*id, *section));
        if k8s::is_it(id) {
            let step = k8s::step(id, section, enrich);
            steps.extend(step.map(|(id, step)| json!({ id: step })));
            continue;
        }
        let step = match kind(id) {
            "schema" => semconv::schema(id, section, enrich),
            "lookup" => tables::lookup(id, section, enrich),
            "geoip" => tables::geoip(id, section, enrich),
            _ => step(id, section, &signals(id), enrich),
        };
        if !step.is_empty() {
            steps.push(json!({ step_id(id): step }));
        }
    }
    steps
}

/// A database of places is a table as others are.
fn step_id(id: &str) -> String {
    match kind(id) {
        "geoip" => format!("lookup/{}", id.replace('/', "-")),
        _ => id.to_owned(),
    }
}

fn step(id: &str, section: &Value, signals: &[&str], enrich: &mut Yaml) -> Map<String, Value> {
    let of = format!("processor {id}");
    let mut out = Map::new();
    if let Some(mode) = section.get("error_mode") {
        out.insert("error_mode".to_owned(), mode.clone());
        if mode == "propagate" {
            enrich.changed(format!(
                "{of}: a failure lost the whole payload there; here the item alone goes to the dead letters"
            ));
        }
    }
    let modes = out.len();
    let mut known = reasons(&of, section, ODD, enrich);
    known.push("error_mode");
    for (key, signal) in lists(id).unwrap_or_default() {
        known.push(key);
        let Some(written) = section.get(*key).filter(|written| is_something(written)) else {
            continue;
        };
        if signal.is_some_and(|signal| !signals.contains(&signal)) {
            enrich.remark(format!(
                "{of}: `{key}` is in no pipeline of that signal there"
            ));
            continue;
        }
        let sound = match written {
            Value::Object(parts) => {
                let part = |(name, list): (&String, &Value)| {
                    let nested = |element: &Value| json!({ *key: { name: [element] } });
                    let list = sound(id, &format!("{key}.{name}"), list, nested, enrich);
                    (!list.is_empty()).then(|| (name.clone(), Value::Array(list)))
                };
                Value::Object(parts.iter().filter_map(part).collect())
            }
            list => Value::Array(sound(
                id,
                key,
                list,
                |element| json!({ *key: [element] }),
                enrich,
            )),
        };
        if is_something(&sound) {
            out.insert((*key).to_owned(), sound);
        }
    }
    leftovers(&of, section, &known, enrich);
    if kind(id) == "attributes" || kind(id) == "resource" {
        hashes(&of, &out, enrich);
    }
    match out.len() > modes {
        true => out,
        false => Map::new(),
    }
}

/// The elements of a list that we can do; `alone` writes one into a section.
fn sound(
    id: &str,
    key: &str,
    list: &Value,
    alone: impl Fn(&Value) -> Value,
    enrich: &mut Yaml,
) -> Vec<Value> {
    let mut out = Vec::new();
    for element in items(Some(list)) {
        match tried(id, &alone(element)) {
            Ok(()) => out.push(element.clone()),
            Err(why) => enrich.lost(format!("processor {id}, `{key}`: {why}: {element}")),
        }
    }
    out
}

fn hashes(of: &str, step: &Map<String, Value>, enrich: &mut Yaml) {
    let actions = step.values().flat_map(|list| items(Some(list)));
    let hashes = |action: &Value| {
        action["action"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("hash"))
    };
    if actions.into_iter().any(hashes) {
        enrich.changed(format!(
            "{of}: hashed without a key there, which is undone by trying; here with `redact.hash.key`, so hashes differ"
        ));
    }
}

/// Whether some action hashes, for which a key is needed.
pub(super) fn hash(steps: &[Value]) -> bool {
    let sections = steps
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::values);
    let actions = sections.filter_map(Value::as_object).flat_map(Map::values);
    let mut actions = actions.flat_map(|list| items(Some(list)));
    actions.any(|action| {
        action["action"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("hash"))
    })
}

/// The attributes that a step sets or removes, as far as that can be told.
pub(super) fn changed(section: &Value) -> Vec<&str> {
    let list = items(section.get("actions").or_else(|| section.get("attributes")));
    list.iter()
        .filter_map(|action| action.get("key")?.as_str())
        .collect()
}
