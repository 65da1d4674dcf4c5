//! Values as text: what the reference's "string-like" arguments and `body.string` read, JSON included.
//!
//! Not `serde_json`: numbers, escapes and order of keys have to be those of Go's encoders, or hashes and comparisons of the text
//! differ.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::value::{DEPTH_MAX, EvalError, Result, Value, deeper};
use schemas::go_text::{self, Html};
use schemas::otlp::AnyValue;

/// A value as text, nil as none.
pub(crate) fn string_like<'a>(value: Value<'a>) -> Result<Option<Cow<'a, str>>> {
    Ok(match value {
        Value::Nil => None,
        Value::Text(text) => Some(text),
        Value::Bytes(bytes) => Some(const_hex::encode(&bytes).into()),
        other => Some(json(&other)?.into()),
    })
}

/// A value of an attribute or a log record's body as text, as the Collector's `AsString` has it: numbers and bools as JSON writes them, bytes in
/// base64, maps and lists as JSON, and nothing as an empty text.
///
/// # Errors
/// It is malformed, nested too deep, or holds a number that JSON has no text for.
pub fn any_as_string(value: AnyValue<'_>) -> Result<String> {
    as_string(&Value::read(value)?, DEPTH_MAX)
}

/// A value of an attribute as text; nil is empty.
pub(crate) fn as_string(value: &Value<'_>, depth: usize) -> Result<String> {
    Ok(match value {
        Value::Nil => String::new(),
        Value::Text(text) => text.clone().into_owned(),
        Value::Float(number) => float(*number),
        Value::Bytes(bytes) => STANDARD.encode(bytes),
        Value::TraceId(id) => const_hex::encode(id),
        Value::SpanId(id) => const_hex::encode(id),
        Value::ProfileId(id) => const_hex::encode(id),
        Value::Time(time) => time.rfc3339(),
        other => {
            let mut out = String::new();
            write(other, Html::AsIs, depth, &mut out)?;
            out
        }
    })
}

/// JSON as `json.Marshal` writes it: keys in order, `<`, `>` and `&` escaped.
pub(crate) fn json(value: &Value<'_>) -> Result<String> {
    let mut out = String::new();
    write(value, Html::Escaped, DEPTH_MAX, &mut out)?;
    Ok(out)
}

fn write(value: &Value<'_>, html: Html, depth: usize, out: &mut String) -> Result<()> {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) | Value::Duration(value) => out.push_str(&value.to_string()),
        Value::Float(value) if value.is_finite() => out.push_str(&float(*value)),
        Value::Float(_) => return Err(EvalError::new("JSON has no NaN and no infinity")),
        Value::Text(text) => string(text, html, out),
        Value::Bytes(bytes) if bytes.is_empty() => out.push_str("null"),
        Value::Bytes(bytes) => string(&STANDARD.encode(bytes), html, out),
        // Ids are arrays of bytes in the reference; what reads well is `trace_id.string`.
        Value::TraceId(id) => numbers(id, out),
        Value::SpanId(id) => numbers(id, out),
        Value::ProfileId(id) => numbers(id, out),
        Value::Time(time) => string(&time.rfc3339(), html, out),
        Value::Opaque(_) => out.push_str("{}"),
        Value::Map(map) => {
            let depth = deeper(depth)?;
            let mut pairs = map.clone().into_pairs()?;
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                // Of several values of a key the last one counts here: it is what is left in a Go map.
                if pairs.get(index + 1).is_some_and(|(next, _)| next == key) {
                    continue;
                }
                if !out.ends_with('{') {
                    out.push(',');
                }
                string(key, html, out);
                out.push(':');
                write(value, html, depth, out)?;
            }
            out.push('}');
        }
        Value::List(list) => {
            let depth = deeper(depth)?;
            out.push('[');
            for (index, value) in list.clone().into_values()?.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(value, html, depth, out)?;
            }
            out.push(']');
        }
    }
    Ok(())
}

fn numbers(bytes: &[u8], out: &mut String) {
    let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
    out.push('[');
    out.push_str(&numbers.join(","));
    out.push(']');
}

/// A number as ECMAScript writes it.
pub(crate) fn float(number: f64) -> String {
    let mut out = String::new();
    // Writing to a string doesn't fail, here and below.
    let _ = go_text::float(number, &mut out);
    out
}

/// `1e5` as `1e+05`: as Go's `%e` writes it.
pub(crate) fn exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

fn string(text: &str, html: Html, out: &mut String) {
    let _ = go_text::json_string(text, html, out);
}
