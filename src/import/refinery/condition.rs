//! Refinery's conditions in OTTL.
//!
//! A field there is an attribute of the span or, failing that, of its resource, or one of the fields that Honeycomb makes of a span's own. A
//! condition on an absent field doesn't hold, whatever its operator, except for `not-exists`.

use serde_json::Value;

use super::super::items;

/// How a rule's conditions hang together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scope {
    /// Each holds on some span.
    #[default]
    Trace,
    /// All hold on the same span.
    Span,
}

/// The conditions of a rule in OTTL.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) scope: Scope,
    pub(super) on_spans: Vec<String>,
    pub(super) on_root: Vec<String>,
    /// On the trace as a whole.
    pub(super) on_trace: Vec<String>,
    pub(super) remarks: Vec<String>,
}

impl Rule {
    pub(super) fn read(raw: &Value) -> Self {
        let mut rule = Self::default();
        match raw.get("Scope").and_then(Value::as_str) {
            None | Some("" | "trace") => {}
            Some("span") => rule.scope = Scope::Span,
            Some(other) => rule
                .remarks
                .push(format!("unknown scope {other:?}, taken as trace")),
        }
        for condition in items(raw.get("Conditions")) {
            rule.add(condition);
        }
        rule
    }

    fn add(&mut self, raw: &Value) {
        let text = |key: &str| raw.get(key).and_then(Value::as_str);
        let operator = text("Operator").unwrap_or("=");
        if operator == "has-root-span" {
            let wanted = raw.get("Value") != Some(&Value::Bool(false));
            self.on_trace.push(format!("trace.has_root == {wanted}"));
            return;
        }
        let listed = items(raw.get("Fields"));
        let fields: Vec<&str> = match text("Field") {
            Some(field) => vec![field],
            None => listed.iter().filter_map(Value::as_str).collect(),
        };
        let (root, spans): (Vec<&str>, Vec<&str>) =
            fields.iter().partition(|field| field.starts_with("root."));
        if !root.is_empty() && !spans.is_empty() {
            self.remarks.push(format!(
                "of the fields {} those of the root are looked at alone",
                fields.join(", ")
            ));
        }
        let of_root = !root.is_empty();
        let fields = match of_root {
            true => root.iter().map(|field| &field["root.".len()..]).collect(),
            false => spans,
        };
        let paths: Vec<String> = fields.iter().flat_map(|field| paths(field)).collect();
        match condition(&paths, operator, raw) {
            Ok(condition) if fields == ["?.NUM_DESCENDANTS"] => self.on_trace.push(condition),
            Ok(condition) if of_root => self.on_root.push(condition),
            Ok(condition) => self.on_spans.push(condition),
            Err(reason) => self.remarks.push(format!(
                "left out a condition on {}: {reason}",
                fields.join(", ")
            )),
        }
    }
}

/// Where a field may stand, in the order in which it is looked for.
fn paths(field: &str) -> Vec<String> {
    let own = match field {
        "name" => "span.name",
        "duration_ms" => "Milliseconds(span.end_time - span.start_time)",
        "status_code" => "span.status.code",
        "status_message" => "span.status.message",
        "trace.parent_id" => "span.parent_span_id.string",
        "trace.trace_id" => "span.trace_id.string",
        "trace.span_id" => "span.span_id.string",
        "span.kind" => "span.kind.string",
        "library.name" => "scope.name",
        "library.version" => "scope.version",
        "service.name" => "resource.attributes[\"service.name\"]",
        "?.NUM_DESCENDANTS" => "trace.span_count",
        _ => {
            let key = Value::from(field);
            return vec![
                format!("span.attributes[{key}]"),
                format!("resource.attributes[{key}]"),
            ];
        }
    };
    vec![own.to_owned()]
}

/// The first path that has a value is the one that counts.
fn condition(paths: &[String], operator: &str, raw: &Value) -> Result<String, String> {
    let value = raw.get("Value").unwrap_or(&Value::Null);
    let datatype = raw.get("Datatype").and_then(Value::as_str);
    let there = |path: &str| match path {
        "span.parent_span_id.string" => format!("{path} != \"\""),
        _ => format!("{path} != nil"),
    };
    match operator {
        "exists" => return Ok(any(paths.iter().map(|path| there(path)))),
        "not-exists" => {
            let exists = any(paths.iter().map(|path| there(path)));
            return Ok(format!("not ({exists})"));
        }
        _ => {}
    }
    let mut alternatives = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let mut parts: Vec<String> = paths[..index]
            .iter()
            .map(|earlier| format!("{earlier} == nil"))
            .collect();
        parts.push(holds(path, operator, value, datatype)?);
        alternatives.push(parts.join(" and "));
    }
    Ok(match alternatives.as_slice() {
        [one] => one.clone(),
        several => any(several.iter().map(|one| format!("({one})"))),
    })
}

fn any(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" or ")
}

fn holds(
    path: &str,
    operator: &str,
    value: &Value,
    datatype: Option<&str>,
) -> Result<String, String> {
    let left = match datatype {
        None => path.to_owned(),
        Some("int") => format!("Int({path})"),
        Some("float") => format!("Double({path})"),
        Some("string") => format!("String({path})"),
        Some("bool") => format!("Bool({path})"),
        Some(other) => return Err(format!("unknown datatype {other:?}")),
    };
    let literal = |value: &Value| literal(value, datatype);
    let pattern = |around: &dyn Fn(&str) -> String| -> Result<String, String> {
        let text = value.as_str().ok_or("its value is not text")?;
        Ok(format!("IsMatch({left}, {})", Value::from(around(text))))
    };
    let each = |sign: &str, between: &str| -> Result<String, String> {
        let listed: Result<Vec<_>, _> = items(Some(value))
            .iter()
            .map(|value| Ok::<_, String>(format!("{left} {sign} {}", literal(value)?)))
            .collect();
        Ok(listed?.join(between))
    };
    match operator {
        "=" => Ok(format!("{left} == {}", literal(value)?)),
        "!=" => Ok(format!("{path} != nil and {left} != {}", literal(value)?)),
        ">" | "<" | ">=" | "<=" => Ok(format!(
            "{path} != nil and {left} {operator} {}",
            literal(value)?
        )),
        "starts-with" => pattern(&|text| format!("^{}", regex_escape(text))),
        "contains" => pattern(&regex_escape),
        "matches" => pattern(&str::to_owned),
        "does-not-contain" => Ok(format!("{path} != nil and not {}", pattern(&regex_escape)?)),
        "in" => Ok(format!("({})", each("==", " or ")?)),
        "not-in" => Ok(format!("{path} != nil and {}", each("!=", " and ")?)),
        other => Err(format!("unknown operator {other:?}")),
    }
}

/// A value as OTTL writes it, of the type that it is compared as.
fn literal(value: &Value, datatype: Option<&str>) -> Result<String, String> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let wrong = || format!("{text} is not of type {}", datatype.unwrap_or(""));
    match (datatype, value) {
        (Some("int"), _) => text
            .parse::<f64>()
            .map(|number| (number as i64).to_string())
            .map_err(|_| wrong()),
        (Some("float"), _) => text
            .parse::<f64>()
            .map(|number| format!("{number:?}"))
            .map_err(|_| wrong()),
        (Some("bool"), _) => text
            .parse::<bool>()
            .map(|is| is.to_string())
            .map_err(|_| wrong()),
        (Some("string"), _) => Ok(Value::from(text).to_string()),
        (_, Value::Bool(_) | Value::Number(_)) => Ok(value.to_string()),
        (_, Value::String(text)) => Ok(Value::from(text.as_str()).to_string()),
        (_, Value::Null) => Err("it has no value".to_owned()),
        _ => Err("its value is a list".to_owned()),
    }
}

/// Text that matches itself; OTTL's patterns and ours have the same special characters.
fn regex_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
