//! Whether a backend has to be started anew: what is written about it, and the files that it names.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use runtime::config::with_marked_secrets;
use serde::Serialize;
use serde_json::Value;

use super::audience::Audience;

/// A number for what is written, whose telemetry it is about, and the contents of the files that are named by keys that end with `_file`; and those
/// files.
pub(super) fn of(written: &impl Serialize, tenants: &Audience) -> (u64, Vec<PathBuf>) {
    let mut hasher = DefaultHasher::new();
    // What was read from a configuration can always be written.
    let value = with_marked_secrets(|| serde_json::to_value(written)).unwrap_or_default();
    value.to_string().hash(&mut hasher);
    tenants.sorted().hash(&mut hasher);
    let mut files = Vec::new();
    find_files(&value, &mut files);
    for file in &files {
        std::fs::read(file).ok().hash(&mut hasher);
    }
    (hasher.finish(), files)
}

fn find_files(value: &Value, files: &mut Vec<PathBuf>) {
    match value {
        Value::Object(keys) => {
            for (key, value) in keys {
                match value {
                    Value::String(path) if key.ends_with("_file") => files.push(path.into()),
                    _ => find_files(value, files),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| find_files(value, files)),
        _ => {}
    }
}
