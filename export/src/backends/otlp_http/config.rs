//! The section `otlp_http`.

use std::collections::BTreeMap;

use credentials::{Auth, RawAuth};
use http::Uri;
use runtime::config::Duration;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use crate::transport::compress::Compression;
use crate::transport::connection::Connection;
use crate::transport::tls::RawTls;

/// OTLP over HTTP.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHttp {
    /// The base address, to which `/v1/traces`, `/v1/logs` or `/v1/metrics` is appended.
    pub endpoint: String,
    /// The complete address for traces, used as it is.
    pub traces_endpoint: Option<String>,
    /// The complete address for logs, used as it is.
    pub logs_endpoint: Option<String>,
    /// The complete address for metrics, used as it is.
    pub metrics_endpoint: Option<String>,
    /// The encoding of requests.
    pub encoding: Encoding,
    /// Headers of each request, for example credentials. `{tenant}` in a value is replaced by the name of the tenant whose
    /// data it is (`default` where records name none); each request is of one tenant then.
    pub headers: BTreeMap<String, String>,
    /// Credentials that are fetched and kept fresh, in place of one in `headers`.
    pub auth: Option<RawAuth>,
    /// The compression of requests.
    pub compression: Compression,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl Default for RawHttp {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            traces_endpoint: None,
            logs_endpoint: None,
            metrics_endpoint: None,
            encoding: Encoding::default(),
            headers: BTreeMap::new(),
            auth: None,
            compression: Compression::default(),
            tls: RawTls::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Proto,
    Json,
}

#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The whole address of each signal, in the order of [`Signal::ALL`].
    pub endpoints: [Uri; 3],
    pub encoding: Encoding,
    pub connection: Connection,
    pub auth: Option<Auth>,
}

impl HttpConfig {
    pub fn endpoint(&self, signal: Signal) -> &Uri {
        match signal {
            Signal::Traces => &self.endpoints[0],
            Signal::Logs => &self.endpoints[1],
            Signal::Metrics => &self.endpoints[2],
        }
    }
}
