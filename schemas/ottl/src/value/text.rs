//! Values as text: what the reference's "string-like" arguments and `body.string` read, JSON included.
//!
//! Not `serde_json`: numbers, escapes and order of keys have to be those of Go's encoders, or hashes and comparisons of the text
//! differ.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::value::{DEPTH_MAX, EvalError, Result, Value, deeper};
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

/// A value of a log record's body as text.
pub(crate) fn any_as_string(value: AnyValue<'_>) -> Result<String> {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Html {
    AsIs,
    Escaped,
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
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        let sign = if number < 0.0 { "-" } else { "" };
        return format!("{sign}Infinity");
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    signed_exponent(&format!("{number:e}"))
}

/// `1e21` as `1e+21`.
fn signed_exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text.to_owned(),
    }
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
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if html == Html::Escaped => escape(character, out),
            '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => escape(character, out),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn escape(character: char, out: &mut String) {
    out.push_str(&format!("\\u{:04x}", u32::from(character)));
}
