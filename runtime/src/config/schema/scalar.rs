//! A YAML scalar as the type that the schema wants.
//!
//! Unquoted scalars follow YAML's core schema, with two kindnesses: where only text is taken, an unquoted `5` is the text `5`; and where
//! no text is taken, what an environment variable holds is read as if it weren't quoted (in `{…}` it has to be). Where text is one of
//! several types that are taken, what is in quotes is text.

use serde_json::{Number, Value};

use super::super::values::{
    DURATION_FORMAT, RATE_FORMAT, SIZE_FORMAT, parse_duration, parse_rate, parse_size,
};
use super::super::yaml::{Kind, Node, Scalar};
use super::keywords::says;
use super::suggest;

pub struct Mismatch {
    pub message: String,
    pub help: Option<String>,
    pub weight: u32,
}

impl Mismatch {
    fn of(message: String, weight: u32) -> Self {
        Self {
            message,
            help: None,
            weight,
        }
    }
}

pub fn fit(scalar: &Scalar, schema: &Value) -> Result<Value, Mismatch> {
    let value = typed(scalar, schema);
    let wrong_type = || {
        let text = match value.is_string() && core_schema(&scalar.text).is_some() {
            true => "the text ",
            false => "",
        };
        let found = displayed(scalar, &value);
        Mismatch::of(
            format!("expected {}, found {text}{found}", wanted(schema)),
            8,
        )
    };
    if let Some(listed) = listed(schema) {
        return match listed.contains(&value) {
            true => Ok(value),
            false => Err(unlisted(scalar, &value, &listed)),
        };
    }
    if !is_of_type(&value, schema) {
        return Err(wrong_type());
    }
    if let Some(problem) = out_of_range(&value, schema).or_else(|| bad_format(&value, schema)) {
        let found = displayed(scalar, &value);
        return Err(Mismatch::of(format!("{found} {problem}"), 1));
    }
    Ok(value)
}

fn typed(scalar: &Scalar, schema: &Value) -> Value {
    let text = || Value::String(scalar.text.clone());
    let takes_text = takes_text(schema);
    let as_if_plain = scalar.plain || (scalar.substituted && !takes_text);
    if !as_if_plain {
        return text();
    }
    match core_schema(&scalar.text) {
        Some(Value::Null) if listed(schema).is_some() => Value::Null,
        Some(value) if takes_text && !fits(&value, schema) => text(),
        Some(value) => value,
        None => text(),
    }
}

/// Whether text is taken: by its type, as one of the values that are listed, or because anything is.
pub fn takes_text(schema: &Value) -> bool {
    match listed(schema) {
        Some(values) => values.iter().any(Value::is_string),
        None => schema.get("type").is_none() || says(schema, "string"),
    }
}

fn fits(value: &Value, schema: &Value) -> bool {
    match listed(schema) {
        Some(values) => values.contains(value),
        None => is_of_type(value, schema),
    }
}

/// What a plain scalar is by YAML 1.2's core schema; `None`: text. Infinities and NaN stay text, JSON has none.
pub fn core_schema(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        _ => {}
    }
    let radix = |prefix, radix| {
        let digits = text.strip_prefix(prefix)?;
        Some(Value::from(u64::from_str_radix(digits, radix).ok()?))
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(number);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = unsigned.parse::<u64>() {
        return Some(Value::from(number));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Value::from(number));
    }
    let number = text.parse::<f64>().ok()?;
    Number::from_f64(number).map(Value::Number)
}

fn is_of_type(value: &Value, schema: &Value) -> bool {
    match value {
        _ if schema.get("type").is_none() => true,
        Value::Null => says(schema, "null"),
        Value::Bool(_) => says(schema, "boolean"),
        Value::String(_) => says(schema, "string"),
        Value::Number(number) if number.is_f64() => says(schema, "number"),
        Value::Number(_) => says(schema, "number") || says(schema, "integer"),
        Value::Array(_) | Value::Object(_) => false,
    }
}

fn listed(schema: &Value) -> Option<Vec<Value>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => Some(values.clone()),
        (_, Some(value)) => Some(vec![value.clone()]),
        _ => None,
    }
}

fn unlisted(scalar: &Scalar, value: &Value, listed: &[Value]) -> Mismatch {
    let names: Vec<_> = listed.iter().filter_map(Value::as_str).collect();
    let list = names.join(", ");
    let message = format!("{} is none of: {list}", displayed(scalar, value));
    let meant = suggest::nearest(&scalar.text, names.iter().copied());
    Mismatch {
        message,
        // A tag that doesn't match says that the alternative isn't the one that was meant.
        weight: if meant.is_some() { 4 } else { 20 },
        help: meant.map(|meant| format!("did you mean `{meant}`?")),
    }
}

/// By what the type can hold. A narrower range is for validation to explain.
fn out_of_range(value: &Value, schema: &Value) -> Option<String> {
    let bound = |name| schema.get(name).and_then(Value::as_f64);
    let number = value.as_f64()?;
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => (Some(0.0), Some(f64::from(u8::MAX))),
        Some("uint16") => (Some(0.0), Some(f64::from(u16::MAX))),
        Some("uint32") => (Some(0.0), Some(f64::from(u32::MAX))),
        Some("uint" | "uint64") => (Some(0.0), None),
        Some("int32") => (Some(f64::from(i32::MIN)), Some(f64::from(i32::MAX))),
        Some("int" | "int64" | "float" | "double") => (None, None),
        _ => (bound("minimum"), bound("maximum")),
    };
    let below = least.filter(|least| number < *least);
    let above = most.filter(|most| number > *most);
    below
        .map(|least| format!("is below {least}, the least that is possible"))
        .or_else(|| above.map(|most| format!("is above {most}, the most that is possible")))
}

/// Units are checked here too, so that several wrong ones are reported together.
fn bad_format(value: &Value, schema: &Value) -> Option<String> {
    let text = value.as_str()?;
    match schema.get("format").and_then(Value::as_str)? {
        DURATION_FORMAT => parse_duration(text).err(),
        SIZE_FORMAT => parse_size(text).err(),
        RATE_FORMAT => parse_rate(text).err(),
        _ => None,
    }
}

/// What the schema takes, in words.
pub fn wanted(schema: &Value) -> String {
    match schema.get("format").and_then(Value::as_str) {
        Some(DURATION_FORMAT) => return "a duration such as 30s or 250ms".to_owned(),
        Some(SIZE_FORMAT) => return "a size such as 512MiB or 10GiB".to_owned(),
        Some(RATE_FORMAT) => return "a rate such as 50MiB/s".to_owned(),
        _ => {}
    }
    let names = [
        ("object", "keys with values"),
        ("array", "a list"),
        ("string", "text"),
        ("integer", "a whole number"),
        ("number", "a number"),
        ("boolean", "true or false"),
    ];
    let wanted: Vec<_> = names
        .iter()
        .filter(|(kind, _)| says(schema, kind))
        .map(|(_, name)| *name)
        .collect();
    match wanted.is_empty() {
        true => "nothing".to_owned(),
        false => wanted.join(" or "),
    }
}

/// A node in a message.
pub fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Mapping(_) => "keys with values".to_owned(),
        Kind::Sequence(_) => "a list".to_owned(),
        Kind::Scalar(scalar) => format!("`{}`", scalar.written),
        Kind::Unknown | Kind::Unset(_) => "something unreadable".to_owned(),
    }
}

fn displayed(scalar: &Scalar, value: &Value) -> String {
    if value.is_null() {
        return "nothing".to_owned();
    }
    let short: String = scalar.written.chars().take(80).collect();
    format!("`{short}`")
}
