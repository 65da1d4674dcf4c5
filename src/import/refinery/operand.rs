//! The values of conditions, converted as Refinery converts them, and written as OTTL writes them.

use serde_json::Value;

/// The texts that Go's `strconv.ParseBool` reads as true.
pub(super) const TRUE_PATTERN: &str = "^(1|t|T|TRUE|true|True)$";

/// As Go's `%v` writes it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() => float.to_string(),
            _ => number.to_string(),
        },
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(text).collect();
            format!("[{}]", items.join(" "))
        }
        other => other.to_string(),
    }
}

/// A fraction loses what stands behind the point.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Whatever isn't true is false.
pub(super) fn truth(value: &Value) -> bool {
    true_text(&text(value))
}

pub(super) fn true_text(text: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True"].contains(&text)
}

/// A text in OTTL.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Text that matches itself; OTTL's patterns and ours have the same special characters.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
