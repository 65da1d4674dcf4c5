//! What is wrong with a section is found, all of it, by its path.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use runtime::config::Duration;
use serde_json::Value;

use super::*;

mod policies;

/// Paths of the problems with a section, in order.
#[track_caller]
fn check(section: Value, paths: &[&str]) {
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut problems = Problems::new();
    raw.validate("sampler", &mut problems);
    let found: Vec<_> = problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert_eq!(found, paths, "{problems:?}");
}

#[test]
fn the_default_is_valid_and_is_what_an_empty_section_gives() {
    check(json!({}), &[]);
    let raw: RawConfig = serde_json::from_value(json!({})).unwrap();
    let config = raw.validate("", &mut Problems::new());
    assert_eq!(config.policies.names(), ["errors", "slow", "some"]);
    assert_eq!(config.options.decision_wait_ms, 30_000);
}

#[test]
fn what_the_bus_says_outlives_another_configuration() {
    let config = |section| {
        let raw: RawConfig = serde_json::from_value(section).unwrap();
        raw.validate("", &mut Problems::new())
    };
    let said = BusProperties {
        decision_log: 0,
        partitions: 7,
        record_bytes_max: 1000,
        record_bytes_limit: 2000,
        copy_cached: false,
        stamps: true,
    };
    let mut running = config(json!({}));
    running.options.bus = said;
    running.take_over(config(json!({
        "decision_wait": "5s",
        "policies": [{"name": "all", "type": "always_sample"}],
    })));
    assert_eq!(running.options.bus, said);
    assert_eq!(running.options.decision_wait_ms, 5000);
    assert_eq!(running.policies.names(), ["all"]);
}

#[test]
fn what_is_written_is_read_back() {
    let raw = RawConfig::default();
    let text = serde_json::to_string(&raw).unwrap();
    let again: RawConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(again.policies, raw.policies);
}

#[test]
fn times_and_sizes_are_checked_together() {
    check(
        json!({"decision_wait": "10ms", "decision_wait_after_root_received": "1m", "decision_cache_ttl": "1ms", "epoch_interval": "0s",
            "epoch_bytes": 1, "memory_limit": "1KiB", "statistics_limit": 1, "maximum_trace_size_bytes": 0}),
        &[
            "sampler.decision_wait",
            "sampler.decision_wait_after_root_received",
            "sampler.decision_cache_ttl",
            "sampler.epoch_interval",
            "sampler.epoch_bytes",
            "sampler.memory_limit",
            "sampler.statistics_limit",
            "sampler.maximum_trace_size_bytes",
        ],
    );
}

#[test]
fn promoted_keys_are_few_and_each_is_there_once() {
    check(json!({"promote": ["tenant.id", "feature_flag.key"]}), &[]);
    check(
        json!({"promote": ["a", "", "b", "a"]}),
        &["sampler.promote[1]", "sampler.promote[3]"],
    );
    let many: Vec<_> = (0..9).map(|n| format!("key-{n}")).collect();
    check(json!({"promote": many[..8]}), &[]);
    check(json!({"promote": many}), &["sampler.promote"]);
}

#[test]
fn unknown_keys_are_refused() {
    for section in [
        json!({"decision_weight": "3s"}),
        json!({"policies": [{"name": "a", "type": "latency", "latency": {"treshold_ms": 1}}]}),
        json!({"policies": [{"name": "a", "type": "latency", "latncy": {}}]}),
    ] {
        assert!(serde_json::from_value::<RawConfig>(section).is_err());
    }
}

#[test]
fn keys_of_the_collector_are_explained() {
    let schema = serde_json::to_value(schemars::schema_for!(RawConfig)).unwrap();
    let keys = &schema[runtime::config::FOREIGN_KEYS];
    assert!(
        keys["num_traces"]
            .as_str()
            .unwrap()
            .contains("memory_limit")
    );
    for key in keys.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_none(), "{key}");
    }
}

#[test]
fn the_generation_changes_with_what_verdicts_depend_on() {
    let generation = |change: fn(&mut RawConfig)| {
        let mut raw = RawConfig::default();
        change(&mut raw);
        raw.validate("", &mut Problems::new()).options.generation
    };
    let usual = generation(|_| {});
    assert_eq!(generation(|raw| raw.workers = 3), usual);
    assert_ne!(
        generation(|raw| raw.decision_wait = Duration::from_secs(31)),
        usual
    );
    assert_ne!(
        generation(|raw| raw.policies[0].name = "other".into()),
        usual
    );
}
