//! Texts in OTTL as configurations write them: by themselves, or in groups with a context and conditions.

use ottl::{Context, ErrorMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a statement or condition that fails means for the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawErrorMode {
    /// It is passed over. The failure is counted.
    Ignore,
    /// The same.
    Silent,
    /// The item goes to the dead letters as it came, and no other does.
    Propagate,
}

impl RawErrorMode {
    pub(super) fn of(own: Option<Self>, default: Option<Self>) -> ErrorMode {
        match own.or(default) {
            None | Some(Self::Ignore) => ErrorMode::Ignore,
            Some(Self::Silent) => ErrorMode::Silent,
            Some(Self::Propagate) => ErrorMode::Propagate,
        }
    }
}

/// What texts in OTTL are evaluated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawContext {
    Resource,
    Scope,
    Span,
    SpanEvent,
    Log,
    Metric,
    DataPoint,
}

impl RawContext {
    pub(super) fn context(self) -> Context {
        match self {
            Self::Resource => Context::Resource,
            Self::Scope => Context::Scope,
            Self::Span => Context::Span,
            Self::SpanEvent => Context::SpanEvent,
            Self::Log => Context::Log,
            Self::Metric => Context::Metric,
            Self::DataPoint => Context::DataPoint,
        }
    }
}

/// A statement, or a group of statements.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawStatements {
    One(String),
    Group(RawStatementGroup),
}

/// Statements that are executed together.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStatementGroup {
    /// What they are executed on. Absent: told by their paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<RawContext>,
    /// One of them must hold. Absent: the statements are always executed.
    pub conditions: Vec<String>,
    pub statements: Vec<String>,
    /// Absent: that of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_mode: Option<RawErrorMode>,
}

/// A condition, or a group of conditions.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawConditions {
    One(String),
    Group(RawConditionGroup),
}

/// Conditions of which one must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConditionGroup {
    /// What they are evaluated on. Absent: told by their paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<RawContext>,
    pub conditions: Vec<String>,
    /// Absent: that of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_mode: Option<RawErrorMode>,
}
