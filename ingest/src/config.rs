//! The `ingest` section of the configuration.

use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderName;
use runtime::config::{
    ByteSize, Duration as RawDuration, LISTEN_PATTERN, Problems, listen_address,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::Stamp;
use crate::sources::{Kafka, RawKafka};
use crate::stamp::RawStamp;

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
    /// The request header that names the tenant, such as `x-scope-orgid`. Absent: all data belongs to the default
    /// tenant.
    pub tenant_header: Option<String>,
    /// Attributes for everything that comes in, where they are missing.
    pub stamp: RawStamp,
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
            connection_age_max: RawDuration::from_secs(30 * 60),
            connection_idle_timeout: RawDuration::from_secs(5 * 60),
            first_byte_timeout: RawDuration::from_secs(10),
            read_timeout: RawDuration::from_secs(30),
            publish_timeout: RawDuration::from_secs(30),
            retry_after: RawDuration::from_secs(1),
            tenant_header: None,
            stamp: RawStamp::default(),
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
}

impl Default for RawGrpc {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:4317".into(),
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
}

impl Default for RawHttp {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:4318".into(),
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
    pub connection_age_max: Duration,
    pub connection_idle_timeout: Duration,
    pub first_byte_timeout: Duration,
    pub read_timeout: Duration,
    pub publish_timeout: Duration,
    pub retry_after: Duration,
    pub tenant_header: Option<HeaderName>,
    /// What resources get that lack it.
    pub stamp: Stamp,
    /// Given to [`crate::rekey()`].
    pub kafka: Option<Kafka>,
}

/// An address, with the configuration key that it came from.
#[derive(Clone, Debug)]
pub struct Listen {
    pub address: SocketAddr,
    pub key: String,
}

/// Requests are held by up to four buffers of their size: the body, its decompressed form, JSON as protobuf, the records.
const REQUESTS_IN_MEMORY_MIN: u64 = 4;

impl RawConfig {
    /// Checks every value; `path` is where this section stands, usually `ingest`.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        let stamp = self.stamp.validate(&format!("{path}.stamp"), problems);
        let config = Config {
            grpc: listen(&self.grpc.listen, format!("{path}.grpc.listen"), problems),
            http: listen(&self.http.listen, format!("{path}.http.listen"), problems),
            record_bytes_max: self.record_bytes_max.0 as usize,
            linger: self.linger.0,
            request_bytes_max: self.request_bytes_max.0 as usize,
            memory_limit: self.memory_limit.0 as usize,
            connections_max: self.connections_max as usize,
            connection_age_max: self.connection_age_max.0,
            connection_idle_timeout: self.connection_idle_timeout.0,
            first_byte_timeout: self.first_byte_timeout.0,
            read_timeout: self.read_timeout.0,
            publish_timeout: self.publish_timeout.0,
            retry_after: self.retry_after.0,
            tenant_header: tenant_header(self.tenant_header.as_deref(), path, problems),
            kafka: self.kafka.as_ref().map(|kafka| {
                let record_bytes_max = self.record_bytes_max.0 as usize;
                let path = format!("{path}.kafka");
                kafka.validate(&path, record_bytes_max, stamp.clone(), problems)
            }),
            stamp,
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
    Listen { address, key }
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Every wrong value is reported, by its path.
    #[test]
    fn problems_are_named_by_path() {
        let check = |change: fn(&mut RawConfig), expected: &[&str]| {
            let mut raw = RawConfig::default();
            change(&mut raw);
            let mut problems = Problems::new();
            raw.validate("ingest", &mut problems);
            let paths: Vec<_> = problems
                .iter()
                .map(|problem| problem.path.as_str())
                .collect();
            assert_eq!(paths, expected);
        };
        check(|_| (), &[]);
        check(
            |raw| raw.grpc.listen = "localhost".into(),
            &["ingest.grpc.listen"],
        );
        check(|raw| raw.grpc.listen = "localhost:14317".into(), &[]);
        check(|raw| raw.http.listen = "[::1]:4317".into(), &[]);
        check(
            |raw| raw.http.listen = "localhost:4317".into(),
            &["ingest.http.listen"],
        );
        check(
            |raw| raw.http.listen = "127.0.0.1:4317".into(),
            &["ingest.http.listen"],
        );
        check(
            |raw| raw.memory_limit = ByteSize::mib(255),
            &["ingest.memory_limit"],
        );
        check(
            |raw| raw.tenant_header = Some("a b".into()),
            &["ingest.tenant_header"],
        );
        check(
            |raw| {
                raw.record_bytes_max = ByteSize(1);
                raw.linger = RawDuration::from_secs(60);
                raw.connection_idle_timeout = RawDuration::from_secs(0);
                raw.retry_after = RawDuration::from_secs(0);
            },
            &[
                "ingest.record_bytes_max",
                "ingest.linger",
                "ingest.connection_idle_timeout",
                "ingest.retry_after",
            ],
        );
    }
}
