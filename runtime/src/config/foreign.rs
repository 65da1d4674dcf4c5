//! The configuration of another program, to be translated: values without a schema, references to the environment as they stand.

use serde_json::{Map, Value};

use super::report::ConfigError;
use super::schema::core_schema;
use super::yaml::{self, Kind, Node};

/// Reads `text` (of `file`, for messages) as plain values, mappings in the order of the file.
///
/// # Errors
/// It is not YAML, or a key stands twice: with line and column.
pub fn read_foreign(file: &str, text: &str) -> Result<Value, ConfigError> {
    let mut findings = Vec::new();
    match yaml::parse(text, None, &mut findings) {
        Some(root) if findings.is_empty() => Ok(plain(&root)),
        _ => Err(ConfigError::new(file, text, findings)),
    }
}

fn plain(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.plain => {
            core_schema(&scalar.text).unwrap_or_else(|| Value::String(scalar.text.clone()))
        }
        Kind::Scalar(scalar) => Value::String(scalar.text.clone()),
        Kind::Sequence(items) => items.iter().map(plain).collect(),
        Kind::Mapping(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), plain(&entry.value)))
                .collect::<Map<_, _>>(),
        ),
        Kind::Unknown | Kind::Unset(_) => Value::Null,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_their_types_and_references_stay() {
        let text = "a: {b: [1, -2.5, true, ~, '5', 0x10]}\nendpoint: ${env:HOST:-here}:4317\nother: ${file:secret}\nempty:\n";
        let value = read_foreign("f", text).unwrap_or_default();
        assert_eq!(
            value,
            json!({"a": {"b": [1, -2.5, true, null, "5", 16]}, "endpoint": "${env:HOST:-here}:4317", "other": "${file:secret}", "empty": null})
        );
    }

    #[test]
    fn what_is_not_yaml_is_told_with_its_place() {
        let report = read_foreign("f", "a: [1").unwrap_err().to_string();
        assert!(report.contains("f:"), "{report}");
        let report = read_foreign("f", "a: 1\na: 2\n").unwrap_err().to_string();
        assert!(report.contains("f:2:1"), "{report}");
    }
}
