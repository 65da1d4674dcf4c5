//! `filter`: the Collector's processor of that name, in its newer form and in the older one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RawConditions, RawErrorMode};

/// Conditions in OTTL: what one of them holds for is taken out.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "spans": "this old form isn't supported; write conditions in `trace_conditions`",
}))]
pub struct RawFilter {
    /// Absent: `ignore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_mode: Option<RawErrorMode>,
    /// Conditions on spans, their events and their resources.
    pub trace_conditions: Vec<RawConditions>,
    /// Conditions on metrics, their data points and their resources.
    pub metric_conditions: Vec<RawConditions>,
    /// Conditions on log records and their resources.
    pub log_conditions: Vec<RawConditions>,
    /// The older form of `trace_conditions`.
    pub traces: RawTraceFilters,
    /// The older form of `metric_conditions`.
    pub metrics: RawMetricFilters,
    /// The older form of `log_conditions`.
    pub logs: RawLogFilters,
}

/// Conditions by what they are evaluated on.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTraceFilters {
    pub resource: Vec<String>,
    pub span: Vec<String>,
    pub spanevent: Vec<String>,
}

/// Conditions by what they are evaluated on.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "include": "this old form isn't supported; write conditions in `metric`",
    "exclude": "this old form isn't supported; write conditions in `metric`",
}))]
pub struct RawMetricFilters {
    pub resource: Vec<String>,
    pub metric: Vec<String>,
    pub datapoint: Vec<String>,
}

/// Conditions by what they are evaluated on.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "include": "this old form isn't supported; write conditions in `log_record`",
    "exclude": "this old form isn't supported; write conditions in `log_record`",
}))]
pub struct RawLogFilters {
    pub resource: Vec<String>,
    pub log_record: Vec<String>,
}
