//! The `sampler` section as users write it: keys, defaults, and what is said of the Collector's keys that have no meaning here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use runtime::config::{ByteSize, Duration};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::policy::{RawLatency, RawOperationNames, RawPolicy, RawProbabilistic, RawStatusCode};

/// The section as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = collector_keys()))]
pub struct RawConfig {
    /// The time from the first span of a trace to its verdict.
    pub decision_wait: Duration,
    /// The time from the root span of a trace to its verdict, where that is earlier. 0s: only `decision_wait` counts.
    pub decision_wait_after_root_received: Duration,
    /// How long a verdict holds for late spans. At least twice `decision_wait`.
    pub decision_cache_ttl: Duration,
    /// The limit on the record caches of all partitions of the process together, with what the allocator adds to each
    /// record. What doesn't fit is read from the bus again. With `late_errors: rescue`, a quarter of it is for the
    /// spans that come back.
    pub memory_limit: ByteSize,
    /// The limit on what policies remember of other traces (`latency_outlier`, `novelty`, `floor`), for all partitions
    /// of the process together.
    pub statistics_limit: ByteSize,
    /// Whether to exchange with other sampler processes: counts of `throughput`, `novelty` and `floor`, unused tokens
    /// of rate limits, and links (`linked: keep`).
    pub fleet: bool,
    /// A trace whose spans are larger than this is dropped at once. Absent: no limit.
    pub maximum_trace_size_bytes: Option<ByteSize>,
    /// After the first policy that matches, don't ask policies that spend a budget. The verdict is the same, and
    /// budgets last longer.
    pub sample_on_first_match: bool,
    /// What an error that arrives late does to a trace that was dropped.
    pub late_errors: RawLateErrors,
    /// What happens to open traces that a kept trace links to.
    pub linked: RawLinked,
    /// Adds `tailwater.policy` and `tailwater.probability` to the root spans of kept traces: why it was kept.
    pub annotate: bool,
    /// Adds the attribute `SampleRate`, for Honeycomb, to kept spans that stand for others. `tracestate` says the same
    /// in any case.
    pub sample_rate_attribute: bool,
    /// Attributes of a trace's entry span (its root; without one, the span that starts first) that all its kept spans get,
    /// unless they have them. At most 8 keys. Text, numbers and true or false are promoted, up to 128 bytes a value. A
    /// quarter of `memory_limit` is for them.
    pub promote: Vec<String>,
    /// What `operation` is to policies that tell traces apart by it: `per_operation`, `novelty`, and keys of `throughput`,
    /// `latency_outlier` and `floor`.
    pub operation_names: RawOperationNames,
    pub delivery: RawDelivery,
    /// The time after which an epoch ends and is committed.
    pub epoch_interval: Duration,
    /// The size of the input at which an epoch ends earlier. Its output is at most twice this, plus what the last
    /// record adds; the rest follows in the next epoch.
    pub epoch_bytes: ByteSize,
    /// The number of worker threads. 0: one per core.
    pub workers: usize,
    /// How much later windows close while their partition is idle.
    pub idle_allowance: Duration,
    /// At least one policy, or `default` for what applies without this key: every error, every trace over two seconds,
    /// and a tenth of the rest.
    #[serde(deserialize_with = "policies")]
    #[schemars(schema_with = "policies_schema")]
    pub policies: Vec<RawPolicy>,
}

/// The policies of one tenant, as `sampler.policies` are written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct RawPolicies(#[serde(deserialize_with = "policies")] pub Vec<RawPolicy>);

impl JsonSchema for RawPolicies {
    fn schema_name() -> Cow<'static, str> {
        "RawPolicies".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        policies_schema(generator)
    }
}

/// How much of a tenant's telemetry is kept.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBudget {
    /// The bytes of spans that its policies may keep in a day, spread evenly over it. What they keep beyond it is kept with
    /// a probability that falls as needed; traces with an error stay.
    pub kept_bytes_per_day: ByteSize,
}

/// What one tenant has of its own for the sampler.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RawTenant<'a> {
    pub policies: Option<&'a RawPolicies>,
    pub budget: Option<&'a RawBudget>,
}

/// What the `tenants` section says about sampling: every tenant that has an entry.
pub type RawTenants<'a> = BTreeMap<&'a str, RawTenant<'a>>;

/// What `sampler.policies` says for [`default_policies`].
const DEFAULT: &str = "default";

fn policies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RawPolicy>, D::Error> {
    struct Policies;
    impl<'de> Visitor<'de> for Policies {
        type Value = Vec<RawPolicy>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of policies, or `{DEFAULT}`")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            match text {
                DEFAULT => Ok(default_policies()),
                text => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }

        fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(items))
        }
    }
    deserializer.deserialize_any(Policies)
}

fn policies_schema(generator: &mut SchemaGenerator) -> Schema {
    let policy = generator.subschema_for::<RawPolicy>();
    json_schema!({
        "anyOf": [{"type": "array", "items": policy, "minItems": 1}, {"const": DEFAULT}],
    })
}

/// Keys of the Collector's `tail_sampling` that have no meaning here. They are refused: what they asked for wouldn't happen.
fn collector_keys() -> Map<String, Value> {
    [
        (
            "num_traces",
            "windows hold no payload, so traces are not counted; memory is bounded by memory_limit",
        ),
        (
            "expected_new_traces_per_sec",
            "nothing is allocated ahead; leave it out",
        ),
        (
            "block_on_overflow",
            "nothing overflows: at memory_limit the bus is read again; leave it out",
        ),
        (
            "decision_cache",
            "verdicts are held for a time, not a number of traces: decision_cache_ttl",
        ),
        (
            "drop_pending_traces_on_shutdown",
            "undecided traces stay on the bus and are decided after the restart; leave it out",
        ),
        (
            "sampling_strategy",
            "traces are decided when they are complete; leave it out",
        ),
        ("tail_storage", "spans are stored on the bus; leave it out"),
    ]
    .into_iter()
    .map(|(key, help)| (key.into(), Value::from(help)))
    .collect()
}

/// How output, verdicts and positions are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawDelivery {
    #[default]
    ExactlyOnce,
    AtLeastOnce,
}

/// What a late error does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawLateErrors {
    /// Nothing: it follows its trace's verdict.
    #[default]
    Follow,
    /// The trace is decided again from there on; if it is kept, its earlier spans come back from the bus.
    Rescue,
}

/// What happens to traces that a kept one links to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawLinked {
    /// Nothing.
    #[default]
    Ignore,
    /// Those that are undecided are kept.
    Keep,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            decision_wait: Duration::from_secs(30),
            decision_wait_after_root_received: Duration::default(),
            decision_cache_ttl: Duration::from_secs(600),
            memory_limit: ByteSize::mib(512),
            statistics_limit: ByteSize::mib(64),
            fleet: true,
            maximum_trace_size_bytes: None,
            sample_on_first_match: false,
            late_errors: RawLateErrors::default(),
            linked: RawLinked::default(),
            annotate: false,
            sample_rate_attribute: false,
            promote: Vec::new(),
            operation_names: RawOperationNames::default(),
            delivery: RawDelivery::default(),
            epoch_interval: Duration::from_millis(250),
            epoch_bytes: ByteSize::mib(8),
            workers: 0,
            idle_allowance: Duration::from_secs(2),
            policies: default_policies(),
        }
    }
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
