//! The `sampler` section of the configuration.

use std::sync::Arc;
use std::time;

use runtime::config::{ByteSize, Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::partition::Options;
use crate::policy::{Policies, RawLatency, RawPolicy, RawProbabilistic, RawStatusCode};

/// The section as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// From a trace's first span to its verdict.
    pub decision_wait: Duration,
    /// From a trace's root span to its verdict; 0s: only `decision_wait` counts.
    pub decision_wait_after_root_received: Duration,
    /// How long a verdict holds for late spans; at least twice `decision_wait`.
    pub decision_cache_ttl: Duration,
    /// Bound of the record caches of all partitions together; what doesn't fit is read from the bus again.
    pub memory_limit: ByteSize,
    /// A trace that grows beyond it is dropped at once; absent: no limit.
    pub maximum_trace_size_bytes: Option<ByteSize>,
    /// Stop evaluating policies at the first that matches; the verdict is the same.
    pub sample_on_first_match: bool,
    pub delivery: RawDelivery,
    /// An epoch ends when it is this old,
    pub epoch_interval: Duration,
    /// or has read this much input.
    pub epoch_bytes: ByteSize,
    /// Worker threads; 0: one a core.
    pub workers: usize,
    /// On an idle partition, the clock follows the wall clock this far behind.
    pub idle_allowance: Duration,
    pub policies: Vec<RawPolicy>,
}

/// How epochs are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawDelivery {
    #[default]
    ExactlyOnce,
    AtLeastOnce,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            decision_wait: Duration::from_secs(30),
            decision_wait_after_root_received: Duration::default(),
            decision_cache_ttl: Duration::from_secs(600),
            memory_limit: ByteSize::mib(512),
            maximum_trace_size_bytes: None,
            sample_on_first_match: false,
            delivery: RawDelivery::default(),
            epoch_interval: Duration::from_millis(250),
            epoch_bytes: ByteSize::mib(8),
            workers: 0,
            idle_allowance: Duration::from_secs(2),
            policies: default_policies(),
        }
    }
}

/// A valid section. `options.partitions` and `options.record_bytes_max` are for the caller to set from the bus.
#[derive(Clone, Debug)]
pub struct Config {
    pub options: Options,
    pub policies: Arc<Policies>,
    pub memory_limit_bytes: usize,
    pub delivery: bus::Delivery,
    pub epoch_interval: time::Duration,
    pub epoch_bytes: usize,
    /// 0: one a core.
    pub workers: usize,
    pub idle_allowance: time::Duration,
}

/// Every error, every trace over two seconds, a tenth of the rest.
fn default_policies() -> Vec<RawPolicy> {
    let policy = |name: &str, kind: &str| RawPolicy {
        name: name.into(),
        kind: kind.into(),
        ..RawPolicy::default()
    };
    vec![
        RawPolicy {
            status_code: Some(RawStatusCode {
                status_codes: vec!["ERROR".into()],
            }),
            ..policy("errors", "status_code")
        },
        RawPolicy {
            latency: Some(RawLatency {
                threshold_ms: 2000,
                upper_threshold_ms: 0,
            }),
            ..policy("slow", "latency")
        },
        RawPolicy {
            probabilistic: Some(RawProbabilistic {
                sampling_percentage: 10.0,
                ..RawProbabilistic::default()
            }),
            ..policy("some", "probabilistic")
        },
    ]
}

/// Below it windows would close before a trace's spans are on the bus.
const DECISION_WAIT_MIN_MS: u64 = 100;
const EPOCH_INTERVAL_MS: std::ops::RangeInclusive<u64> = 10..=10_000;
const EPOCH_BYTES_MIN: u64 = 64 << 10;
const MEMORY_LIMIT_MIN: u64 = 1 << 20;

impl RawConfig {
    /// Every problem goes to `problems` by its path below `path`; the result is only of use when there are none.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        self.check_times(path, problems);
        self.check_sizes(path, problems);
        let policies = Policies::compile(
            &self.policies,
            self.sample_on_first_match,
            &at(path, "policies"),
            problems,
        );
        let decision_wait_ms = millis(self.decision_wait);
        Config {
            options: Options {
                decision_wait_ms,
                decision_wait_after_root_ms: millis(self.decision_wait_after_root_received),
                decision_cache_ttl_ms: millis(self.decision_cache_ttl),
                maximum_trace_size_bytes: self.maximum_trace_size_bytes.map_or(0, |size| size.0),
                record_bytes_max: 256 << 10,
                future_limit_ms: (decision_wait_ms / 4).max(1000),
                partitions: 1,
                generation: self.generation(),
            },
            policies: Arc::new(policies),
            memory_limit_bytes: self.memory_limit.0 as usize,
            delivery: match self.delivery {
                RawDelivery::ExactlyOnce => bus::Delivery::ExactlyOnce,
                RawDelivery::AtLeastOnce => bus::Delivery::AtLeastOnce,
            },
            epoch_interval: self.epoch_interval.0,
            epoch_bytes: self.epoch_bytes.0 as usize,
            workers: self.workers,
            idle_allowance: self.idle_allowance.0,
        }
    }

    fn check_times(&self, path: &str, problems: &mut Problems) {
        if millis(self.decision_wait) < DECISION_WAIT_MIN_MS {
            problems.push(
                at(path, "decision_wait"),
                format!("too short: at least {DECISION_WAIT_MIN_MS}ms, usually 10s to 60s"),
            );
        }
        if self.decision_wait_after_root_received > self.decision_wait {
            problems.push(
                at(path, "decision_wait_after_root_received"),
                "longer than decision_wait, so it would change nothing; 0s turns it off",
            );
        }
        if millis(self.decision_cache_ttl) < millis(self.decision_wait).saturating_mul(2) {
            problems.push(
                at(path, "decision_cache_ttl"),
                "shorter than twice decision_wait: late spans would get verdicts of their own",
            );
        }
        if !EPOCH_INTERVAL_MS.contains(&millis(self.epoch_interval)) {
            problems.push(
                at(path, "epoch_interval"),
                "out of range: from 10ms to 10s; 250ms is a good choice",
            );
        }
    }

    fn check_sizes(&self, path: &str, problems: &mut Problems) {
        if self.epoch_bytes.0 < EPOCH_BYTES_MIN {
            problems.push(at(path, "epoch_bytes"), "too small: at least 64KiB");
        }
        if self.memory_limit.0 < MEMORY_LIMIT_MIN {
            problems.push(at(path, "memory_limit"), "too small: at least 1MiB");
        }
        if self.maximum_trace_size_bytes == Some(ByteSize(0)) {
            problems.push(
                at(path, "maximum_trace_size_bytes"),
                "0 would drop every trace; leave it out for no limit",
            );
        }
    }

    /// A number for everything that verdicts depend on.
    fn generation(&self) -> u64 {
        let what = (
            self.decision_wait,
            self.decision_wait_after_root_received,
            self.decision_cache_ttl,
            self.maximum_trace_size_bytes,
            self.sample_on_first_match,
            &self.policies,
        );
        serde_json::to_vec(&what).map_or(0, |text| xxhash_rust::xxh3::xxh3_64(&text))
    }
}

fn at(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.into()
    } else {
        format!("{path}.{field}")
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.0.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

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

    #[track_caller]
    fn check_policies(policies: Value, paths: &[&str]) {
        check(json!({ "policies": policies }), paths);
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
                "epoch_bytes": 1, "memory_limit": "1KiB", "maximum_trace_size_bytes": 0}),
            &[
                "sampler.decision_wait",
                "sampler.decision_wait_after_root_received",
                "sampler.decision_cache_ttl",
                "sampler.epoch_interval",
                "sampler.epoch_bytes",
                "sampler.memory_limit",
                "sampler.maximum_trace_size_bytes",
            ],
        );
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
    fn names_and_types_are_there_known_and_unique() {
        check_policies(json!([]), &["sampler.policies"]);
        check_policies(
            json!([{"type": "always_sample"}, {"name": "a", "type": "lateness"}, {"name": "a", "type": "composite"}, {"name": "b"}]),
            &[
                "sampler.policies[0].name",
                "sampler.policies[2].name",
                "sampler.policies[1].type",
                "sampler.policies[2].type",
                "sampler.policies[3].type",
            ],
        );
    }

    #[test]
    fn sections_fit_their_type() {
        check_policies(
            json!([
                {"name": "a", "type": "latency"},
                {"name": "b", "type": "latency", "latency": {"threshold_ms": 5}, "probabilistic": {}},
                {"name": "c", "type": "always_sample", "always_sample": {}},
            ]),
            &[
                "sampler.policies[0].latency",
                "sampler.policies[1].probabilistic",
            ],
        );
    }

    #[test]
    fn ranges_make_sense() {
        check_policies(
            json!([
                {"name": "a", "type": "latency", "latency": {"threshold_ms": 5, "upper_threshold_ms": 5}},
                {"name": "b", "type": "latency", "latency": {}},
                {"name": "c", "type": "probabilistic", "probabilistic": {"sampling_percentage": 100.5}},
                {"name": "d", "type": "numeric_attribute", "numeric_attribute": {"key": "k", "min_value": 5, "max_value": 4}},
                {"name": "e", "type": "numeric_attribute", "numeric_attribute": {"key": "k"}},
                {"name": "f", "type": "span_count", "span_count": {"min_spans": 5, "max_spans": 4}},
                {"name": "g", "type": "rate_limiting", "rate_limiting": {}},
            ]),
            &[
                "sampler.policies[0].latency.upper_threshold_ms",
                "sampler.policies[1].latency.threshold_ms",
                "sampler.policies[2].probabilistic.sampling_percentage",
                "sampler.policies[3].numeric_attribute.max_value",
                "sampler.policies[4].numeric_attribute",
                "sampler.policies[5].span_count.max_spans",
                "sampler.policies[6].rate_limiting.spans_per_second",
            ],
        );
    }

    #[test]
    fn lists_are_filled_and_patterns_compile() {
        check_policies(
            json!([
                {"name": "a", "type": "status_code", "status_code": {"status_codes": ["ERROR", "Error"]}},
                {"name": "b", "type": "status_code", "status_code": {}},
                {"name": "c", "type": "string_attribute", "string_attribute": {}},
                {"name": "d", "type": "string_attribute",
                    "string_attribute": {"key": "k", "values": ["fine", "(", "(?=look)"], "enabled_regex_matching": true}},
                {"name": "e", "type": "string_attribute",
                    "string_attribute": {"key": "k", "values": ["(a{1000}){1000}"], "enabled_regex_matching": true}},
            ]),
            &[
                "sampler.policies[0].status_code.status_codes[1]",
                "sampler.policies[1].status_code.status_codes",
                "sampler.policies[2].string_attribute.key",
                "sampler.policies[2].string_attribute.values",
                "sampler.policies[3].string_attribute.values[1]",
                "sampler.policies[3].string_attribute.values[2]",
                "sampler.policies[4].string_attribute.values[0]",
            ],
        );
    }

    #[test]
    fn sub_policies_are_checked_in_place() {
        check_policies(
            json!([
                {"name": "a", "type": "and", "and": {}},
                {"name": "b", "type": "drop", "drop": {"drop_sub_policy": [
                    {"name": "x", "type": "drop", "drop": {}},
                    {"name": "x", "type": "not", "not": {"not_sub_policy": {"name": "y", "type": "what"}}},
                ]}},
            ]),
            &[
                "sampler.policies[0].and.and_sub_policy",
                "sampler.policies[1].drop.drop_sub_policy[1].name",
                "sampler.policies[1].drop.drop_sub_policy[0].type",
                "sampler.policies[1].drop.drop_sub_policy[1].not.not_sub_policy.type",
            ],
        );
    }

    #[test]
    fn conditions_have_a_limit() {
        let policies: Vec<_> = (0..129)
            .map(|n| json!({"name": format!("p{n}"), "type": "latency", "latency": {"threshold_ms": n + 1}}))
            .collect();
        check_policies(policies[..128].into(), &[]);
        check_policies(policies.into(), &["sampler.policies"]);
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
}
