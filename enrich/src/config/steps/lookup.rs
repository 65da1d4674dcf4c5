//! `lookup`: attributes out of a table.

use runtime::config::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::RawValue;

/// Adds attributes from a table, by the value of another one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "cache": "not needed: the whole table is in memory",
}))]
pub struct RawLookup {
    pub source: RawSource,
    /// What is looked up, and what becomes of it.
    pub lookups: Vec<RawQuery>,
    /// The limit on the file, and on what is made of it in memory. While a new table is read, both are there.
    pub memory_limit: ByteSize,
}

impl Default for RawLookup {
    fn default() -> Self {
        Self {
            source: RawSource::default(),
            lookups: Vec::new(),
            memory_limit: ByteSize::mib(64),
        }
    }
}

/// The file with the table.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "url": "not available yet: let a sidecar or a CronJob write the file, and name it in `path`",
}))]
pub struct RawSource {
    /// How the table is written. Required.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<RawTableFormat>,
    /// The file. Required.
    pub path: String,
    /// The column or field with the keys. For maps in JSON and YAML, and for mmdb, none is needed.
    pub key: String,
    /// How often the file is looked at.
    pub refresh: Duration,
}

impl Default for RawSource {
    fn default() -> Self {
        Self {
            kind: None,
            path: String::new(),
            key: String::new(),
            refresh: Duration::from_secs(60),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawTableFormat {
    /// The first line names the columns.
    Csv,
    /// A list of maps, or a map from keys to maps or plain values.
    Json,
    /// The same.
    Yaml,
    /// A database in MaxMind's format; keys are addresses.
    Mmdb,
}

/// One look-up for each item.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawQuery {
    /// A value in OTTL, such as `span.attributes["tenant.id"]`.
    pub key: String,
    /// Of the attributes that don't say theirs.
    pub context: RawTarget,
    pub attributes: Vec<RawAssignment>,
}

/// One attribute that comes of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAssignment {
    /// The column, or the path in an mmdb (`country.iso_code`). Of a map to plain values, `value`, or nothing.
    pub source: String,
    /// The attribute.
    pub destination: String,
    /// What it is where the table knows nothing. Absent: it isn't set then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<RawValue>,
    /// Absent: that of the look-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<RawTarget>,
}

/// Whose attribute it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawTarget {
    /// The span's or the log record's.
    #[default]
    Record,
    /// The resource's.
    Resource,
}
