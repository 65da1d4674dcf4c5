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
    /// What must not leave.
    pub redact: RawRedact,
    /// Attributes with fixed values.
    pub set: RawSet,
    pub delivery: RawDelivery,
}

/// How output and read positions are committed.
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
    /// Attributes whose value is replaced by a keyed hash.
    pub hash: RawHash,
    /// Text that is replaced wherever it stands, in this order.
    pub mask: Vec<RawMask>,
    /// What happens to protocol fields that this version doesn't know.
    pub unknown_fields: RawUnknownFields,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHash {
    /// Attributes with these keys are hashed, at any depth.
    pub keys: Vec<String>,
    /// The secret of HMAC-SHA256; empty: a random one of this process, so that hashes differ between processes and runs.
    pub key: Secret,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMask {
    /// For metrics and messages.
    pub name: String,
    /// A regular expression (syntax of the Rust crate `regex`, matched in linear time).
    pub pattern: String,
    /// The replacement; `$1` or `${name}` is a group of the pattern, `$$` a dollar sign.
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
        Config {
            rules: Arc::new(Rules::compile(self, path, problems)),
            delivery: match self.delivery {
                RawDelivery::ExactlyOnce => Delivery::ExactlyOnce,
                RawDelivery::AtLeastOnce => Delivery::AtLeastOnce,
            },
        }
    }
}
