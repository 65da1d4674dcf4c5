//! The `enrich` section as written, and its rules compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::Delivery;
use runtime::config::{Problems, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pii::RawPii;
use super::steps::RawStep;
use super::value::RawValue;
use crate::steps::Steps;
use redact::{At, HashKey, Hasher, Mask, Redaction, Rules};

/// What is done to telemetry between the sampler and the exporters. Order: steps, delete, hash, personal data, mask, set.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// What is done before anything is redacted, in this order: a list of steps, each of one kind, such as `transform` or `filter`.
    pub steps: Vec<RawStep>,
    /// What must not leave: it is deleted, hashed or masked.
    pub redact: RawRedact,
    /// Personal data and secrets that are looked for wherever text stands.
    pub pii: RawPii,
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

impl RawConfig {
    /// How output and positions are committed.
    pub(super) fn delivery(&self) -> Delivery {
        match self.delivery {
            RawDelivery::ExactlyOnce => Delivery::ExactlyOnce,
            RawDelivery::AtLeastOnce => Delivery::AtLeastOnce,
        }
    }

    /// The rules of the section; what is wrong is reported under `path`.
    pub(super) fn compiled(&self, path: &str, problems: &mut Problems) -> Arc<Rules> {
        self.redact
            .hash
            .doubt(&format!("{path}.redact.hash"), problems);
        Arc::new(self.rules(path, problems))
    }

    /// The steps; what is wrong is reported under `path`.
    pub(super) fn compiled_steps(&self, path: &str, problems: &mut Problems) -> Steps {
        let mut hasher = |problems: &mut Problems| match self.redact.hash.key.0.as_bytes() {
            [] => {
                problems.warn(
                    format!("{path}.redact.hash.key"),
                    "is empty, so that each process hashes with a random key of its own: equal values differ between processes and after a restart; give all processes one secret, such as the output of `openssl rand -hex 32`",
                );
                secret_of_this_process()
                    .ok()
                    .and_then(|secret| Hasher::new(&secret))
            }
            key => Hasher::new(key),
        };
        let at = format!("{path}.steps");
        super::steps::compile(&self.steps, &at, &mut hasher, problems)
    }

    fn rules(&self, path: &str, problems: &mut Problems) -> Rules {
        let mut redaction = self.redaction();
        if !redaction.hash.is_empty() && redaction.hash_key.0.is_empty() {
            match secret_of_this_process() {
                Ok(secret) => redaction.hash_key = HashKey(secret.to_vec()),
                Err(error) => {
                    problems.push(
                        format!("{path}.redact.hash.key"),
                        format!("is empty, and no random one can be drawn ({error}); set it, e.g. to ${{env:TAILWATER_HASH_KEY}} with at least 16 random bytes"),
                    );
                    return Rules::default();
                }
            }
        }
        Rules::compile(&redaction).unwrap_or_else(|found| {
            for problem in found {
                problems.push(
                    format!("{path}.{}", self.written(problem.at)),
                    problem.message,
                );
            }
            Rules::default()
        })
    }

    /// Where a part of the redaction stands in this section.
    fn written(&self, at: At) -> String {
        match at {
            At::Delete => "redact.delete".to_owned(),
            At::Hash => "redact.hash.keys".to_owned(),
            At::HashKey => "redact.hash.key".to_owned(),
            At::MaskName(index) => format!("redact.mask[{index}].name"),
            At::MaskPattern(index) => format!("redact.mask[{index}].pattern"),
            At::MaskWith(index) => format!("redact.mask[{index}].with"),
            At::SetResource => "set.resource".to_owned(),
            At::SetItem => "set.item".to_owned(),
            At::Pii(at) => format!("pii.{}", self.pii.written(at)),
        }
    }

    fn redaction(&self) -> Redaction {
        let masks = self.redact.mask.iter().map(|mask| Mask {
            name: mask.name.clone(),
            pattern: mask.pattern.clone(),
            with: mask.with.clone(),
        });
        let fixed = |set: &BTreeMap<String, RawValue>| {
            let fixed = |(key, value): (&String, &RawValue)| (key.clone(), value.fixed());
            set.iter().map(fixed).collect()
        };
        Redaction {
            delete: self.redact.delete.clone(),
            hash: self.redact.hash.keys.clone(),
            hash_key: HashKey(self.redact.hash.key.0.clone().into_bytes()),
            masks: masks.collect(),
            pii: self.pii.asked(),
            keep_unknown_fields: self.redact.unknown_fields == RawUnknownFields::Keep,
            set_resource: fixed(&self.set.resource),
            set_item: fixed(&self.set.item),
        }
    }
}

/// The secret when none is configured: drawn once a process, so that no hash can be undone by trying all values. The
/// hashes of two processes, or of two runs, then differ, which `docs/enrich.md` says.
fn secret_of_this_process() -> std::io::Result<[u8; 32]> {
    use std::io::Read;
    static SECRET: std::sync::OnceLock<[u8; 32]> = std::sync::OnceLock::new();
    if let Some(secret) = SECRET.get() {
        return Ok(*secret);
    }
    let mut drawn = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut drawn)?;
    tracing::warn!(
        "enrich.redact.hash.key is empty: hashing with a random secret, so hashes differ between processes and runs"
    );
    Ok(*SECRET.get_or_init(|| drawn))
}
