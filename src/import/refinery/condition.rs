//! Refinery's conditions in OTTL.
//!
//! A condition looks at the first of its fields that a span has. Where these are of the span and of the root in turn, no single OTTL
//! condition says that: it becomes alternatives.

use serde_json::Value;

use super::super::value::{entries, items};
use super::field::{Computed, Origin, Place, Source, sources};
use super::operand;
use super::ottl::{self, Type};
use super::test::{Known, Test};

/// A condition, as far as it can be said before any span is seen.
#[derive(Debug, PartialEq)]
pub(super) enum Condition {
    Always,
    /// With the reason.
    Never(String),
    /// One of these holds.
    Any(Vec<Alternative>),
}

/// All of it holds: what speaks of one span on the same span.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Alternative {
    pub(super) on_span: Vec<String>,
    pub(super) on_trace: Vec<String>,
    /// Instead of the others: on some event of a span.
    pub(super) on_event: Option<String>,
}

/// What is read of a rule's condition.
pub(super) struct Read {
    pub(super) condition: Condition,
    pub(super) notes: Vec<String>,
    pub(super) changes: Vec<String>,
}

/// # Errors
/// What Tailwater can't say.
pub(super) fn read(raw: &Value, within_span: bool) -> Result<Read, String> {
    let mut notes: Vec<String> = unknown_keys(raw).collect();
    let text = |key: &str| raw.get(key).and_then(Value::as_str);
    let value = raw.get("Value").unwrap_or(&Value::Null);
    let operator = text("Operator").unwrap_or("");
    let mut changes = Vec::new();
    if operator == "has-root-span" {
        let condition = rooted(value, within_span);
        return Ok(Read {
            condition,
            notes,
            changes,
        });
    }
    let fields = fields(raw);
    let condition = match Test::read(operator, value, text("Datatype"), &mut notes) {
        Err(reason) => Condition::Never(reason),
        Ok(test) => {
            let mut found = Vec::new();
            for field in &fields {
                found.extend(sources(field).map_err(|reason| format!("{field}: {reason}"))?);
            }
            let condition = combine(&test, &merged(found));
            match fields.as_slice() {
                [one] if !within_span => or_on_an_event(condition, &test, one),
                _ => condition,
            }
        }
    };
    for field in &fields {
        changes.extend(otherwise(field, within_span || fields.len() > 1));
    }
    Ok(Read {
        condition,
        notes,
        changes,
    })
}

/// What a field means here in some cases only.
fn otherwise(field: &str, on_spans_alone: bool) -> Option<String> {
    match field {
        "?.NUM_DESCENDANTS" | "meta.event_count" => Some(format!(
            "{field} counts span events and links too; here it is the number of spans"
        )),
        "meta.span_count" => Some(
            "meta.span_count is there in Refinery only when another Refinery set it; here it is the number of spans"
                .to_owned(),
        ),
        _ if on_spans_alone && is_of_exceptions(field) => Some(format!(
            "{field} is looked up on spans; Refinery copies it from a span's exception event too"
        )),
        _ => None,
    }
}

/// What Refinery copies from the event of an exception to its span.
fn is_of_exceptions(field: &str) -> bool {
    field.starts_with("exception.")
}

/// A trace-wide condition on an exception holds on its event as well.
fn or_on_an_event(condition: Condition, test: &Test, field: &str) -> Condition {
    let attribute = format!("spanevent.attributes[{}]", operand::quoted(field));
    let asked = ottl::condition(test, &attribute, Type::Any);
    match (condition, asked) {
        (Condition::Any(mut alternatives), Some(asked)) if is_of_exceptions(field) => {
            alternatives.push(Alternative {
                on_event: Some(asked),
                ..Alternative::default()
            });
            Condition::Any(alternatives)
        }
        (condition, _) => condition,
    }
}

/// `Field`, or else `Fields`.
pub(super) fn fields(raw: &Value) -> Vec<&str> {
    match raw.get("Field").and_then(Value::as_str) {
        Some(field) if !field.is_empty() => vec![field],
        _ => match raw.get("Fields") {
            Some(Value::String(field)) => vec![field],
            listed => items(listed).iter().filter_map(Value::as_str).collect(),
        },
    }
}

fn unknown_keys(raw: &Value) -> impl Iterator<Item = String> {
    let known = ["Field", "Fields", "Operator", "Value", "Datatype"];
    entries(Some(raw))
        .filter(move |(key, _)| !known.contains(key))
        .map(|(key, _)| format!("`{key}` was left out, Refinery has no such key in conditions"))
}

fn rooted(value: &Value, within_span: bool) -> Condition {
    if within_span {
        return Condition::Never("has-root-span holds on no span".to_owned());
    }
    Condition::Any(vec![Alternative {
        on_trace: vec![format!("trace.has_root == {}", operand::truth(value))],
        ..Alternative::default()
    }])
}

/// Paths of the same place that follow one another are one source.
fn merged(sources: Vec<Source>) -> Vec<Source> {
    let mut out: Vec<Source> = Vec::new();
    for source in sources {
        match (out.last_mut(), &source) {
            (
                Some(Source {
                    place,
                    origin: Origin::Paths(paths),
                }),
                Source {
                    place: other,
                    origin: Origin::Paths(more),
                },
            ) if place == other => paths.extend(more.iter().cloned()),
            _ => out.push(source),
        }
    }
    out
}

/// The first source that has a value is the one that counts.
fn combine(test: &Test, sources: &[Source]) -> Condition {
    let mut found: Vec<Vec<(Place, String)>> = Vec::new();
    let mut nowhere_before: Vec<(Place, String)> = Vec::new();
    let mut may_be_missing = true;
    for Source { place, origin } in sources {
        let here = match origin {
            Origin::Paths(paths) => {
                ottl::condition(test, &first_of(paths), Type::Any).map(|asked| vec![asked])
            }
            Origin::Computed { there, value } => {
                passed(test, value).map(|asked| there.clone().into_iter().chain(asked).collect())
            }
        };
        if let Some(here) = here {
            let here = here.into_iter().map(|part| (*place, part));
            found.push(nowhere_before.iter().cloned().chain(here).collect());
        }
        match origin {
            Origin::Paths(paths) => {
                nowhere_before.push((*place, format!("{} == nil", first_of(paths))));
            }
            Origin::Computed {
                there: Some(there), ..
            } => {
                nowhere_before.push((*place, opposite(there)));
            }
            Origin::Computed { there: None, .. } => {
                may_be_missing = false;
                break;
            }
        }
    }
    if may_be_missing && test.holds(Known::Missing) {
        // First: what is there may be of a kind that the others fail on.
        found.insert(0, nowhere_before);
    }
    if found.iter().any(Vec::is_empty) {
        return Condition::Always;
    }
    match found.is_empty() {
        true => Condition::Never("no value satisfies it".to_owned()),
        false => Condition::Any(alternatives(found)),
    }
}

fn opposite(condition: &str) -> String {
    match condition.strip_prefix("not ") {
        Some(positive) => positive.to_owned(),
        None => format!("not ({condition})"),
    }
}

/// What is asked of a computed value; an empty list: it passes; `None`: it doesn't.
fn passed(test: &Test, value: &Computed) -> Option<Vec<String>> {
    match value {
        Computed::Expression(text, kind) => {
            ottl::condition(test, text, *kind).map(|asked| vec![asked])
        }
        Computed::Constant(known) => test.holds(*known).then(Vec::new),
    }
}

fn first_of(paths: &[String]) -> String {
    match paths {
        [one] => one.clone(),
        several => format!("Coalesce([{}])", several.join(", ")),
    }
}

/// One, where all of it speaks of the same place.
fn alternatives(found: Vec<Vec<(Place, String)>>) -> Vec<Alternative> {
    let speaks_of = |place: Place| {
        let all = found.iter().flatten().all(|(of, _)| *of == place);
        all.then(|| either(&found))
    };
    let one = |on_span: Vec<String>, on_trace: Vec<String>| Alternative {
        on_span,
        on_trace,
        on_event: None,
    };
    if let Some(text) = speaks_of(Place::Span) {
        return vec![one(vec![text], Vec::new())];
    }
    if let Some(text) = speaks_of(Place::Trace) {
        return vec![one(Vec::new(), vec![text])];
    }
    let parts = |parts: &[(Place, String)], place: Place| {
        let of = parts.iter().filter(|(of, _)| *of == place);
        of.map(|(_, part)| part.clone()).collect()
    };
    found
        .iter()
        .map(|all| one(parts(all, Place::Span), parts(all, Place::Trace)))
        .collect()
}

fn either(found: &[Vec<(Place, String)>]) -> String {
    let all = |parts: &Vec<(Place, String)>| match parts.as_slice() {
        [(_, one)] => one.clone(),
        several => {
            let several: Vec<_> = several.iter().map(|(_, part)| bracketed(part)).collect();
            several.join(" and ")
        }
    };
    match found {
        [one] => all(one),
        several => {
            let several: Vec<_> = several
                .iter()
                .map(|one| format!("({})", all(one)))
                .collect();
            several.join(" or ")
        }
    }
}

fn bracketed(part: &str) -> String {
    match part.contains(" or ") {
        true => format!("({part})"),
        false => part.to_owned(),
    }
}
