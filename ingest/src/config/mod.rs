//! The `ingest` section of the configuration.

mod auth;
mod cors;
mod filter;
mod metadata;
mod peer_address;
mod quotas;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use runtime::config::{
    ByteSize, Duration as RawDuration, LISTEN_PATTERN, Problems, listen_address,
};
use runtime::tls::{RawTls, Tls};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::{Filter, Stamp};
use crate::sources::{Kafka, RawKafka};
use crate::stamp::RawStamp;
pub use auth::{Auth, Oidc, RawAuth, RawMtls, RawOidc, TenantFrom, is_tenant};
pub use cors::{Cors, Origin, RawCors};
pub use filter::RawFilter;
pub use metadata::FromHeader;
pub use peer_address::{PeerAddress, RawPeerAddress};
pub use quotas::{Quota, Quotas};

/// Where telemetry comes in, and within which limits.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    pub grpc: RawGrpc,
    pub http: RawHttp,
    /// The size in bytes of OTLP at which a record is closed and published. A single item that is larger gets a record
    /// of its own.
    pub record_bytes_max: ByteSize,
    /// How long after its first item a record is closed and published.
    pub linger: RawDuration,
    /// The largest request, before and after decompression.
    pub request_bytes_max: ByteSize,
    /// The limit on all requests in flight and the flow-control windows of all connections together. What exceeds it is
    /// refused with a retry delay.
    pub memory_limit: ByteSize,
    /// The number of open connections on each of the two ports. Further ones wait in the listen queue, and connections
    /// without requests are then closed early.
    #[schemars(range(min = 1))]
    pub connections_max: u32,
    /// The number of open connections of one client address (of one /64 network, in IPv6) on each of the two ports.
    /// Further ones are closed. Raise it behind a proxy whose connections come from one address.
    #[schemars(range(min = 1))]
    pub connections_per_peer_max: u32,
    /// The age at which a connection is asked to close, give or take a tenth. It is cut off 30 s later. Behind a load
    /// balancer, this spreads long-lived gRPC connections over all processes.
    pub connection_age_max: RawDuration,
    /// The time after which a connection without a request in flight is closed.
    pub connection_idle_timeout: RawDuration,
    /// The time within which the first request on a new connection must begin, and the headers of each request must
    /// arrive.
    pub first_byte_timeout: RawDuration,
    /// The time within which the body of a request must arrive.
    pub read_timeout: RawDuration,
    /// The time within which the bus must acknowledge a request. After that it is answered as unavailable.
    pub publish_timeout: RawDuration,
    /// The delay after which refused clients are asked to retry.
    pub retry_after: RawDuration,
    /// TLS on both ports; `grpc.tls` and `http.tls` win over it. Absent: plain text.
    pub tls: Option<RawTls>,
    /// Who may send, and as which tenant. Absent: everybody who reaches the ports.
    pub auth: Option<RawAuth>,
    /// The request header that names the tenant, such as `x-scope-orgid`. Absent: all data belongs to the default
    /// tenant.
    pub tenant_header: Option<String>,
    /// The retention classes (`bus.topics.classes`, and `default`) whose telemetry is taken; a tenant of another class
    /// gets 403. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_classes: Option<Vec<String>>,
    /// Request headers that become resource attributes, such as `x-team: team.name`. An attribute that is there already
    /// stays.
    pub metadata: BTreeMap<String, String>,
    /// Stamps the address of whoever sends on resources that don't say which pod sent them. Absent: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_address: Option<RawPeerAddress>,
    /// Attributes for everything that comes in, where they are missing.
    pub stamp: RawStamp,
    /// What is taken out before it reaches the bus.
    pub filter: RawFilter,
    /// Also read existing topics of the same Kafka cluster, and partition what they hold by trace.
    pub kafka: Option<RawKafka>,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            grpc: RawGrpc::default(),
            http: RawHttp::default(),
            record_bytes_max: ByteSize(256 << 10),
            linger: RawDuration::from_millis(20),
            request_bytes_max: ByteSize::mib(64),
            memory_limit: ByteSize::mib(256),
            connections_max: 1024,
            connections_per_peer_max: 256,
            connection_age_max: RawDuration::from_secs(30 * 60),
            connection_idle_timeout: RawDuration::from_secs(5 * 60),
            first_byte_timeout: RawDuration::from_secs(10),
            read_timeout: RawDuration::from_secs(30),
            publish_timeout: RawDuration::from_secs(30),
            retry_after: RawDuration::from_secs(1),
            tls: None,
            auth: None,
            tenant_header: None,
            retention_classes: None,
            metadata: BTreeMap::new(),
            peer_address: None,
            stamp: RawStamp::default(),
            filter: RawFilter::default(),
            kafka: None,
        }
    }
}

/// OTLP over gRPC.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawGrpc {
    /// An IP address and port, `localhost:4317`, or `:4317` for all IPv4 addresses of the host. Port 0 picks a free
    /// port.
    #[schemars(extend("pattern" = LISTEN_PATTERN))]
    pub listen: String,
    /// TLS on this port, in place of `ingest.tls`.
    pub tls: Option<RawTls>,
}

impl Default for RawGrpc {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:4317".into(),
            tls: None,
        }
    }
}

/// OTLP over HTTP: protobuf and JSON.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHttp {
    /// An IP address and port, `localhost:4318`, or `:4318` for all IPv4 addresses of the host. Port 0 picks a free
    /// port.
    #[schemars(extend("pattern" = LISTEN_PATTERN))]
    pub listen: String,
    /// TLS on this port, in place of `ingest.tls`.
    pub tls: Option<RawTls>,
    /// From which web pages telemetry is taken. Absent: from none.
    pub cors: Option<RawCors>,
}

impl Default for RawHttp {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:4318".into(),
            tls: None,
            cors: None,
        }
    }
}

/// A valid `ingest` section.
#[derive(Clone, Debug)]
pub struct Config {
    pub grpc: Listen,
    pub http: Listen,
    pub record_bytes_max: usize,
    pub linger: Duration,
    pub request_bytes_max: usize,
    pub memory_limit: usize,
    pub connections_max: usize,
    pub connections_per_peer_max: usize,
    pub connection_age_max: Duration,
    pub connection_idle_timeout: Duration,
    pub first_byte_timeout: Duration,
    pub read_timeout: Duration,
    pub publish_timeout: Duration,
    pub retry_after: Duration,
    pub auth: Option<Auth>,
    pub tenant_header: Option<HeaderName>,
    pub metadata: Vec<FromHeader>,
    pub peer_address: Option<PeerAddress>,
    pub cors: Option<Cors>,
    /// Of the tenants, which have a section of their own: see [`Config::with_quotas`].
    pub quotas: Quotas,
    /// What resources get that lack it.
    pub stamp: Stamp,
    /// What doesn't get onto the bus.
    pub filter: Arc<Filter>,
    /// Given to [`crate::rekey()`].
    pub kafka: Option<Kafka>,
}

impl Config {
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }
}

/// An address, with the configuration key that it came from.
#[derive(Clone, Debug)]
pub struct Listen {
    pub address: SocketAddr,
    pub key: String,
    /// `None`: plain text.
    pub tls: Option<Tls>,
}

impl Listen {
    fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }
}

/// Requests are held by up to four buffers of their size: the body, its decompressed form, JSON as protobuf, the records.
const REQUESTS_IN_MEMORY_MIN: u64 = 4;

impl RawConfig {
    fn peer_address(&self, path: &str, problems: &mut Problems) -> Option<PeerAddress> {
        let raw = self.peer_address.as_ref()?;
        Some(raw.validate(&format!("{path}.peer_address"), problems))
    }

    /// Checks every value; `path` is where this section stands, usually `ingest`.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        let [grpc_tls, http_tls] = self.tls(path, problems);
        let auth = self.auth(path, [&grpc_tls, &http_tls], problems);
        let stamp = self.stamp.validate(&format!("{path}.stamp"), problems);
        let filter = self.filter.validate(&format!("{path}.filter"), problems);
        let filter = Arc::new(filter);
        let config = Config {
            grpc: listen(&self.grpc.listen, format!("{path}.grpc.listen"), problems)
                .with_tls(grpc_tls.clone()),
            http: listen(&self.http.listen, format!("{path}.http.listen"), problems)
                .with_tls(http_tls.clone()),
            record_bytes_max: self.record_bytes_max.0 as usize,
            linger: self.linger.0,
            request_bytes_max: self.request_bytes_max.0 as usize,
            memory_limit: self.memory_limit.0 as usize,
            connections_max: self.connections_max as usize,
            connections_per_peer_max: self.connections_per_peer_max as usize,
            connection_age_max: self.connection_age_max.0,
            connection_idle_timeout: self.connection_idle_timeout.0,
            first_byte_timeout: self.first_byte_timeout.0,
            read_timeout: self.read_timeout.0,
            publish_timeout: self.publish_timeout.0,
            retry_after: self.retry_after.0,
            cors: (self.http.cors.as_ref())
                .map(|cors| cors.validate(&format!("{path}.http.cors"), problems)),
            peer_address: self.peer_address(path, problems),
            metadata: metadata::validate(
                &self.metadata,
                auth.as_ref().map_or(&[], |auth| &auth.key_headers),
                &format!("{path}.metadata"),
                problems,
            ),
            auth,
            tenant_header: tenant_header(self.tenant_header.as_deref(), path, problems),
            quotas: Quotas::default(),
            kafka: self.kafka.as_ref().map(|kafka| {
                let record_bytes_max = self.record_bytes_max.0 as usize;
                let path = format!("{path}.kafka");
                let valid = kafka.validate(&path, record_bytes_max, stamp.clone(), problems);
                valid.with_filter(filter.clone())
            }),
            stamp,
            filter,
        };
        self.check(path, problems);
        if config.grpc.address == config.http.address && config.grpc.address.port() != 0 {
            problems.push(
                format!("{path}.http.listen"),
                format!(
                    "is {}, which grpc.listen has already; choose another port",
                    config.http.address
                ),
            );
        }
        config
    }

    /// Of gRPC, and of HTTP.
    fn tls(&self, path: &str, problems: &mut Problems) -> [Option<Tls>; 2] {
        let mut of = |own: &Option<RawTls>, section: &str| match (own, &self.tls) {
            (Some(own), _) => Some(own.validate(&format!("{path}.{section}.tls"), problems)),
            (None, Some(both)) => Some(both.validate(&format!("{path}.tls"), &mut Problems::new())),
            (None, None) => None,
        };
        let tls = [of(&self.grpc.tls, "grpc"), of(&self.http.tls, "http")];
        if let Some(both) = &self.tls {
            both.validate(&format!("{path}.tls"), problems);
        }
        tls
    }

    fn auth(&self, path: &str, tls: [&Option<Tls>; 2], problems: &mut Problems) -> Option<Auth> {
        let auth = self.auth.as_ref()?;
        let asks = |tls: &Option<Tls>| tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
        let path_of_auth = format!("{path}.auth");
        let valid = auth.validate(&path_of_auth, tls.iter().all(|tls| asks(tls)), problems);
        let has_secrets = auth.keys_file.is_some() || auth.oidc.is_some();
        for (section, text, tls) in [
            ("grpc", &self.grpc.listen, tls[0]),
            ("http", &self.http.listen, tls[1]),
        ] {
            let is_local = listen_address(text).is_ok_and(|address| address.ip().is_loopback());
            if has_secrets && tls.is_none() && !is_local {
                problems.warn(
                    format!("{path}.{section}.listen"),
                    "keys and tokens come in plain text here; set ingest.tls, or let a proxy on this machine end TLS",
                );
            }
        }
        Some(valid)
    }

    /// What each value must be by itself, and beside the others.
    fn check(&self, path: &str, problems: &mut Problems) {
        let mut require = |holds: bool, key: &str, message: String| {
            if !holds {
                problems.push(format!("{path}.{key}"), message);
            }
        };
        require(
            (1 << 10..=64 << 20).contains(&self.record_bytes_max.0),
            "record_bytes_max",
            "must be between 1KiB and 64MiB".into(),
        );
        require(
            self.linger.0 <= Duration::from_secs(10),
            "linger",
            "must be at most 10s: requests wait for it".into(),
        );
        require(
            (1 << 10..=1 << 30).contains(&self.request_bytes_max.0),
            "request_bytes_max",
            "must be between 1KiB and 1GiB".into(),
        );
        require(
            self.memory_limit.0 / REQUESTS_IN_MEMORY_MIN >= self.request_bytes_max.0,
            "memory_limit",
            format!(
                "must be at least {REQUESTS_IN_MEMORY_MIN} times request_bytes_max, or the largest request can never be taken"
            ),
        );
        require(
            self.connections_max > 0,
            "connections_max",
            "must be at least 1".into(),
        );
        require(
            self.connections_per_peer_max > 0,
            "connections_per_peer_max",
            "must be at least 1".into(),
        );
        for (key, value) in [
            ("connection_age_max", self.connection_age_max),
            ("connection_idle_timeout", self.connection_idle_timeout),
            ("first_byte_timeout", self.first_byte_timeout),
            ("read_timeout", self.read_timeout),
            ("publish_timeout", self.publish_timeout),
            ("retry_after", self.retry_after),
        ] {
            require(!value.0.is_zero(), key, "must be above 0s".into());
        }
    }
}

fn listen(text: &str, key: String, problems: &mut Problems) -> Listen {
    let address = listen_address(text).unwrap_or_else(|problem| {
        problems.push(&key, format!("`{text}` {problem}"));
        SocketAddr::from(([127, 0, 0, 1], 0))
    });
    Listen {
        address,
        key,
        tls: None,
    }
}

fn tenant_header(name: Option<&str>, path: &str, problems: &mut Problems) -> Option<HeaderName> {
    let name = name?;
    match name.parse() {
        Ok(name) => Some(name),
        Err(_) => {
            problems.push(
                format!("{path}.tenant_header"),
                format!("`{name}` is not a header name, such as x-scope-orgid"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests;
