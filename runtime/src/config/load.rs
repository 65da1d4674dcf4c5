//! From a text to a validated configuration, or to everything that is wrong with it.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::problems::Problems;
use super::report::{ConfigError, Finding, Place};
use super::tree::{Kind, Node};
use super::{Environment, shape, tree};

/// Reads `text` (of `file`, for messages) as a `T` and validates it.
///
/// The type must deny unknown fields at every level. Problems of structure are reported before problems of meaning:
/// `validate` sees only what has the right shape.
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
    let Some(root) = tree::parse(text, environment, &mut findings) else {
        return fail(findings);
    };
    let schema = schemars::schema_for!(T);
    let value = shape::fit(schema.as_value(), &root, &mut findings);
    if !findings.is_empty() {
        return fail(findings);
    }
    let raw: T = match serde_path_to_error::deserialize(value) {
        Ok(raw) => raw,
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
    if problems.is_empty() {
        return Ok(valid);
    }
    let findings = problems.iter().map(|problem| {
        let message = shape::prefixed(&problem.path, &problem.message);
        Finding::at(locate(&root, &problem.path), message)
    });
    fail(findings.collect())
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
