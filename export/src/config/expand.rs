//! Backends as what they stand for, for `tailwater check --expand`: presets as the kinds that they expand to, and limits as they hold.
//!
//! What is printed may be written into a configuration, once the credentials are put back: they are `****` here.

use runtime::config::{ByteSize, Duration, Problems};
use schemas::Signal;
use serde_json::{Map, Value, json};

use super::backend::RawBackend;
use super::section::RawConfig;
use crate::records::limits::{BatchLimits, ItemLimits};

const HIDDEN: &str = "****";

/// Headers of presets that hold no credentials. Of all others the values are hidden.
const SHOWN: [&str; 8] = [
    "compute_stats",
    "cx-application-name",
    "cx-subsystem-name",
    "x-aws-log-group",
    "x-aws-log-stream",
    "x-goog-user-project",
    "x-honeycomb-dataset",
    "x-scope-orgid",
];

/// A backend as what it stands for.
pub struct ExpandedBackend {
    /// As it would be written, without what is absent or empty.
    pub written: Value,
    /// What the keys can't say: limits that differ by signal.
    pub remarks: Vec<String>,
}

impl RawConfig {
    /// Each backend as what it stands for, in the order of the configuration. For a valid configuration.
    pub fn expanded(&self) -> Vec<ExpandedBackend> {
        self.backends.iter().map(expanded).collect()
    }
}

fn expanded(raw: &RawBackend) -> ExpandedBackend {
    let signals = raw.validate_signals("", &mut Problems::new());
    // What was read from a configuration can always be written.
    let written = serde_json::to_value(raw).unwrap_or_default();
    let Value::Object(written) = written else {
        return ExpandedBackend {
            written,
            remarks: Vec::new(),
        };
    };
    let expansion = raw.expansion(&signals);
    let limits: Vec<_> = (signals.iter())
        .map(|signal| raw.batch.limits(raw.usual_batch(*signal)))
        .collect();
    let of_items: Vec<_> = (signals.iter())
        .map(|signal| limits_of_items(&raw.item_limits(*signal)))
        .collect();
    let mut entries = Map::new();
    for (key, value) in written {
        match &expansion {
            Some((preset, expansion)) if *preset == key => {
                entries.insert(expansion.key.to_owned(), expansion.section.clone())
            }
            _ if key == "signals" => {
                let names: Vec<_> = signals.iter().map(|signal| signal.name()).collect();
                entries.insert(key, json!(names))
            }
            _ if key == "limits" => entries.insert(key, common_limits(&of_items)),
            _ if key == "metrics" && signals.contains(&Signal::Metrics) => {
                let metrics = raw.metrics.or(raw.usual_temporality());
                entries.insert(key, json!(metrics))
            }
            _ if key == "metrics" => None,
            // It would contradict what the kind's section says.
            _ if key == "batch" && raw.has_own_limits() => None,
            _ if key == "batch" => entries.insert(key, batch(&smallest(&limits))),
            _ => entries.insert(key, value),
        };
    }
    let mut written = Value::Object(entries);
    hide(&mut written);
    ExpandedBackend {
        written: without_nothing(written),
        remarks: [
            remarks(&signals, &limits),
            remarks_of_items(&signals, &of_items),
        ]
        .concat(),
    }
}

/// What holds for all signals.
fn smallest(limits: &[BatchLimits]) -> BatchLimits {
    let least = |left: BatchLimits, right: &BatchLimits| BatchLimits {
        bytes: left.bytes.min(right.bytes),
        items: left.items.min(right.items),
        timeout: left.timeout.min(right.timeout),
        waiting_bytes: left.waiting_bytes,
    };
    let (first, others) = match limits.split_first() {
        Some((first, others)) => (*first, others),
        None => (BatchLimits::USUAL, limits),
    };
    others.iter().fold(first, least)
}

fn batch(limits: &BatchLimits) -> Value {
    json!({
        "bytes": ByteSize(limits.bytes as u64),
        "items": items(limits),
        "timeout": Duration(limits.timeout),
    })
}

/// 0: no limit.
fn items(limits: &BatchLimits) -> usize {
    match limits.items {
        usize::MAX => 0,
        items => items,
    }
}

/// Says which limits hold for each signal, where they aren't the same.
fn remarks(signals: &[Signal], limits: &[BatchLimits]) -> Vec<String> {
    if limits.windows(2).all(|two| two[0] == two[1]) {
        return Vec::new();
    }
    let of = |(signal, limits): (&Signal, &BatchLimits)| {
        let (name, bytes) = (signal.name(), ByteSize(limits.bytes as u64));
        format!(
            "batch of {name}: {{bytes: {bytes}, items: {}}}",
            items(limits)
        )
    };
    signals.iter().zip(limits).map(of).collect()
}

fn limits_of_items(limits: &ItemLimits) -> Value {
    json!({
        "max_age": limits.max_age.map(Duration),
        "max_future": limits.max_future.map(Duration),
        "item_bytes": limits.item_bytes.map(|bytes| ByteSize(bytes as u64)),
        "attribute_bytes": limits.attribute_bytes.map(|bytes| ByteSize(bytes as u64)),
        "clip": limits.clip,
    })
}

/// The limits of items, if they are the same for all signals.
fn common_limits(limits: &[Value]) -> Value {
    let is_common = limits.windows(2).all(|two| two[0] == two[1]);
    let first = limits.first().filter(|_| is_common);
    first.cloned().unwrap_or_default()
}

fn remarks_of_items(signals: &[Signal], limits: &[Value]) -> Vec<String> {
    if limits.windows(2).all(|two| two[0] == two[1]) {
        return Vec::new();
    }
    let of = |(signal, limits): (&Signal, &Value)| {
        let limits = without_nothing(limits.clone());
        format!("limits of {}: {limits}", signal.name())
    };
    signals.iter().zip(limits).map(of).collect()
}

/// Headers, properties of clients, and the queries of addresses, may be credentials.
fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::Object(headers) if key == "headers" || key == "properties" => {
                        headers.iter_mut().for_each(hide_header)
                    }
                    Value::String(text) => {
                        if let Some((address, _)) = text.split_once('?')
                            && address.contains("://")
                        {
                            *text = format!("{address}?{HIDDEN}");
                        }
                    }
                    _ => hide(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn hide_header((name, value): (&String, &mut Value)) {
    if !SHOWN.contains(&name.to_ascii_lowercase().as_str()) {
        *value = HIDDEN.into();
    }
}

/// Without keys that are absent, and empty lists. An empty section stays: it may be a kind without keys.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let is_said = |value: &Value| !value.is_null() && *value != json!([]);
            let left = map.into_iter().filter(|(_, value)| is_said(value));
            Value::Object(
                left.map(|(key, value)| (key, without_nothing(value)))
                    .collect(),
            )
        }
        value => value,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn raw(backends: Value) -> RawConfig {
        serde_json::from_value(json!({ "backends": backends })).unwrap()
    }

    #[test]
    fn what_a_preset_stands_for_stands_for_itself() {
        let presets = raw(json!([
            {"name": "a", "tempo": {"endpoint": "http://t:4317", "tenant": "{tenant}"}},
            {"name": "b", "newrelic": {"api_key": "k"}, "batch": {"timeout": "1s"}},
            {"name": "c", "signals": ["metrics"], "gcp": {"token": "t"}},
            {"name": "d", "stdout": {}},
        ]));
        let written = |config: &RawConfig| -> Vec<_> {
            let backends = config.expanded().into_iter();
            backends.map(|backend| backend.written).collect()
        };
        let once = written(&presets);
        assert_eq!(once, written(&raw(Value::Array(once.clone()))));
        assert_eq!(once[0]["signals"], json!(["traces"]));
        assert_eq!(once[0]["otlp_grpc"]["headers"]["x-scope-orgid"], "{tenant}");
        assert_eq!(once[1]["batch"]["bytes"], json!(ByteSize(900_000)));
        assert_eq!(once[1]["batch"]["timeout"], "1s");
        assert_eq!(once[2]["batch"]["items"], 200);
        assert_eq!(once[3]["stdout"], json!({}));
    }

    #[test]
    fn credentials_are_hidden_wherever_they_are() {
        let config = raw(json!([
            {"name": "a", "datadog": {"api_key": "hidden"}},
            {"name": "b", "otlp_http": {
                "endpoint": "https://h/otlp?token=hidden",
                "headers": {"x-own": "hidden"},
            }},
            {"name": "c", "honeycomb": {"headers": {"X-Honeycomb-Team": "hidden"}, "dataset": "d"}},
            {"name": "d", "otlp_http": {"endpoint": "https://h", "auth": {
                "oidc": {"token_url": "https://i/t?k=hidden", "client_id": "c", "client_secret": "hidden"},
            }}},
            {"name": "e", "gcp": {"auth": {"azure": {"client_secret": "hidden"}}}},
        ]));
        let shown: Vec<_> = config
            .expanded()
            .iter()
            .map(|one| one.written.to_string())
            .collect();
        assert!(!shown.concat().contains("hidden"), "{shown:?}");
        assert!(
            shown[2].contains(r#""x-honeycomb-dataset":"d""#),
            "{shown:?}"
        );
    }

    #[test]
    fn limits_that_differ_by_signal_are_said() {
        let config = raw(json!([
            {"name": "a", "dynatrace": {"environment": "e", "token": "t"}},
            {"name": "b", "newrelic": {"api_key": "k"}},
        ]));
        let expanded = config.expanded();
        assert_eq!(expanded[0].remarks.len(), 6, "{:?}", expanded[0].remarks);
        assert!(expanded[0].remarks[3].contains(r#""max_age":"1h""#));
        assert_eq!(
            expanded[0].written["batch"]["bytes"],
            json!(ByteSize(1_900_000))
        );
        assert!(expanded[1].remarks.is_empty());
        assert_eq!(expanded[1].written["limits"]["clip"], true);
    }
}
