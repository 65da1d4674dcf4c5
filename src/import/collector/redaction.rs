//! The Collector's `redaction` processor: detectors of its patterns and lists of keys in `enrich.pii`, and a step for its patterns of keys.
//!
//! What has no equal is said; then more is redacted here than there, and never less without a word.

mod keys;

use runtime::config::{Problems, load};
use serde_json::{Map, Value, json};

use super::super::value::{at, items};
use super::super::yaml::{Weight, Yaml};
use super::component::{Component, Reason, kind, leftovers, reasons};

/// What all processors of this type together become.
#[derive(Default)]
pub(super) struct Redaction {
    keys: Vec<Value>,
    detectors: Map<String, Value>,
    allow: Option<Vec<String>>,
    skip: Option<Vec<String>>,
    /// Sections that were taken over: written alike for pipelines of several signals, as they have to be there.
    known: Vec<Value>,
    /// Before everything that looks at values.
    pub(super) steps: Vec<Value>,
}

/// Whether a processor is one of them.
pub(super) fn is_it(id: &str) -> bool {
    kind(id) == "redaction"
}

/// Whether it does anything.
pub(super) fn concerns(section: &Value) -> bool {
    let lists = ["blocked_values", "blocked_key_patterns"];
    lists.iter().any(|key| !items(section.get(key)).is_empty()) || !allows_all(section)
}

/// Whether it leaves attributes there, whatever they are called.
pub(super) fn allows_all(section: &Value) -> bool {
    section.get("allow_all_keys").and_then(Value::as_bool) == Some(true)
}

const KEY: &str = "${env:TAILWATER_HASH_KEY}";
/// Fewer than a configuration may have of its own.
const DETECTORS_MAX: usize = 40;

const KNOWN: [&str; 11] = [
    "blocked_values",
    "blocked_key_patterns",
    "allow_all_keys",
    "allowed_keys",
    "ignored_keys",
    "ignored_key_patterns",
    "redact_all_types",
    "hash_function",
    "hmac_key",
    "url_sanitizer",
    "db_sanitizer",
];

const ODD: &[Reason] = &[
    (
        "allowed_values",
        Weight::Lost,
        "there is no exception from a pattern here, so what it allowed is redacted too; narrow the pattern, or name keys in `exclude` of its detector",
    ),
    (
        "summary",
        Weight::Note,
        "no attribute says what was redacted; `tailwater_enrich_pii_total` counts it by detector",
    ),
];

impl Redaction {
    /// Takes one processor over; `signals` are those that it is used for.
    pub(super) fn add(&mut self, (id, section): &Component, signals: &[&str], enrich: &mut Yaml) {
        self.steps.extend(keys::step(id, section, signals, enrich));
        if self.known.contains(section) {
            return;
        }
        self.known.push((*section).clone());
        let of = format!("processor {id}");
        let mut known = reasons(&of, section, ODD, enrich);
        known.extend(KNOWN);
        leftovers(&of, section, &known, enrich);
        let action = self.action(&of, section, enrich);
        self.values(id, section, action, enrich);
        self.lists_of_keys(&of, section, enrich);
        if at(section, &["redact_all_types"]).and_then(Value::as_bool) == Some(true) {
            enrich.changed(format!(
                "{of}: `redact_all_types`: here numbers are looked at under keys that say what they are, such as `card` or `phone`, and booleans never"
            ));
        }
        sanitizers(&of, section, enrich);
    }

    /// The section `pii`.
    pub(super) fn pii(self) -> Yaml {
        let mut pii = Yaml::map();
        if self.detectors.is_empty() && self.allow.is_none() {
            return pii;
        }
        pii.set("keys", Value::Array(self.keys));
        pii.set("detectors", Value::Object(self.detectors));
        if let Some(allow) = self.allow {
            pii.set("allow_keys", json!(allow));
        }
        // The processor knows no keys that need no look. An empty list says so, too.
        pii.set(
            "skip_keys",
            Yaml::Plain(json!(self.skip.unwrap_or_default())),
        );
        pii
    }

    /// What becomes of what matches; `None`: it is masked.
    fn action(&mut self, of: &str, section: &Value, enrich: &mut Yaml) -> Option<&'static str> {
        let function = section.get("hash_function").and_then(Value::as_str);
        let function = function.unwrap_or_default().to_lowercase();
        let own = section.get("hmac_key").and_then(Value::as_str);
        let key = match (function.as_str(), own) {
            ("", _) => return None,
            ("md5" | "sha1" | "sha3", _) => {
                enrich.changed(format!(
                    "{of}: `hash_function`: {function} without a key, which is undone by trying; here an HMAC under `pii.keys`, so hashes differ"
                ));
                KEY
            }
            ("hmac-sha256" | "hmac-sha512", Some(own)) => {
                enrich.changed(format!(
                    "{of}: `hash_function`: {function} in full there; here `k1:` and 16 digits of HMAC-SHA256 under the same key, so hashes differ"
                ));
                own
            }
            _ => {
                enrich.lost(format!(
                    "{of}: `hash_function`: {function} can't be used without a key or isn't known; what matches is masked"
                ));
                return None;
            }
        };
        match self.keys.first() {
            None => self.keys.push(json!({"id": "k1", "key": key})),
            Some(first) if first["key"] == key => {}
            Some(_) => enrich.changed(format!(
                "{of}: it hashed under a key of its own; here all hashes are made under the first of `pii.keys`"
            )),
        }
        Some("hash")
    }

    fn values(&mut self, id: &str, section: &Value, action: Option<&str>, enrich: &mut Yaml) {
        let mut sound = Vec::new();
        for pattern in items(section.get("blocked_values")) {
            match refused(&json!({"pattern": pattern})) {
                None => sound.extend(pattern.as_str()),
                Some(why) => enrich.lost(format!(
                    "processor {id}, `blocked_values`: {why}: {pattern}"
                )),
            }
        }
        let room = DETECTORS_MAX.saturating_sub(self.detectors.len()).max(1);
        let together = sound.len().div_ceil(room).max(1);
        for (number, patterns) in sound.chunks(together).enumerate() {
            let pattern = match patterns {
                [one] => (*one).to_owned(),
                many => {
                    let many: Vec<_> = many.iter().map(|one| format!("(?:{one})")).collect();
                    many.join("|")
                }
            };
            let mut detector = Map::from_iter([("pattern".to_owned(), json!(pattern))]);
            if let Some(action) = action {
                detector.insert("action".to_owned(), json!(action));
            }
            self.detectors
                .insert(name(id, number), Value::Object(detector));
        }
    }

    fn lists_of_keys(&mut self, of: &str, section: &Value, enrich: &mut Yaml) {
        let mut ignored = texts(section, "ignored_keys");
        for pattern in texts(section, "ignored_key_patterns") {
            match keys::as_keys(&pattern) {
                Some(keys) => ignored.push(keys),
                None => enrich.lost(format!(
                    "{of}: `ignored_key_patterns`: {pattern:?} is no beginning of keys, which is what `skip_keys` takes (`safe_*`); name the keys there"
                )),
            }
        }
        let several = self.skip.is_some();
        let skip = self.skip.get_or_insert_with(|| ignored.clone());
        let before = skip.len();
        skip.retain(|key| ignored.contains(key));
        if several && (before != skip.len() || ignored.len() != skip.len()) {
            enrich.changed(format!(
                "{of}: keys that not every redaction processor ignores are looked at here"
            ));
        }
        let mut allowed = texts(section, "allowed_keys");
        if allows_all(section) {
            if !allowed.is_empty() {
                enrich.remark(format!(
                    "{of}: `allowed_keys` was left out, all keys are allowed"
                ));
            }
            return;
        }
        if allowed.is_empty() && ignored.is_empty() {
            enrich.remark(format!(
                "{of}: it allows no keys at all; `allow_keys` has to name one, and the service's name is always allowed"
            ));
            allowed.push("service.name".to_owned());
        }
        allowed.extend(ignored);
        enrich.changed(format!(
            "{of}: attributes that are not allowed lose their values here (`****`), where they are removed there; service.name, service.namespace and service.instance.id stay"
        ));
        match &mut self.allow {
            None => self.allow = Some(allowed),
            Some(all) => {
                all.retain(|key| allowed.contains(key));
                // An empty list would allow everything.
                if all.is_empty() {
                    all.push("service.name".to_owned());
                }
            }
        }
    }
}

fn sanitizers(of: &str, section: &Value, enrich: &mut Yaml) {
    let is_on = |section: &Value| section.get("enabled").and_then(Value::as_bool) == Some(true);
    if section.get("url_sanitizer").is_some_and(is_on) {
        enrich.lost(format!(
            "{of}: `url_sanitizer`: by attribute there; here the detector `url` (`pii.detectors: {{url: {{action: mask}}}}`) leaves scheme, host and path without ids of every URL, and the step `span_name` takes ids out of names of spans"
        ));
    }
    let databases = section.get("db_sanitizer").and_then(Value::as_object);
    if databases.is_some_and(|databases| databases.values().any(is_on)) {
        enrich.lost(format!(
            "{of}: `db_sanitizer`: has no equal; let instrumentations leave values out of queries, which they do by default for db.query.text, or delete the attribute by `redact.delete`"
        ));
    }
}

fn texts(section: &Value, key: &str) -> Vec<String> {
    let all = items(section.get(key)).iter().filter_map(Value::as_str);
    all.map(str::to_owned).collect()
}

/// A detector's name: small letters, digits and `_`.
fn name(id: &str, number: usize) -> String {
    let fits = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let id: String = id.chars().take(50).map(fits).collect();
    format!("{id}_{number}")
}

/// Why a detector can't be taken, if so.
fn refused(detector: &Value) -> Option<String> {
    let text = json!({"pii": {"detectors": {"tried": detector}}}).to_string();
    let environment = |_: &str| Some("x".to_owned());
    let validate = |raw: &enrich::RawConfig, problems: &mut Problems| {
        raw.validate("", problems);
    };
    let report = load("", &text, &environment, validate).err()?;
    let report = report.to_string();
    let first = report.lines().next().unwrap_or_default();
    let message = first.split_once(": ").map_or(first, |(_, message)| message);
    Some(message.replace("pii.detectors.tried.", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_held_against_our_own_reading() {
        assert_eq!(refused(&json!({"pattern": "4[0-9]{12}"})), None);
        for pattern in ["(", "a*", "(?=a)b"] {
            let why = refused(&json!({"pattern": pattern}));
            assert!(why.is_some(), "{pattern}");
        }
    }
}
