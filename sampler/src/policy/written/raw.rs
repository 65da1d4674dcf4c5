//! Policies as written in the configuration: the Collector's names and fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::policy::written::raw_rates::{
    RawFloor, RawLatencyOutlier, RawNovelty, RawPerOperation, RawThroughput,
};

/// Declares the sections of a policy, so that names, types and "is it there" stay together.
macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// One policy: `{name, type, <type>: {…}}`.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        #[schemars(extend("allOf" = section_of_type()))]
        pub struct RawPolicy {
            /// Unique within its list. It appears in metrics, in the decision log, and in explanations.
            pub name: String,
            /// The kind of policy, which is also the name of its section.
            #[serde(rename = "type")]
            #[schemars(extend("x-values" = Self::KINDS))]
            pub kind: String,
            /// `shadow` is a dry run: the policy is counted and changes no verdict. Absent: `act`. Only at the top
            /// level.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub mode: Option<RawMode>,
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)*
        }

        impl RawPolicy {
            /// Every type of policy.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Types whose section may be left out.
            pub(in crate::policy) const WITHOUT_FIELDS: &'static [&'static str] = &["always_sample", "trace_flags", "latency_outlier", "novelty"];

            /// The sections that are written, by name.
            pub(in crate::policy) fn sections(&self) -> impl Iterator<Item = &'static str> {
                [$(self.$name.is_some().then_some(stringify!($name))),*].into_iter().flatten()
            }
        }
    };
}

sections! {
    /// Keeps every trace.
    always_sample: RawEmpty,
    /// Keeps traces that last long enough.
    latency: RawLatency,
    numeric_attribute: RawNumericAttribute,
    /// Keeps a share of all traces, chosen by a hash of the trace id.
    probabilistic: RawProbabilistic,
    status_code: RawStatusCode,
    string_attribute: RawStringAttribute,
    boolean_attribute: RawBooleanAttribute,
    rate_limiting: RawRateLimiting,
    bytes_limiting: RawBytesLimiting,
    span_count: RawSpanCount,
    trace_state: RawTraceState,
    /// Keeps traces in which some span has the W3C sampled flag.
    trace_flags: RawEmpty,
    /// Keeps traces that match all sub-policies.
    and: RawAnd,
    /// Keeps traces that don't match the sub-policy.
    not: RawNot,
    /// Drops traces that match all sub-policies. It overrides every other policy.
    drop: RawDrop,
    /// Asks sub-policies in order, each with a share of one budget of spans per second.
    composite: RawComposite,
    per_operation: RawPerOperation,
    throughput: RawThroughput,
    latency_outlier: RawLatencyOutlier,
    novelty: RawNovelty,
    floor: RawFloor,
    /// Keeps traces in which some span, or some event of a span, satisfies one of the OTTL conditions.
    ottl_condition: RawOttlCondition,
    /// Keeps traces that, as a whole, satisfy all of the OTTL conditions.
    condition: RawCondition,
}

/// For the JSON schema: a policy has a type, and the section of that type unless it may be left out.
fn section_of_type() -> Vec<Value> {
    let may_be_left_out = |kind: &&&str| RawPolicy::WITHOUT_FIELDS.contains(*kind);
    let needed = RawPolicy::KINDS
        .iter()
        .filter(|kind| !may_be_left_out(kind));
    let conditions = needed.map(|kind| {
        json!({
            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
            "then": {"required": [kind]},
        })
    });
    std::iter::once(json!({"required": ["type"]}))
        .chain(conditions)
        .collect()
}

/// Whether a policy acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMode {
    /// It keeps or drops.
    Act,
    /// A dry run: its matches are counted and recorded, and change no verdict.
    Shadow,
}

/// A section without fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEmpty {}

/// From the earliest start to the latest end of the trace's spans.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLatency {
    /// The trace lasts at least this long. With an upper threshold: longer than this.
    pub threshold_ms: u64,
    /// The trace lasts at most this long. 0: no upper threshold.
    pub upper_threshold_ms: u64,
}

/// Keeps traces in which an integer attribute of a span or its resource lies in a range. Values of other types count as
/// 0.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawNumericAttribute {
    /// The key of the attribute.
    pub key: String,
    /// Inclusive. 0: no bound.
    pub min_value: i64,
    /// Inclusive. 0: no bound.
    pub max_value: i64,
    /// Keeps traces in which no span matches, instead of some span.
    pub invert_match: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawProbabilistic {
    /// Different salts keep different traces. Empty: `default-hash-seed`.
    pub hash_salt: String,
    /// 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub sampling_percentage: f64,
}

/// As the compiler takes them, which says more about others.
fn status_code_schema() -> Value {
    json!({"type": "string", "x-values": ["OK", "ERROR", "UNSET"]})
}

/// Keeps traces in which some span has one of these status codes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStatusCode {
    /// `OK`, `ERROR`, `UNSET`.
    #[schemars(length(min = 1), extend("items" = status_code_schema()))]
    pub status_codes: Vec<String>,
}

/// Keeps traces in which a string attribute of a span or its resource has one of these values.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStringAttribute {
    /// The key of the attribute.
    pub key: String,
    /// Exact values, or regular expressions.
    pub values: Vec<String>,
    /// Whether `values` are regular expressions, searched anywhere in the attribute.
    pub enabled_regex_matching: bool,
    /// Accepted for compatibility with the Collector, and without effect.
    pub cache_max_size: u64,
    /// Keeps traces in which no span matches, instead of some span.
    pub invert_match: bool,
}

/// Keeps traces in which a boolean attribute of a span or its resource has this value. Values of other types count as
/// false.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBooleanAttribute {
    /// The key of the attribute.
    pub key: String,
    /// The value to match.
    pub value: bool,
    /// Keeps traces in which no span matches, instead of some span.
    pub invert_match: bool,
}

/// Keeps traces as long as a budget of spans per second lasts. The budget is shared by all samplers of the group, and
/// counts in stream time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRateLimiting {
    /// The limit, in spans per second.
    #[schemars(range(min = 1))]
    pub spans_per_second: u64,
    /// The size of the bucket, in spans: what is kept at one instant at most, or one trace if that is larger. 0: twice
    /// `spans_per_second`.
    pub burst_capacity: u64,
}

/// Like `rate_limiting`, in bytes of span messages.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBytesLimiting {
    /// The limit, in bytes per second.
    #[schemars(range(min = 1))]
    pub bytes_per_second: u64,
    /// The size of the bucket, in bytes: what is kept at one instant at most, or one trace if that is larger. 0: twice
    /// `bytes_per_second`.
    pub burst_capacity: u64,
}

/// Keeps traces that have this many spans when they are decided.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSpanCount {
    /// 0: no lower bound.
    pub min_spans: u32,
    /// 0: no upper bound.
    pub max_spans: u32,
}

/// Keeps traces in which some span's W3C `tracestate` has one of these values for the key.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTraceState {
    /// The key of the member of `tracestate`.
    pub key: String,
    /// The values to match.
    pub values: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAnd {
    /// The sub-policies, asked in order until one does not match.
    #[schemars(length(min = 1))]
    pub and_sub_policy: Vec<RawPolicy>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawNot {
    pub not_sub_policy: Box<RawPolicy>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDrop {
    /// The sub-policies, all of which must match.
    pub drop_sub_policy: Vec<RawPolicy>,
    /// Traces of a known kind, in place of sub-policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<RawDropPreset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawDropPreset {
    /// Traces whose root is a health check of Kubernetes, a load balancer, Spring or gRPC, and did not fail.
    HealthChecks,
}

/// The first sub-policy that matches answers: the trace is kept if the sub-policy's part of this second has room for its spans.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawComposite {
    /// The whole budget. It is shared by all samplers of the group, and counts in stream time.
    #[schemars(range(min = 1))]
    pub max_total_spans_per_second: u64,
    /// The names of the sub-policies, in the order of `composite_sub_policy`. May be left out.
    pub policy_order: Vec<String>,
    /// The sub-policies, in the order in which they are asked.
    #[schemars(length(min = 1))]
    pub composite_sub_policy: Vec<RawPolicy>,
    /// The shares of the sub-policies. A sub-policy that isn't named here keeps nothing.
    pub rate_allocation: Vec<RawRateAllocation>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRateAllocation {
    /// The name of the sub-policy.
    pub policy: String,
    /// The share of `max_total_spans_per_second`, in percent. 0: an equal share for each sub-policy.
    #[schemars(range(min = 0, max = 100))]
    pub percent: u64,
}

/// Conditions in OTTL, of which one is enough.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawOttlCondition {
    pub error_mode: RawErrorMode,
    /// Conditions on spans.
    pub span: Vec<String>,
    /// Conditions on the events of spans.
    pub spanevent: Vec<String>,
}

/// What happens when an evaluation fails. Failures are counted in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawErrorMode {
    /// The condition doesn't hold there.
    #[default]
    Ignore,
    /// As `ignore`.
    Silent,
    /// The policy has no say on the trace, unless a span before satisfied it.
    Propagate,
}

/// Conditions in OTTL, of which all must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCondition {
    /// Where conditions on spans must hold. Conditions on `trace.…` and `root.…` are about the trace and its root span
    /// in any case.
    pub scope: RawScope,
    /// The conditions, all of which must hold.
    #[schemars(length(min = 1))]
    pub conditions: Vec<String>,
    pub error_mode: RawErrorMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawScope {
    /// Each on some span of the trace.
    #[default]
    Trace,
    /// All on the same span.
    Span,
    /// All on the root span, the first one that came.
    Root,
}
