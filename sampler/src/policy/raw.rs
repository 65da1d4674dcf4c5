//! Policies as written in the configuration: the Collector's names and fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares the sections of a policy, so that names, types and "is it there" stay together.
macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// One policy: `{name, type, <type>: {…}}`.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct RawPolicy {
            /// Unique among the policies of the same list; appears in metrics, decisions and explanations.
            pub name: String,
            /// Which of the sections below this policy uses.
            #[serde(rename = "type")]
            pub kind: String,
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)*
        }

        impl RawPolicy {
            /// Every type of policy.
            pub(super) const KINDS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The sections that are written, by name.
            pub(super) fn sections(&self) -> impl Iterator<Item = &'static str> {
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
    /// Keeps a share of all traces, chosen by trace id.
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
    /// Keeps traces that all sub-policies keep.
    and: RawAnd,
    /// Keeps traces that the sub-policy doesn't keep.
    not: RawNot,
    /// Drops traces that all sub-policies would keep; wins over everything else.
    drop: RawDrop,
}

/// A section without fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEmpty {}

/// From the earliest start to the latest end of the trace's spans.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLatency {
    /// At least this long; with an upper threshold, longer than this.
    pub threshold_ms: u64,
    /// At most this long; 0: no upper threshold.
    pub upper_threshold_ms: u64,
}

/// An integer attribute of a span or its resource lies in a range; other types count as 0.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawNumericAttribute {
    pub key: String,
    /// Inclusive; 0: none.
    pub min_value: i64,
    /// Inclusive; 0: none.
    pub max_value: i64,
    /// Keeps traces in which no span matches.
    pub invert_match: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawProbabilistic {
    /// Different salts keep different traces; empty: `default-hash-seed`.
    pub hash_salt: String,
    /// 0 to 100.
    pub sampling_percentage: f64,
}

/// Some span has one of these status codes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStatusCode {
    /// OK, ERROR, UNSET.
    pub status_codes: Vec<String>,
}

/// A string attribute of a span or its resource has one of these values.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStringAttribute {
    pub key: String,
    /// Values, or regular expressions.
    pub values: Vec<String>,
    /// Values are regular expressions.
    pub enabled_regex_matching: bool,
    /// Accepted for the Collector's sake: matching is fast enough without a cache.
    pub cache_max_size: u64,
    /// Keeps traces in which no span matches.
    pub invert_match: bool,
}

/// A boolean attribute of a span or its resource has this value; other types count as false.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBooleanAttribute {
    pub key: String,
    pub value: bool,
    /// Keeps traces in which no span matches.
    pub invert_match: bool,
}

/// Keeps traces until this many spans a second were kept, over all samplers of the group, by the time of the stream.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRateLimiting {
    pub spans_per_second: u64,
    /// In spans; a larger trace never passes. 0: twice `spans_per_second`.
    pub burst_capacity: u64,
}

/// As `rate_limiting`, in bytes of span messages.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBytesLimiting {
    pub bytes_per_second: u64,
    /// In bytes; a larger trace never passes. 0: twice `bytes_per_second`.
    pub burst_capacity: u64,
}

/// The trace has so many spans when it is decided.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSpanCount {
    pub min_spans: u32,
    /// 0: no upper bound.
    pub max_spans: u32,
}

/// Some span's W3C `tracestate` has one of these values for the key.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTraceState {
    pub key: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAnd {
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
    pub drop_sub_policy: Vec<RawPolicy>,
}
