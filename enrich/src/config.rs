//! The `enrich` section of the configuration: as written, and compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::Delivery;
use runtime::config::{Problems, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use redact::{At, Fixed, HashKey, Mask, Redaction, Rules};

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
            rules: Arc::new(self.rules(path, problems)),
            delivery: match self.delivery {
                RawDelivery::ExactlyOnce => Delivery::ExactlyOnce,
                RawDelivery::AtLeastOnce => Delivery::AtLeastOnce,
            },
        }
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
                problems.push(format!("{path}.{}", written(problem.at)), problem.message);
            }
            Rules::default()
        })
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
            keep_unknown_fields: self.redact.unknown_fields == RawUnknownFields::Keep,
            set_resource: fixed(&self.set.resource),
            set_item: fixed(&self.set.item),
        }
    }
}

impl RawValue {
    fn fixed(&self) -> Fixed {
        match self {
            Self::Bool(value) => Fixed::Bool(*value),
            Self::Int(value) => Fixed::Int(*value),
            Self::Double(value) => Fixed::Double(*value),
            Self::Text(text) => Fixed::Text(text.clone()),
        }
    }
}

/// Where a part of the redaction stands in this section.
fn written(at: At) -> String {
    match at {
        At::Delete => "redact.delete".to_owned(),
        At::Hash => "redact.hash.keys".to_owned(),
        At::HashKey => "redact.hash.key".to_owned(),
        At::MaskName(index) => format!("redact.mask[{index}].name"),
        At::MaskPattern(index) => format!("redact.mask[{index}].pattern"),
        At::MaskWith(index) => format!("redact.mask[{index}].with"),
        At::SetResource => "set.resource".to_owned(),
        At::SetItem => "set.item".to_owned(),
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

    fn secret_mask(pattern: &str) -> RawMask {
        RawMask {
            name: "secret".into(),
            pattern: pattern.into(),
            with: stars(),
        }
    }

    #[test]
    fn problems_name_the_place_in_the_configuration() {
        let mut raw = RawConfig::default();
        raw.redact.delete = vec!["set.me".into(), String::new()];
        raw.redact.hash.keys = vec!["set.me".into()];
        raw.redact.mask = vec![secret_mask("("), secret_mask("a")];
        raw.redact.mask[1].name = String::new();
        raw.redact.mask[1].with = "$2".into();
        raw.set.resource = [("set.me".to_owned(), RawValue::Int(-7))].into();
        raw.set.item = raw.set.resource.clone();
        let mut problems = Problems::new();
        raw.validate("enrich", &mut problems);
        let mut paths: Vec<_> = (problems.iter())
            .map(|problem| problem.path.as_str())
            .collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "enrich.redact.delete",
                "enrich.redact.hash.keys",
                "enrich.redact.mask[0].pattern",
                "enrich.redact.mask[1].name",
                "enrich.redact.mask[1].with",
                "enrich.set.item",
                "enrich.set.resource",
            ]
        );
    }

    /// An empty key is no key that others know: nobody can repeat the hash without the process's own secret.
    #[test]
    fn a_hash_rule_without_a_secret_uses_a_random_one() {
        let hashed = |key: &str| {
            let mut raw = RawConfig::default();
            raw.redact.hash.keys = vec!["user.id".into()];
            raw.redact.hash.key = Secret(key.into());
            let mut problems = Problems::new();
            let config = raw.validate("enrich", &mut problems);
            assert!(problems.is_empty());
            let json = br#"{"resourceSpans": [{
                "resource": {"attributes": [{"key": "user.id", "value": {"stringValue": "user-17"}}]},
                "scopeSpans": [{"spans": [{}]}]
            }]}"#;
            let request = schemas::json::to_protobuf(schemas::Signal::Traces, json).expect("OTLP");
            let mut out = Vec::new();
            redact::Rewriter::new(config.rules)
                .transform(schemas::Signal::Traces, &request, &mut out)
                .expect("a sound request");
            assert!(!out.windows(7).any(|part| part == b"user-17"));
            out
        };
        assert_eq!(hashed(""), hashed(""));
        assert_ne!(hashed(""), hashed("0123456789abcdef"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut raw = RawConfig::default();
        raw.redact.hash.key = Secret("a secret of sixteen bytes".to_owned());
        assert!(!format!("{raw:?}").contains("sixteen"));
        let json = serde_json::to_string(&raw).expect("JSON");
        assert!(!json.contains("sixteen"));
    }
}
