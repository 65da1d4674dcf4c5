//! `ingest.stamp`: which attributes resources get that lack them.

use std::collections::BTreeMap;

use runtime::config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::{Stamp, StampValue};

/// All stamped attributes together, in bytes: each resource on the bus carries them.
const BYTES_MAX: usize = 16 << 10;

/// Attributes for everything that comes in, by sockets and from topics, where they are missing.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStamp {
    /// Set on every resource that lacks it, such as `k8s.cluster.name`.
    pub resource: BTreeMap<String, RawStampValue>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawStampValue {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

impl RawStamp {
    /// Checks every value; `path` is where this section stands, usually `ingest.stamp`.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Stamp {
        let mut bytes = 0;
        for (key, value) in &self.resource {
            if key.is_empty() {
                problems.push(
                    format!("{path}.resource"),
                    "has an attribute without a name",
                );
            }
            bytes += key.len();
            if let RawStampValue::Text(text) = value {
                bytes += text.len();
                if text.is_empty() {
                    problems.push(
                        format!("{path}.resource.{key}"),
                        "is empty, and says nothing; leave it out",
                    );
                }
            }
        }
        if bytes > BYTES_MAX {
            problems.push(
                format!("{path}.resource"),
                format!("has {bytes} bytes, more than {BYTES_MAX}; every resource carries them"),
            );
        }
        let attributes = self.resource.clone().into_iter();
        Stamp::new(attributes.map(|(key, value)| (key, value.into())))
    }
}

impl From<RawStampValue> for StampValue {
    fn from(value: RawStampValue) -> Self {
        match value {
            RawStampValue::Bool(value) => Self::Bool(value),
            RawStampValue::Int(value) => Self::Int(value),
            RawStampValue::Double(value) => Self::Double(value),
            RawStampValue::Text(text) => Self::Text(text),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_named_by_path() {
        let check = |json: &str, expected: &[&str]| {
            let raw: RawStamp = serde_json::from_str(json).unwrap();
            let mut problems = Problems::new();
            raw.validate("ingest.stamp", &mut problems);
            let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
            assert_eq!(paths, expected, "{json}");
        };
        check("{}", &[]);
        check(
            r#"{"resource": {"a": "b", "c": 1, "d": true, "e": 0.5}}"#,
            &[],
        );
        check(
            r#"{"resource": {"": 1, "a": ""}}"#,
            &["ingest.stamp.resource", "ingest.stamp.resource.a"],
        );
        let long = format!(r#"{{"resource": {{"a": "{}"}}}}"#, "b".repeat(BYTES_MAX));
        check(&long, &["ingest.stamp.resource"]);
    }
}
