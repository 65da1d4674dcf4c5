//! "Did you mean": the nearest known word, or the place where a key belongs.

use serde_json::Value;

use super::super::path::join;
use super::keywords::resolve;

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

/// Help for an unknown key: a known one that is spelt nearly so, else where in the configuration that key exists.
pub fn key<'c>(
    root: &Value,
    key: &str,
    known: impl Iterator<Item = &'c str> + Clone,
) -> Option<String> {
    if let Some(meant) = nearest(key, known.clone()) {
        return Some(format!("did you mean `{meant}`?"));
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
    if depth == 0 {
        return;
    }
    let schema = resolve(root, schema);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if properties.contains_key(key) && !path.is_empty() {
            found.push(path.to_owned());
        }
        for (name, inner) in properties {
            let path = join(path, name);
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
