//! The section `splunk_hec`.

use std::collections::BTreeMap;

use http::{HeaderValue, Uri};
use runtime::config::{Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::transport::compress::Compression;
use crate::transport::connection::Connection;
use crate::transport::tls::RawTls;

/// Splunk's HTTP Event Collector. Logs only.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSplunk {
    /// The address. Without a path, `/services/collector` is appended.
    pub endpoint: String,
    /// The token of the collector.
    pub token: Secret,
    /// The index of events that name none in the attribute `com.splunk.index`. Empty: the token's.
    pub index: String,
    /// The source of events that name none in `com.splunk.source`. Empty: the attribute `service.name`.
    pub source: String,
    /// The source type of events that name none in `com.splunk.sourcetype`. Empty: the token's.
    pub sourcetype: String,
    /// Headers of each request. `{tenant}` in a value is replaced by the name of the tenant whose data it is (`default` where
    /// records name none); each request is of one tenant then.
    pub headers: BTreeMap<String, String>,
    /// The compression of requests: `gzip` or `none`.
    pub compression: Compression,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl Default for RawSplunk {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            token: Secret::default(),
            index: String::new(),
            source: String::new(),
            sourcetype: String::new(),
            headers: BTreeMap::new(),
            compression: Compression::default(),
            tls: RawTls::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Clone, Debug)]
pub struct SplunkConfig {
    pub endpoint: Uri,
    pub authorization: HeaderValue,
    /// What events have that say nothing of it themselves.
    pub usual: Usual,
    pub connection: Connection,
}

/// Metadata of events that name none. Empty: none.
#[derive(Clone, Debug, Default)]
pub struct Usual {
    pub index: String,
    pub source: String,
    pub sourcetype: String,
}
