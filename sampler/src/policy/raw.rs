//! Policies as written in the configuration.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One policy: `{name, type, <type>: {…}}`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawPolicy {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
}
