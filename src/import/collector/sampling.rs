//! The `tail_sampling` section: when a trace is decided, and by which policies.

use serde_json::Value;

use super::super::yaml::Yaml;
use super::super::{entries, items};
use super::policies;

pub(super) fn sampler(section: &Value) -> Yaml {
    let mut sampler = Yaml::map();
    for (key, value) in entries(Some(section)) {
        match key {
            "decision_wait" => {
                sampler.set(key, value.clone());
                let long = value.as_str().and_then(seconds).is_some_and(|s| s > 300.0);
                if long {
                    sampler.set("decision_cache_ttl", Value::from(twice(value)));
                }
            }
            "decision_wait_after_root_received" | "sample_on_first_match" => {
                sampler.set(key, value.clone());
            }
            "maximum_trace_size_bytes" if value.as_u64() == Some(0) => {}
            "maximum_trace_size_bytes" => sampler.set(key, value.clone()),
            "policies" => {}
            _ => sampler.remark(without_equal(key, value)),
        }
    }
    let mut list = Yaml::List(Vec::new());
    for policy in items(section.get("policies")) {
        policies::add(policy, &mut list);
    }
    sampler.set("policies", list);
    sampler
}

/// Why a key is not needed, or that there is nothing like it.
fn without_equal(key: &str, value: &Value) -> String {
    match (key, value.as_str()) {
        ("num_traces", _) => "num_traces: not needed, open traces take about a hundred bytes each and none is evicted; `memory_limit` bounds the record cache",
        ("expected_new_traces_per_sec", _) => "expected_new_traces_per_sec: not needed, memory follows the traffic",
        ("block_on_overflow", _) => "block_on_overflow: not needed, what doesn't fit in memory is read from the bus again",
        ("decision_cache", _) => "decision_cache: sizes are not needed, a verdict holds for late spans by time: `decision_cache_ttl` (10m)",
        ("drop_pending_traces_on_shutdown", _) => "drop_pending_traces_on_shutdown: nothing is lost or decided early by a shutdown, open traces are on the bus",
        ("sampling_strategy", Some("trace-complete")) => "sampling_strategy: trace-complete is how Tailwater decides, always",
        ("sampling_strategy", _) => "sampling_strategy: no equal; Tailwater decides whole traces, which keeps the same traces and drops no more",
        ("tail_storage", _) => "tail_storage: not needed, the bus holds what is undecided",
        _ => return format!("{key}: no equal here"),
    }
    .to_owned()
}

/// Go's durations, as far as one unit goes.
fn seconds(text: &str) -> Option<f64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..split].parse().ok()?;
    let unit = match &text[split..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(number * unit)
}

/// A verdict has to hold at least twice as long as traces wait.
fn twice(wait: &Value) -> String {
    let seconds = wait.as_str().and_then(seconds).unwrap_or(300.0);
    format!("{:.0}s", (seconds * 2.0).ceil())
}
