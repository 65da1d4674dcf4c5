//! Policies that look at more than one trace, or at one operation, as written in the configuration.

use runtime::config::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A percentage by service, operation and route of the trace's root; of its earliest span where there is no root.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawPerOperation {
    /// The first that matches counts.
    pub rules: Vec<RawOperationRule>,
    /// For all other operations, 0 to 100. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub default_percentage: Option<f64>,
}

/// What is given has to match; `*` stands for any text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawOperationRule {
    /// `service.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The span's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Its attribute `http.route`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// 0 to 100. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percentage: Option<f64>,
}

/// Aims at a throughput, or at a share, over all samplers, and divides it over keys so that rare ones are kept more often.
/// One of the four goals is required.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawThroughput {
    #[schemars(range(min = 0))]
    pub spans_per_second: f64,
    #[schemars(range(min = 0))]
    pub bytes_per_second: f64,
    #[schemars(range(min = 0))]
    pub traces_per_second: f64,
    /// Of all spans, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub sampling_percentage: f64,
    /// Fields whose values together are a trace's key: `operation`, `status`, `kind`, `service.name`, any attribute; `root.` before it: of
    /// the root span, else distinct values of all spans.
    pub keys: Vec<String>,
    /// `ema`: a moving average by key, divided by its logarithm; `windowed`: a sliding window, divided evenly.
    pub method: RawMethod,
    /// Rates are computed anew so often. Absent: 15s for `ema`, 1s for `windowed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// `ema`: what the newest interval weighs, above 0 and below 1.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub weight: f64,
    /// `windowed`: how far back it looks.
    pub window: Duration,
    /// What is kept before anything is known, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub initial_percentage: f64,
    /// Keys beyond these are one key together.
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
    /// Above 0 and below 100.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 100))]
    pub percentile: f64,
    /// Longer than this many times the percentile.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub factor: f64,
    /// In a partition and interval; with fewer nothing is an outlier.
    #[schemars(range(min = 1))]
    pub min_samples: u32,
    /// The interval before this one says what is usual.
    pub interval: Duration,
    /// What makes an operation, as the keys of `throughput`.
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

/// Keeps the first traces of each shape in an interval: of the same services, operations, status codes and exception types.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawNovelty {
    /// So many.
    #[schemars(range(min = 1))]
    pub first: u32,
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

/// Keeps traces of a key until so many were kept in the interval, whichever policy kept them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFloor {
    /// As the keys of `throughput`.
    pub keys: Vec<String>,
    #[schemars(range(min = 1))]
    pub traces: u32,
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
