//! A value that stands in for one that couldn't be read, where the rest is no whole without it.

use serde_json::{Map, Value};

use super::super::values::{DURATION_FORMAT, RATE_FORMAT, SIZE_FORMAT};
use super::keywords::{alternatives, resolve, says};

/// The least value that a schema takes. What is said of it is hidden, so it needs no sense.
pub fn of(root: &Value, schema: &Value) -> Value {
    let schema = resolve(root, schema);
    if let Some(value) = schema.get("default").or_else(|| schema.get("const")) {
        return value.clone();
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    if let Some(first) = alternatives(schema).and_then(<[Value]>::first) {
        return of(root, first);
    }
    if says(schema, "object") {
        return object(root, schema);
    }
    if says(schema, "array") {
        return Value::Array(Vec::new());
    }
    if says(schema, "string") {
        return match schema.get("format").and_then(Value::as_str) {
            Some(DURATION_FORMAT) => "0s".into(),
            Some(SIZE_FORMAT) => "0B".into(),
            Some(RATE_FORMAT) => "0B/s".into(),
            _ => "".into(),
        };
    }
    if says(schema, "boolean") {
        return false.into();
    }
    if says(schema, "integer") || says(schema, "number") {
        return schema.get("minimum").cloned().unwrap_or_else(|| 0.into());
    }
    Value::Null
}

fn object(root: &Value, schema: &Value) -> Value {
    let required = schema.get("required").and_then(Value::as_array);
    let keys = required.into_iter().flatten().filter_map(Value::as_str);
    let value = |key: &str| match schema.get("properties").and_then(|all| all.get(key)) {
        Some(property) => of(root, property),
        None => Value::Null,
    };
    let entries = keys.map(|key| (key.to_owned(), value(key)));
    Value::Object(entries.collect::<Map<_, _>>())
}
