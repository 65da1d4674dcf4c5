//! The section `prometheus_remote_write`.

use std::collections::BTreeMap;

use credentials::{Auth, RawAuth};
use http::Uri;
use runtime::config::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::naming::Names;
use super::translate::Rules;
use super::wire::Version;
use crate::temporality::StreamLimits;
use crate::transport::connection::Connection;
use crate::transport::tls::RawTls;

/// Prometheus remote write. It takes metrics only.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRemoteWrite {
    /// The complete address, such as `http://prometheus:9090/api/v1/write`.
    pub endpoint: String,
    /// The version of the protocol: `2`, `1`, or `auto`, which is 2 where the receiver takes it and else 1.
    pub version: RawVersion,
    /// How names are translated; the same four ways as in Prometheus' `translation_strategy`.
    pub names: Names,
    /// Whether series have the labels `otel_scope_name`, `otel_scope_version`, `otel_scope_schema_url` and `otel_scope_<attribute>`. Without them,
    /// metrics of one name from several scopes collide.
    pub scope_labels: bool,
    /// Attributes of resources that become labels of each series. All others are labels of `target_info` alone.
    pub promote: Vec<String>,
    /// What histograms with explicit bounds become.
    pub histograms: RawHistograms,
    /// What becomes of sums and histograms of delta temporality.
    pub delta: RawDelta,
    /// Labels that each series gets which has none of that name.
    pub external_labels: BTreeMap<String, String>,
    /// Headers of each request, for example credentials. `{tenant}` in a value is replaced by the name of the tenant whose
    /// data it is (`default` where records name none); each request is of one tenant then.
    pub headers: BTreeMap<String, String>,
    /// Credentials that are fetched and kept fresh, in place of one in `headers`.
    pub auth: Option<RawAuth>,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl Default for RawRemoteWrite {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            version: RawVersion::default(),
            names: Names::default(),
            scope_labels: true,
            promote: Vec::new(),
            histograms: RawHistograms::default(),
            delta: RawDelta::default(),
            external_labels: BTreeMap::new(),
            headers: BTreeMap::new(),
            auth: None,
            tls: RawTls::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

/// `auto`, 1 or 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RawVersion {
    #[default]
    Auto,
    One,
    Two,
}

impl Serialize for RawVersion {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => to.serialize_str("auto"),
            Self::One => to.serialize_u8(1),
            Self::Two => to.serialize_u8(2),
        }
    }
}

impl<'de> Deserialize<'de> for RawVersion {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(from).ok() {
            Some(Written::Number(1)) => Ok(Self::One),
            Some(Written::Number(2)) => Ok(Self::Two),
            Some(Written::Text(text)) if text == "auto" => Ok(Self::Auto),
            _ => Err(serde::de::Error::custom("expected `auto`, 1 or 2")),
        }
    }
}

impl JsonSchema for RawVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RemoteWriteVersion".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["auto", 1, 2]})
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawHistograms {
    /// A series for each bucket, with the label `le`.
    #[default]
    Classic,
    /// Native histograms with custom buckets: one series. Version 2 only; over version 1 they are classic.
    Nhcb,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawDelta {
    /// They are not sent, and counted.
    #[default]
    Drop,
    /// They are added up in memory, and sent as cumulative ones.
    Cumulate(RawCumulate),
}

/// How deltas are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCumulate {
    /// How many series are added up at a time; points of further ones are not sent, and counted.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_streams: usize,
    /// A series that nothing came for in this time begins again from zero.
    pub max_stale: Duration,
}

impl Default for RawCumulate {
    fn default() -> Self {
        Self {
            max_streams: 100_000,
            max_stale: Duration::from_secs(300),
        }
    }
}

/// A valid section.
#[derive(Clone, Debug)]
pub struct RemoteWriteConfig {
    pub endpoint: Uri,
    /// `None`: version 2, or 1 where the receiver doesn't take that.
    pub version: Option<Version>,
    pub rules: Rules,
    pub streams: StreamLimits,
    pub connection: Connection,
    pub auth: Option<Auth>,
}
