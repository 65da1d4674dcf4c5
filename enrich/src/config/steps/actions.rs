//! `attributes` and `resource`: the Collector's processors of those names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::RawValue;

/// Actions on the attributes of spans, log records and data points, in their order.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "include": "use `transform` with `where`, which can say the same",
    "exclude": "use `transform` with `where not (…)`, which can say the same",
}))]
pub struct RawAttributes {
    pub actions: Vec<RawAction>,
}

/// Actions on the attributes of resources, in their order.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawResource {
    pub attributes: Vec<RawAction>,
}

/// One action on one attribute.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "from_context": "headers of requests are gone by now; `ingest.metadata` makes attributes of them",
}))]
pub struct RawAction {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<RawActionKind>,
    /// The attribute.
    pub key: String,
    /// For `insert`, `update` and `upsert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<RawValue>,
    /// Another attribute to take the value from.
    pub from_attribute: String,
    /// What is taken where that other attribute isn't there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<RawValue>,
    /// For `delete` and `hash`: all attributes whose keys match. For `extract`: a pattern whose named groups become attributes.
    pub pattern: String,
    /// For `convert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converted_type: Option<RawConvertedType>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawActionKind {
    /// Adds the attribute where it isn't there.
    Insert,
    /// Changes it where it is there.
    Update,
    /// Adds or changes it.
    Upsert,
    /// Removes it.
    Delete,
    /// Replaces its value by a keyed hash, with `enrich.redact.hash.key`.
    Hash,
    /// Makes attributes of parts of its text.
    Extract,
    /// Changes the type of its value.
    Convert,
}

impl RawActionKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::Hash => "hash",
            Self::Extract => "extract",
            Self::Convert => "convert",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawConvertedType {
    Int,
    Double,
    String,
}
