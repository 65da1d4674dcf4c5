//! `tailwater schema`: the JSON schema of the configuration, for editors (`# yaml-language-server: $schema=…`) and for checks in CI.
//!
//! The types say what a value is once the file was read. What may be written is more, and is added here: a reference to an environment
//! variable wherever a value stands, unquoted numbers for text, and nothing behind the key of a section.

use runtime::config::FOREIGN_KEYS;
use runtime::exit;
use serde_json::{Map, Value, json};

use crate::config::RawConfig;

/// The definition that stands for values with variables in them.
const REFERENCE: &str = "EnvironmentReference";
/// `${env:NAME}`, `${env:NAME:-default}` or `${file:/path}`, anywhere in a text; `$$` is a `$`.
const REFERENCE_PATTERN: &str = r"(^|[^$])(\$\$)*\$\{(env:[A-Za-z0-9_]+(:-[^}]*)?|file:/[^}]+)\}";
/// Values that the loader leaves to validation, which explains more.
const VALUES: &str = "x-values";

pub fn run() -> i32 {
    outln!("{:#}", document());
    exit::CLEAN
}

/// The whole schema as it is published.
fn document() -> Value {
    let mut document = schemars::schema_for!(RawConfig).to_value();
    let definitions = document["$defs"].take();
    let mut definitions = match definitions {
        Value::Object(definitions) => definitions,
        _ => Map::new(),
    };
    for definition in definitions.values_mut() {
        *definition = written(definition.take());
    }
    let reference = json!({
        "type": "string",
        "pattern": REFERENCE_PATTERN,
        "description": "a value with environment variables in it: ${env:NAME}, or ${env:NAME:-default}",
    });
    definitions.insert(REFERENCE.to_owned(), reference);
    let mut document = written(document);
    // The file itself has to say something.
    document["type"] = "object".into();
    document["minProperties"] = 1.into();
    document["$defs"] = definitions.into();
    document
}

/// A schema of a value as that of what may be written for it.
fn written(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else {
        return schema;
    };
    schema.remove(FOREIGN_KEYS);
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(alternatives)) = schema.get_mut(keyword) else {
            continue;
        };
        let of_values = |one: &Value| one.get("const").is_some() || one.get("enum").is_some();
        if alternatives.iter().all(of_values) {
            return or_reference(schema);
        }
        let open = std::mem::take(alternatives).into_iter().map(written);
        let open = open.collect::<Vec<_>>();
        // Several alternatives take a reference.
        schema.remove(keyword);
        schema.insert("anyOf".to_owned(), open.into());
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(keyword) {
            *inner = written(inner.take());
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            *property = written(property.take());
        }
    }
    if let Some(values) = schema.remove(VALUES) {
        schema.insert("enum".to_owned(), values);
    }
    scalar(schema)
}

fn scalar(mut schema: Map<String, Value>) -> Value {
    let takes = |kind: &str| match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    };
    if takes("object") {
        // Nothing behind the key of a section: its defaults.
        add_type(&mut schema, "null");
        return schema.into();
    }
    if takes("array") || (schema.get("type").is_none() && schema.get("const").is_none()) {
        return schema.into();
    }
    let limited = ["enum", "const", "pattern", "format"];
    let free = takes("string") && !limited.iter().any(|keyword| schema.contains_key(*keyword));
    if free {
        // Unquoted, it is the text as it is written.
        for kind in ["number", "boolean"] {
            add_type(&mut schema, kind);
        }
        return schema.into();
    }
    or_reference(schema)
}

fn add_type(schema: &mut Map<String, Value>, kind: &str) {
    let mut types = match schema.remove("type") {
        Some(Value::Array(types)) => types,
        Some(one) => vec![one],
        None => return,
    };
    if !types.iter().any(|known| known == kind) {
        types.push(kind.into());
    }
    schema.insert("type".to_owned(), types.into());
}

/// The same, or a reference to a variable; what is for people stays outside.
fn or_reference(mut schema: Map<String, Value>) -> Value {
    let mut outer = Map::new();
    for keyword in ["title", "description", "default"] {
        if let Some(value) = schema.remove(keyword) {
            outer.insert(keyword.to_owned(), value);
        }
    }
    let mut alternatives = vec![
        schema.clone().into(),
        json!({"$ref": format!("#/$defs/{REFERENCE}")}),
    ];
    if schema.get("format").and_then(Value::as_str) == Some("duration-with-unit") {
        // The one duration that needs no unit.
        alternatives.push(json!({"const": 0}));
    }
    outer.insert("anyOf".to_owned(), alternatives.into());
    outer.into()
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
