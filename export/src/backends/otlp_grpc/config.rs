//! The section `otlp_grpc`.

use std::collections::BTreeMap;

use credentials::{Auth, RawAuth};
use http::Uri;
use runtime::config::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::transport::compress::Compression;
use crate::transport::connection::Connection;
use crate::transport::tls::RawTls;

/// OTLP over gRPC.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawGrpc {
    /// `https://host:port`, or `http://host:port` for plain text. Without a scheme, `tls.insecure` decides.
    pub endpoint: String,
    /// Headers of each request, for example credentials. `{tenant}` in a value is replaced by the name of the tenant whose
    /// data it is (`default` where records name none); each request is of one tenant then.
    pub headers: BTreeMap<String, String>,
    /// Credentials that are fetched and kept fresh, in place of one in `headers`; not `aws`.
    pub auth: Option<RawAuth>,
    /// The compression of requests.
    pub compression: Compression,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

impl Default for RawGrpc {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            headers: BTreeMap::new(),
            auth: None,
            compression: Compression::default(),
            tls: RawTls::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Clone, Debug)]
pub struct GrpcConfig {
    /// Scheme and authority, and a path prefix if any.
    pub endpoint: Uri,
    pub connection: Connection,
    pub auth: Option<Auth>,
}
