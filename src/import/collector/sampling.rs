//! The `tail_sampling` section: when a trace is decided, and by which policies.

use runtime::config::Duration;
use serde_json::{Value, json};

use super::super::duration;
use super::super::value::{entries, items};
use super::super::yaml::Yaml;
use super::policies;

/// `None`: nothing is sampled.
pub(super) fn sampler(section: Option<&Value>) -> Yaml {
    let mut sampler = Yaml::map();
    let mut list = Yaml::list();
    let Some(section) = section else {
        sampler.remark("no pipeline samples: every trace is kept");
        list.push(json!({"name": "all", "type": "always_sample"}));
        sampler.set("policies", list);
        return sampler;
    };
    for (key, value) in entries(Some(section)) {
        match key {
            "decision_wait" => {
                sampler.set(key, duration::carried(value));
                let wait = value.as_str().and_then(duration::parse);
                if let Some(hold) = wait.and_then(verdicts_hold) {
                    sampler.set("decision_cache_ttl", Value::from(hold.to_string()));
                }
            }
            "decision_wait_after_root_received" => sampler.set(key, duration::carried(value)),
            "sample_on_first_match" => sampler.set(key, value.clone()),
            "maximum_trace_size_bytes" if value.as_u64() == Some(0) => {}
            "maximum_trace_size_bytes" => sampler.set(key, value.clone()),
            "policies" => {}
            _ => without_equal(key, value, &mut sampler),
        }
    }
    for (at, policy) in items(section.get("policies")).iter().enumerate() {
        policies::add(policy, at, &mut list);
    }
    if list.says_nothing() {
        list.remark("no policy is left: every trace is kept");
        list.push(json!({"name": "all", "type": "always_sample"}));
    }
    sampler.set("policies", list);
    sampler
}

/// Says why a key is not needed, or that there is nothing like it.
fn without_equal(key: &str, value: &Value, sampler: &mut Yaml) {
    let why = match (key, value.as_str()) {
        ("num_traces", _) => {
            "not needed, an open trace takes a few hundred bytes and none is evicted; `memory_limit` bounds the record cache"
        }
        ("expected_new_traces_per_sec", _) => "not needed, memory follows the traffic",
        ("block_on_overflow", _) => {
            "not needed, what doesn't fit in memory is read from the bus again"
        }
        ("decision_cache", _) => {
            "sizes are not needed, a verdict holds for late spans by time: `decision_cache_ttl` (10m)"
        }
        ("drop_pending_traces_on_shutdown", _) => {
            "nothing is lost or decided early by a shutdown, open traces are on the bus"
        }
        ("sampling_strategy", Some("trace-complete")) => {
            "trace-complete is how Tailwater decides, always"
        }
        ("sampling_strategy", _) => {
            "no equal; Tailwater decides whole traces, which keeps the same traces and drops no more"
        }
        ("tail_storage", _) => "not needed, the bus holds what is undecided",
        _ => {
            sampler.lost(format!("{key}: no equal here"));
            return;
        }
    };
    sampler.remark(format!("{key}: {why}"));
}

/// A verdict has to hold at least twice as long as traces wait.
fn verdicts_hold(wait: Duration) -> Option<Duration> {
    let long = wait > Duration::from_secs(300);
    long.then(|| Duration(wait.0 * 2))
}
