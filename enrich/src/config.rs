//! The `enrich` section of the configuration: as written, and compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::Delivery;
use runtime::config::{Problems, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Rules;

/// What is done to telemetry between the sampler and the exporters. Order: delete, hash, mask, set.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// What must not leave: it is deleted, hashed or masked.
    pub redact: RawRedact,
    /// Attributes to set to fixed values.
    pub set: RawSet,
    pub delivery: RawDelivery,
}

/// How output and positions are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawDelivery {
    /// Together or not at all.
    #[default]
    ExactlyOnce,
    /// Output first: a crash in between repeats the last batches.
    AtLeastOnce,
}

/// Applied to resources, scopes, spans, events, links, log records, metrics, data points and exemplars alike.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRedact {
    /// Attributes with these keys are removed, at any depth.
    pub delete: Vec<String>,
    /// Attributes whose values are replaced by a keyed hash.
    pub hash: RawHash,
    /// Patterns in text that are replaced wherever they occur, in this order.
    pub mask: Vec<RawMask>,
    /// What happens to protocol fields that this version doesn't know.
    pub unknown_fields: RawUnknownFields,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHash {
    /// Attributes with these keys are hashed, at any depth.
    pub keys: Vec<String>,
    /// The secret for HMAC-SHA256. Empty: each process uses a random one, so hashes differ between processes and runs.
    pub key: Secret,
}

/// A key of fewer bytes could be found by trying: 16 random ones are 128 bits.
const HASH_KEY_BYTES_MIN: usize = 16;

impl RawHash {
    /// A key that doesn't do what it is for.
    fn doubt(&self, path: &str, problems: &mut Problems) {
        let path = format!("{path}.key");
        match self.key.0.trim().len() {
            _ if self.keys.is_empty() => {}
            0 => problems.warn(
                path,
                "is empty, so that each process hashes with a random key of its own: equal values differ between processes and after a restart; give all processes one secret, such as the output of `openssl rand -hex 32`",
            ),
            bytes if bytes < HASH_KEY_BYTES_MIN => problems.warn(
                path,
                format!(
                    "is short: {bytes} bytes, where fewer than {HASH_KEY_BYTES_MIN} can be guessed, and hashed values with them; take the output of `openssl rand -hex 32`"
                ),
            ),
            _ => {}
        }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMask {
    /// The name of the pattern in metrics and messages.
    pub name: String,
    /// A regular expression, in the syntax of the Rust crate `regex`.
    pub pattern: String,
    /// The replacement. `$1` or `${name}` is a group of the pattern, `$$` a dollar sign.
    #[serde(default = "stars")]
    pub with: String,
}

fn stars() -> String {
    "****".into()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawUnknownFields {
    /// Taken out and counted, when there is any redaction and the field could hold text.
    #[default]
    Drop,
    /// Passed on as they are, text that ought to be redacted included.
    Keep,
}

/// Existing attributes of the same key are replaced.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSet {
    /// Set on every resource.
    pub resource: BTreeMap<String, RawValue>,
    /// Set on every span, log record and metric data point.
    pub item: BTreeMap<String, RawValue>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawValue {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// A valid `enrich` section, compiled.
#[derive(Clone, Debug)]
pub struct Config {
    pub rules: Arc<Rules>,
    pub delivery: Delivery,
}

impl RawConfig {
    /// Reports everything that is wrong; the result is only to be used when nothing was.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        self.redact
            .hash
            .doubt(&format!("{path}.redact.hash"), problems);
        Config {
            rules: Arc::new(Rules::compile(self, path, problems)),
            delivery: match self.delivery {
                RawDelivery::ExactlyOnce => Delivery::ExactlyOnce,
                RawDelivery::AtLeastOnce => Delivery::AtLeastOnce,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a key by which this attribute is hashed.
    #[track_caller]
    fn check(attribute: &[&str], key: &str, expected: Option<&str>) {
        let mut raw = RawConfig::default();
        raw.redact.hash = RawHash {
            keys: attribute.iter().map(|key| (*key).to_owned()).collect(),
            key: Secret(key.to_owned()),
        };
        let mut problems = Problems::new();
        raw.validate("enrich", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let warnings: Vec<_> = problems.warnings().collect();
        assert_eq!(warnings.len(), usize::from(expected.is_some()), "{key:?}");
        for warning in warnings {
            assert_eq!(warning.path, "enrich.redact.hash.key");
            assert!(
                warning.message.contains(expected.unwrap_or("?")),
                "{warning:?}"
            );
            let shown = !key.trim().is_empty() && warning.message.contains(key);
            assert!(!shown, "the key shows: {warning:?}");
        }
    }

    #[test]
    fn keys_that_hide_nothing_are_doubted() {
        check(&[], "", None);
        check(&[], "short", None);
        check(&["card"], "", Some("is empty"));
        check(&["card"], "  \n", Some("is empty"));
        check(&["card"], "pa55w0rd", Some("is short: 8 bytes"));
        check(&["card"], "fifteen-letters", Some("is short: 15 bytes"));
        check(&["card"], "sixteen--letters", None);
    }
}
