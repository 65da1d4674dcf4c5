//! From a text to a validated configuration, or to everything that is wrong with it.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::problems::Problems;
use super::report::{ConfigError, Finding, Place};
use super::tree::{Kind, Node};
use super::{Environment, shape, tree};

/// Reads `text` (of `file`, for messages) as a `T` and validates it.
///
/// The type must deny unknown fields at every level. `validate` sees only what has the right shape, unknown keys and wrong values left out; where
/// the rest is no whole (a list where a section belongs, a wrong value that has no default), the problems of structure are reported alone.
///
/// # Errors
/// All problems found, each with line and column.
pub fn load<T, V>(
    file: &str,
    text: &str,
    environment: &Environment,
    validate: impl FnOnce(&T, &mut Problems) -> V,
) -> Result<V, ConfigError>
where
    T: DeserializeOwned + JsonSchema,
{
    let mut findings = Vec::new();
    let fail = |findings| Err(ConfigError::new(file, text, findings));
    let Some(root) = tree::parse(text, Some(environment), &mut findings) else {
        return fail(findings);
    };
    let schema = schemars::schema_for!(T);
    let value = shape::fit(schema.as_value(), &root, &mut findings);
    let passable = findings.iter().all(|finding| finding.left_out_of.is_some());
    if !passable {
        return fail(findings);
    }
    let raw: T = match serde_path_to_error::deserialize(value) {
        Ok(raw) => raw,
        Err(_) if !findings.is_empty() => return fail(findings),
        Err(error) => {
            let path = match error.path().to_string() {
                path if path == "." => String::new(),
                path => path,
            };
            let message = shape::prefixed(&path, &error.inner().to_string());
            return fail(vec![Finding::at(locate(&root, &path), message)]);
        }
    };
    let mut problems = Problems::new();
    let valid = validate(&raw, &mut problems);
    let found = problems.iter().filter(|problem| {
        // What lacks a key, for the key was misspelt, is not wrong a second time.
        let mut incomplete = (findings.iter()).filter_map(|finding| finding.left_out_of.as_ref());
        !incomplete.any(|section| is_in(section, &problem.path))
    });
    let found = found.map(|problem| {
        let message = shape::prefixed(&problem.path, &problem.message);
        Finding::at(locate(&root, &problem.path), message)
    });
    let found: Vec<_> = found.collect();
    findings.extend(found);
    if findings.is_empty() && problems.is_empty() {
        return Ok(valid);
    }
    fail(findings)
}

/// Whether a path is the section's own, or that of a key in it.
fn is_in(section: &str, path: &str) -> bool {
    match path.strip_prefix(section) {
        Some("") => true,
        Some(rest) => {
            let key = rest.strip_prefix('.').unwrap_or(rest);
            let is_key = section.is_empty() || key.len() < rest.len();
            is_key && !key.contains(['.', '['])
        }
        None => false,
    }
}

/// The process's environment.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where `path` stands: its value if that is a scalar, else its key; of what the user left out, the nearest thing around it.
fn locate(root: &Node, path: &str) -> Place {
    let (mut node, mut place, mut rest) = (root, Place::default(), path);
    loop {
        rest = rest.trim_start_matches('.');
        match &node.kind {
            _ if rest.is_empty() => return place,
            Kind::Sequence(items) => {
                let Some((index, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']'))
                else {
                    return place;
                };
                let Some(item) = index.parse().ok().and_then(|index: usize| items.get(index))
                else {
                    return place;
                };
                (node, place, rest) = (item, item.place, after);
            }
            Kind::Mapping(entries) => {
                // Keys may hold dots themselves (`security.protocol`): the longest that fits is meant.
                let fits = |key: &str| {
                    let after = rest.strip_prefix(key)?;
                    (after.is_empty() || after.starts_with(['.', '['])).then_some(after)
                };
                let found = (entries.iter())
                    .filter_map(|entry| fits(&entry.key).map(|after| (entry, after)))
                    .max_by_key(|(entry, _)| entry.key.len());
                let Some((entry, after)) = found else {
                    return place;
                };
                (node, rest) = (&entry.value, after);
                place = match &entry.value.kind {
                    Kind::Scalar(_) if !entry.value.is_blank() => entry.value.place,
                    _ => entry.key_place,
                };
            }
            Kind::Scalar(_) | Kind::Unknown => return place,
        }
    }
}
