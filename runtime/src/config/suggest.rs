//! "Did you mean": the nearest known word, or the place where a key belongs.

use serde_json::Value;

/// The candidate that a typing mistake may have made `word` of.
pub fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let folded = |text: &str| text.to_lowercase().replace('-', "_");
    let word = folded(word);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &folded(candidate));
    let close = |candidate: &&str| {
        let longer = word.len().max(candidate.len());
        distance(candidate) <= (longer / 3).max(1)
    };
    candidates
        .filter(close)
        .min_by_key(|&candidate| distance(candidate))
}

/// The schema keyword for keys that another system knows, and that some will write here: what to do instead, by key.
pub const FOREIGN_KEYS: &str = "x-foreign-keys";

/// What the schema has to say of a foreign key.
pub(super) fn foreign(schema: &Value, key: &str) -> Option<String> {
    Some(schema.get(FOREIGN_KEYS)?.get(key)?.as_str()?.to_owned())
}

/// Help for an unknown key: a known one that is spelt nearly so, else where in the configuration that key exists.
pub(super) fn key<'c>(
    root: &Value,
    key: &str,
    known: impl Iterator<Item = &'c str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(key, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let mut found = Vec::new();
    places(root, root, key, "", 6, &mut found);
    found.sort_by_key(|place| place.matches('.').count());
    if let Some(place) = found.first() {
        return Some(format!("`{key}` belongs under `{place}`"));
    }
    let list: Vec<_> = known.collect();
    (!list.is_empty()).then(|| format!("known here: {}", list.join(", ")))
}

/// Paths of the objects in the schema that know `key`.
fn places(
    root: &Value,
    schema: &Value,
    key: &str,
    path: &str,
    depth: usize,
    found: &mut Vec<String>,
) {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => match root.pointer(reference.trim_start_matches('#')) {
            Some(target) => target,
            None => return,
        },
        None => schema,
    };
    if depth == 0 {
        return;
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if properties.contains_key(key) && !path.is_empty() {
            found.push(path.to_owned());
        }
        for (name, inner) in properties {
            let path = super::shape::join(path, name);
            places(root, inner, key, &path, depth - 1, found);
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        let alternatives = schema.get(keyword).and_then(Value::as_array);
        for alternative in alternatives.into_iter().flatten() {
            places(root, alternative, key, path, depth - 1, found);
        }
    }
    if let Some(items) = schema.get("items") {
        places(root, items, key, &format!("{path}[]"), depth - 1, found);
    }
}

/// The values of a schema whose alternatives are all constants (schemars writes documented enumerations so).
pub(super) fn enumeration(alternatives: &[Value]) -> Option<Vec<Value>> {
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
