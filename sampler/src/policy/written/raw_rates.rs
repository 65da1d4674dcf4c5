//! Policies that look at more than one trace, or at one operation, as written in the configuration.

use runtime::config::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an operation is called by policies that tell traces apart by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawOperationNames {
    /// By the name of the span, as it was sent.
    #[default]
    AsSent,
    /// By the semantic conventions, without ids, as enrich's `span_name` names spans.
    Normalized,
}

/// Keeps a percentage of traces by service, operation and route of the root span; of the span that starts first where
/// there is no root.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawPerOperation {
    /// The rules. The first that matches counts.
    pub rules: Vec<RawOperationRule>,
    /// The percentage for all other operations, 0 to 100. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub default_percentage: Option<f64>,
}

/// What is given has to match; `*` stands for any text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawOperationRule {
    /// The `service.name`; `*` stands for any text. Absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The name of the span; `*` stands for any text. Absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Its attribute `http.route`; `*` stands for any text. Absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The percentage to keep, 0 to 100. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percentage: Option<f64>,
}

/// Aims at a throughput, or at a share, over all samplers together, and divides it over keys so that rare keys are kept
/// more often. One of the four goals is required.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawThroughput {
    /// Goal: spans per second.
    #[schemars(range(min = 0))]
    pub spans_per_second: f64,
    /// Goal: bytes of span messages per second.
    #[schemars(range(min = 0))]
    pub bytes_per_second: f64,
    /// Goal: traces per second.
    #[schemars(range(min = 0))]
    pub traces_per_second: f64,
    /// Goal: the share of all spans, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub sampling_percentage: f64,
    /// The fields whose values together are the key of a trace: `operation`, `status`, `kind`, `service.name`, or any
    /// attribute. With `root.` before it: of the root span. Otherwise: the distinct values of all spans.
    pub keys: Vec<String>,
    /// `ema`: a moving average per key, and the goal divided by its logarithm. `windowed`: a sliding window, and the
    /// goal divided evenly.
    pub method: RawMethod,
    /// How often rates are computed. Absent: 15s for `ema`, 1s for `windowed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// For `ema`: the weight of the newest interval, above 0 and below 1.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub weight: f64,
    /// For `windowed`: the length of the window.
    pub window: Duration,
    /// The percentage to keep before anything is known, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub initial_percentage: f64,
    /// The number of keys. Further keys share one rate.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_keys: usize,
}

impl Default for RawThroughput {
    fn default() -> Self {
        Self {
            spans_per_second: 0.0,
            bytes_per_second: 0.0,
            traces_per_second: 0.0,
            sampling_percentage: 0.0,
            keys: Vec::new(),
            method: RawMethod::Ema,
            interval: None,
            weight: 0.5,
            window: Duration::from_secs(30),
            initial_percentage: 10.0,
            max_keys: 500,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMethod {
    #[default]
    Ema,
    Windowed,
}

/// Keeps traces that last longer than is usual for their operation.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLatencyOutlier {
    /// The percentile of the durations, above 0 and below 100.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 100))]
    pub percentile: f64,
    /// A trace is an outlier when it lasts longer than this many times the percentile.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub factor: f64,
    /// How many traces of the operation a partition must have seen in the interval. With fewer, nothing is an outlier.
    #[schemars(range(min = 1))]
    pub min_samples: u32,
    /// The interval over which durations are collected. The previous interval says what is usual.
    pub interval: Duration,
    /// What makes an operation: fields like those of `throughput.keys`.
    pub keys: Vec<String>,
}

impl Default for RawLatencyOutlier {
    fn default() -> Self {
        Self {
            percentile: 99.0,
            factor: 1.0,
            min_samples: 100,
            interval: Duration::from_secs(600),
            keys: vec!["root.service.name".into(), "root.operation".into()],
        }
    }
}

/// Keeps the first traces of each shape in an interval. A shape is a set of services, operations, status codes and
/// exception types.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawNovelty {
    /// How many traces of a shape to keep.
    #[schemars(range(min = 1))]
    pub first: u32,
    /// At most 1h. Intervals begin at full multiples of it.
    pub interval: Duration,
}

impl Default for RawNovelty {
    fn default() -> Self {
        Self {
            first: 1,
            interval: Duration::from_secs(900),
        }
    }
}

/// Keeps traces of a key until enough of them were kept in the interval, whichever policy kept them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFloor {
    /// Fields like those of `throughput.keys`.
    pub keys: Vec<String>,
    /// How many traces of a key to keep in each interval.
    #[schemars(range(min = 1))]
    pub traces: u32,
    /// At most 1h.
    pub interval: Duration,
}

impl Default for RawFloor {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            traces: 1,
            interval: Duration::from_secs(900),
        }
    }
}
