//! The section `zipkin`.

use std::collections::BTreeMap;

use http::Uri;
use runtime::config::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::transport::compress::Compression;
use crate::transport::connection::Connection;
use crate::transport::tls::RawTls;

/// Zipkin, version 2 of its API in JSON. Traces only.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawZipkin {
    /// The whole address, such as `http://zipkin:9411/api/v2/spans`.
    pub endpoint: String,
    /// Headers of each request. `{tenant}` in a value is replaced by the name of the tenant whose data it is (`default` where
    /// records name none); each request is of one tenant then.
    pub headers: BTreeMap<String, String>,
    /// The compression of requests: `gzip` or `none`.
    pub compression: Compression,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl Default for RawZipkin {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            headers: BTreeMap::new(),
            compression: Compression::default(),
            tls: RawTls::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Clone, Debug)]
pub struct ZipkinConfig {
    pub endpoint: Uri,
    pub connection: Connection,
}
