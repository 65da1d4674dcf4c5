//! `transform`: the Collector's processor of that name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RawErrorMode, RawStatements};

/// Statements in OTTL, executed in their order.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTransform {
    /// Absent: `ignore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_mode: Option<RawErrorMode>,
    /// Statements for spans.
    pub trace_statements: Vec<RawStatements>,
    /// Statements for metrics.
    pub metric_statements: Vec<RawStatements>,
    /// Statements for log records.
    pub log_statements: Vec<RawStatements>,
}
