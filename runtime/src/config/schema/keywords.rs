//! What a JSON schema says, keyword by keyword: the part of JSON schema that schemars writes for our types.

use serde_json::Value;

/// The schema keyword for keys that another system knows, and that some will write here: what to do instead, by key.
pub const FOREIGN_KEYS: &str = "x-foreign-keys";

/// What the schema has to say of a foreign key.
pub fn foreign_key(schema: &Value, key: &str) -> Option<String> {
    Some(schema.get(FOREIGN_KEYS)?.get(key)?.as_str()?.to_owned())
}

/// What a reference leads to; anything else is itself.
pub fn resolve<'v>(root: &'v Value, mut schema: &'v Value) -> &'v Value {
    while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        match root.pointer(reference.trim_start_matches('#')) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// The schema of a key by `patternProperties`, of whose patterns only those are known that name a beginning: `^filter/.`.
pub fn patterned<'v>(schema: &'v Value, key: &str) -> Option<&'v Value> {
    let patterns = schema.get("patternProperties")?.as_object()?;
    let fits = |pattern: &str| {
        let beginning = pattern
            .strip_prefix('^')
            .and_then(|rest| rest.strip_suffix('.'));
        beginning.is_some_and(|start| key.len() > start.len() && key.starts_with(start))
    };
    patterns
        .iter()
        .find(|(pattern, _)| fits(pattern))
        .map(|(_, schema)| schema)
}

pub fn alternatives(schema: &Value) -> Option<&[Value]> {
    (schema.get("anyOf").or_else(|| schema.get("oneOf")))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
}

/// Whether the schema takes values of this type, and says so.
pub fn says(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => kind == "object" && schema.get("properties").is_some(),
    }
}

/// Whether the schema takes values of this type, if only by not saying anything.
pub fn accepts(schema: &Value, kind: &str) -> bool {
    let unsaid = ["type", "properties", "enum", "const"]
        .iter()
        .all(|keyword| schema.get(keyword).is_none());
    unsaid || says(schema, kind)
}

/// The values of a schema whose alternatives are all constants (schemars writes documented enumerations so).
pub fn enumeration(alternatives: &[Value]) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    for alternative in alternatives {
        match (alternative.get("const"), alternative.get("enum")) {
            (Some(value), _) => values.push(value.clone()),
            (_, Some(Value::Array(several))) => values.extend(several.iter().cloned()),
            _ => return None,
        }
    }
    Some(values)
}
