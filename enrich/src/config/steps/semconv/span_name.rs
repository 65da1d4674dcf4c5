//! `span_name`: names of spans of which there are few.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Spans get names by the semantic conventions, without ids.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSpanName {
    pub mode: RawNameMode,
    /// The attribute that keeps the name of a span that gets another one. Empty: it isn't kept.
    pub original: String,
    /// Whether a request without a route is named by its path, with `{id}` for ids.
    pub templates: bool,
    /// The number of names that a service may have; further ones become the method, or what else is short.
    #[schemars(range(min = 1, max = 100_000))]
    pub limit_per_service: u32,
}

/// What names are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawNameMode {
    /// Of what the semantic conventions say.
    #[default]
    Semconv,
}

impl Default for RawSpanName {
    fn default() -> Self {
        Self {
            mode: RawNameMode::default(),
            original: "original_span_name".to_owned(),
            templates: true,
            limit_per_service: 500,
        }
    }
}
