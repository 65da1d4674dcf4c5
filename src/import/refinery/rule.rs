//! A rule of Refinery: the sub-policies that hold together when it matches a trace.

use serde_json::{Value, json};

use super::super::value::{entries, items};
use super::condition::{self, Alternative, Condition};

/// When a rule matches.
#[derive(Debug, PartialEq)]
pub(super) enum Matching {
    Always,
    /// With the reason.
    Never(String),
    /// All of these sub-policies hold.
    All(Vec<Value>),
    /// Tailwater can't say when.
    Unknown(String),
}

pub(super) struct Rule {
    pub(super) matching: Matching,
    /// Keys that don't matter.
    pub(super) notes: Vec<String>,
    /// What means something else here in some cases.
    pub(super) changes: Vec<String>,
}

const KEYS: [&str; 6] = [
    "Name",
    "SampleRate",
    "Drop",
    "Scope",
    "Conditions",
    "Sampler",
];

impl Rule {
    pub(super) fn read(name: &str, raw: &Value) -> Self {
        let (mut notes, mut changes): (Vec<String>, _) = (Vec::new(), Vec::new());
        for (key, _) in entries(Some(raw)).filter(|(key, _)| !KEYS.contains(key)) {
            notes.push(format!(
                "`{key}` was left out, Refinery has no such key in rules"
            ));
        }
        let scope = raw.get("Scope").and_then(Value::as_str).unwrap_or("");
        let within_span = scope == "span";
        if !["", "trace", "span"].contains(&scope) {
            changes.push(format!(
                "with the unknown scope {scope:?} it matches every trace, as in Refinery"
            ));
            return Self {
                matching: Matching::Always,
                notes,
                changes,
            };
        }
        let mut found = Vec::new();
        for raw in conditions(raw) {
            match condition::read(raw, within_span) {
                Err(reason) => {
                    return Self {
                        matching: Matching::Unknown(reason),
                        notes,
                        changes,
                    };
                }
                Ok(read) => {
                    notes.extend(read.notes);
                    changes.extend(read.changes);
                    found.push(read.condition);
                }
            }
        }
        Self {
            matching: together(name, found, within_span),
            notes,
            changes,
        }
    }
}

/// A list, or a single condition without one.
fn conditions(raw: &Value) -> Vec<&Value> {
    match raw.get("Conditions") {
        Some(one @ Value::Object(_)) => vec![one],
        listed => items(listed).iter().collect(),
    }
}

fn together(name: &str, found: Vec<Condition>, within_span: bool) -> Matching {
    let mut asked = Vec::new();
    for condition in found {
        match condition {
            Condition::Always => {}
            Condition::Never(reason) => return Matching::Never(reason),
            Condition::Any(alternatives) => asked.push(alternatives),
        }
    }
    let asked = match within_span {
        true => on_one_span(asked),
        false => each_on_its_own(asked),
    };
    let scope = if within_span { "span" } else { "trace" };
    let several = asked.len() > 1;
    let subs = asked.into_iter().enumerate().map(|(index, alternatives)| {
        let name = match several {
            true => format!("{name}, {}", index + 1),
            false => format!("{name}, conditions"),
        };
        any(&name, scope, alternatives)
    });
    match subs.collect::<Vec<_>>() {
        none if none.is_empty() => Matching::Always,
        subs => Matching::All(subs),
    }
}

/// Conditions that have no alternatives are one; the others stand for themselves.
fn each_on_its_own(asked: Vec<Vec<Alternative>>) -> Vec<Vec<Alternative>> {
    let mut plain = Alternative::default();
    let mut out = Vec::new();
    for mut alternatives in asked {
        match alternatives.len() {
            1 => {
                let Alternative {
                    on_span, on_trace, ..
                } = alternatives.remove(0);
                plain.on_span.extend(on_span);
                plain.on_trace.extend(on_trace);
            }
            // All of an alternative concerns one span.
            _ => out.push(alternatives.into_iter().map(joined).collect()),
        }
    }
    if plain != Alternative::default() {
        out.insert(0, vec![plain]);
    }
    out
}

fn joined(alternative: Alternative) -> Alternative {
    let on_span: Vec<_> = alternative
        .on_span
        .iter()
        .map(|part| format!("({part})"))
        .collect();
    Alternative {
        on_span: match alternative.on_span.len() {
            0 | 1 => alternative.on_span,
            _ => vec![on_span.join(" and ")],
        },
        on_trace: alternative.on_trace,
        on_event: alternative.on_event,
    }
}

/// Each choice of alternatives has to hold on a single span.
fn on_one_span(asked: Vec<Vec<Alternative>>) -> Vec<Vec<Alternative>> {
    if asked.is_empty() {
        return Vec::new();
    }
    let mut choices = vec![Alternative::default()];
    for alternatives in asked {
        choices = choices
            .iter()
            .flat_map(|so_far| {
                alternatives.iter().map(|one| {
                    let mut both = so_far.clone();
                    both.on_span.extend(one.on_span.iter().cloned());
                    both.on_trace.extend(one.on_trace.iter().cloned());
                    both
                })
            })
            .collect();
    }
    vec![choices]
}

fn any(name: &str, scope: &str, alternatives: Vec<Alternative>) -> Value {
    let section = |name: String, of: Alternative| {
        if let Some(event) = of.on_event {
            return json!({"name": name, "type": "ottl_condition", "ottl_condition": {"spanevent": [event]}});
        }
        let conditions: Vec<String> = of.on_span.into_iter().chain(of.on_trace).collect();
        json!({"name": name, "type": "condition",
            "condition": {"scope": scope, "conditions": conditions}})
    };
    if alternatives.len() == 1 {
        let one = alternatives.into_iter().next().unwrap_or_default();
        return section(name.to_owned(), one);
    }
    let none: Vec<Value> = alternatives
        .into_iter()
        .enumerate()
        .map(|(index, one)| not(section(format!("{name}, way {}", index + 1), one)))
        .collect();
    let none =
        json!({"name": format!("{name}, no way"), "type": "and", "and": {"and_sub_policy": none}});
    json!({"name": name, "type": "not", "not": {"not_sub_policy": none}})
}

/// That a sub-policy doesn't hold.
pub(super) fn not(inner: Value) -> Value {
    let name = inner.get("name").and_then(Value::as_str).unwrap_or("");
    json!({"name": format!("not {name}"), "type": "not", "not": {"not_sub_policy": inner}})
}
