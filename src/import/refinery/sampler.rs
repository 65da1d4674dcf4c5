//! Refinery's samplers as policies: one in N, and rates by key.

use serde_json::{Map, Value, json};

use super::super::yaml::Yaml;
use super::super::{entries, items};

/// Keeps one trace in N; `None`: all of them.
pub(super) fn one_in(name: &str, rate: Option<&Value>) -> Option<Value> {
    let rate = rate.and_then(Value::as_f64).unwrap_or(1.0);
    (rate > 1.0).then(|| {
        json!({"name": name, "type": "probabilistic", "probabilistic": {"sampling_percentage": percentage(rate)}})
    })
}

fn percentage(one_in: f64) -> f64 {
    // Seven digits are enough for a rate, and 100 / 3 is readable.
    (1e9 / one_in.max(1.0)).round() / 1e7
}

/// One policy for a section with a single sampler in it, such as `EMADynamicSampler: {…}`.
pub(super) fn policy(name: &str, section: &Value, list: &mut Yaml) -> Value {
    let all = || json!({"name": name, "type": "always_sample"});
    let Some((kind, of)) = entries(Some(section)).next() else {
        list.remark(format!(
            "{name}: a sampler that says nothing keeps everything"
        ));
        return all();
    };
    if kind == "DeterministicSampler" {
        return one_in(name, of.get("SampleRate")).unwrap_or_else(all);
    }
    let Some(throughput) = throughput(kind, of, name, list) else {
        list.remark(format!(
            "{name}: sampler {kind} has no equal here; everything is kept in its place"
        ));
        return all();
    };
    json!({"name": name, "type": "throughput", "throughput": throughput})
}

fn throughput(kind: &str, of: &Value, name: &str, list: &mut Yaml) -> Option<Value> {
    let number = |key: &str| of.get(key).and_then(Value::as_f64);
    let mut ours = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            ours.insert(key.to_owned(), value);
        }
    };
    match kind {
        "DynamicSampler" | "EMADynamicSampler" => {
            let goal = number("GoalSampleRate").or(number("SampleRate"));
            set(
                "sampling_percentage",
                Some(json!(percentage(goal.unwrap_or(1.0)))),
            );
        }
        "EMAThroughputSampler" | "WindowedThroughputSampler" | "TotalThroughputSampler" => {
            let goal = number("GoalThroughputPerSec").unwrap_or(100.0);
            set("spans_per_second", Some(json!(goal)));
            let initial = number("InitialSampleRate").map(|rate| json!(percentage(rate)));
            set("initial_percentage", initial);
        }
        _ => return None,
    }
    set(
        "keys",
        Some(
            items(of.get("FieldList"))
                .iter()
                .filter_map(Value::as_str)
                .map(key)
                .collect(),
        ),
    );
    match kind {
        "EMADynamicSampler" | "EMAThroughputSampler" => {
            set("method", Some(json!("ema")));
            set("interval", of.get("AdjustmentInterval").cloned());
            set("weight", of.get("Weight").cloned());
        }
        "DynamicSampler" => {
            set("method", Some(json!("ema")));
            set(
                "interval",
                Some(of.get("ClearFrequency").cloned().unwrap_or(json!("30s"))),
            );
            list.remark(format!(
                "{name}: DynamicSampler became a moving average, which Refinery recommends, too"
            ));
        }
        _ => {
            set("method", Some(json!("windowed")));
            let (interval, window) = match kind {
                "WindowedThroughputSampler" => ("UpdateFrequency", "LookbackFrequency"),
                _ => ("", "ClearFrequency"),
            };
            set("interval", of.get(interval).cloned());
            set("window", of.get(window).cloned());
        }
    }
    set("max_keys", of.get("MaxKeys").cloned());
    for unlike in [
        "UseTraceLength",
        "AgeOutValue",
        "BurstMultiple",
        "BurstDetectionDelay",
        "UseClusterSize",
    ] {
        if of.get(unlike).is_some_and(|value| value != &json!(false)) {
            list.remark(format!(
                "{name}: `{unlike}` has no equal here{}",
                match unlike {
                    "UseClusterSize" => "; the goal is that of all samplers together",
                    _ => "",
                }
            ));
        }
    }
    Some(Value::Object(ours))
}

/// A field as a key of `throughput`.
fn key(field: &str) -> String {
    let (prefix, bare) = match field.strip_prefix("root.") {
        Some(bare) => ("root.", bare),
        None => ("", field),
    };
    let ours = match bare {
        "name" => "operation",
        "status_code" | "error" => "status",
        "span.kind" => "kind",
        other => other,
    };
    format!("{prefix}{ours}")
}
