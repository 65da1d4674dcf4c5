//! The section `opensearch`.

use std::collections::BTreeMap;

use http::{HeaderValue, Uri};
use runtime::config::{Duration, Secret};
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use super::index::Index;
use crate::transport::compress::Compression;
use crate::transport::connection::Connection;
use crate::transport::tls::RawTls;

/// Documents in OpenSearch or Elasticsearch, by the bulk API. Each is created once, whatever is repeated.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawOpenSearch {
    /// The address of the cluster, such as `https://search.example.com:9200`.
    pub endpoint: String,
    /// What documents look like.
    pub mapping: Mapping,
    /// The index, alias or data stream that documents are created in. `{signal}` is replaced by `traces`, `logs` or `metrics`. Default:
    /// `ss4o_{signal}-default-namespace`; with the mapping `otel`, `{signal}-generic.otel-default`.
    pub index: Option<String>,
    /// The user, for basic authentication.
    pub user: String,
    /// The user's password.
    pub password: Secret,
    /// An API key of Elasticsearch, in its encoded form, instead of a user.
    pub api_key: Secret,
    /// Headers of each request. `{tenant}` in a value is replaced by the name of the tenant whose data it is (`default` where
    /// records name none); each request is of one tenant then.
    pub headers: BTreeMap<String, String>,
    /// The compression of requests: `gzip` or `none`.
    pub compression: Compression,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl Default for RawOpenSearch {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            mapping: Mapping::default(),
            index: None,
            user: String::new(),
            password: Secret::default(),
            api_key: Secret::default(),
            headers: BTreeMap::new(),
            compression: Compression::default(),
            tls: RawTls::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mapping {
    /// OpenSearch's Simple Schema for Observability.
    #[default]
    Ss4o,
    /// Elasticsearch's own, for its data streams `traces-*.otel-*` and `logs-*.otel-*`. It has no metrics.
    Otel,
}

#[derive(Clone, Debug)]
pub struct OpenSearchConfig {
    pub mapping: Mapping,
    /// In the order of [`Signal::ALL`].
    pub targets: Box<[Target; 3]>,
    /// User and password, or the API key.
    pub authorization: Option<HeaderValue>,
    pub connection: Connection,
}

/// Where a signal's documents go.
#[derive(Clone, Debug)]
pub struct Target {
    pub index: Index,
    /// The address of the index's bulk API.
    pub uri: Uri,
}

impl OpenSearchConfig {
    /// Where a signal's documents go.
    pub fn target_of(&self, signal: Signal) -> &Target {
        match signal {
            Signal::Traces => &self.targets[0],
            Signal::Logs => &self.targets[1],
            Signal::Metrics => &self.targets[2],
        }
    }
}
