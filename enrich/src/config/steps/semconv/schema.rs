//! `schema`: which attributes are brought up to date.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Attributes of older semantic conventions become those of one version.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "targets": "name the version in `target`; the tables are built in",
    "prefetch": "nothing is fetched: the tables are built in",
}))]
pub struct RawSchema {
    /// The parts of the conventions whose attributes are translated.
    pub families: Vec<RawFamily>,
    /// The version of the conventions: 1.41.0.
    pub target: String,
    /// Whether old attributes stay beside the new ones.
    pub keep_old: bool,
}

/// A part of the semantic conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawFamily {
    Http,
    Db,
    Messaging,
    Rpc,
    /// On resources as well as on items.
    K8s,
}

impl Default for RawSchema {
    fn default() -> Self {
        use RawFamily::{Db, Http, K8s, Messaging, Rpc};
        Self {
            families: vec![Http, Db, Messaging, Rpc, K8s],
            target: "1.41.0".to_owned(),
            keep_old: false,
        }
    }
}
