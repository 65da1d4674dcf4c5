//! The `export` section of the configuration: as written ([`RawConfig`]), and as used ([`Config`]).
//!
//! Names and defaults follow the OpenTelemetry Collector's exporters where they have them, so that a configuration can be
//! carried over. Two differ on purpose: `timeout` is 30 s for both protocols (a batch may be 4 MiB), and
//! `max_elapsed_time` is 0, for ever, since the bus is the buffer.

mod connection;
mod files;
mod raw;
mod validate;

pub(crate) use connection::join;

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, Uri};
use schemas::Signal;

pub use raw::*;

/// A valid `export` section.
#[derive(Clone, Debug)]
pub struct Config {
    pub backends: Vec<Backend>,
}

/// One backend: where to, what of, and how.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Unique; names the consumer group, and the label `backend` on metrics.
    pub name: String,
    pub kind: Kind,
    pub signals: Vec<Signal>,
    pub batch: BatchLimits,
    pub retry: RetryPolicy,
    pub credentials: Credentials,
    /// Requests in flight at a time, for each signal.
    pub concurrency: usize,
}

#[derive(Clone, Debug)]
pub enum Kind {
    OtlpGrpc(GrpcConfig),
    OtlpHttp(HttpConfig),
    File(FileConfig),
    Stdout,
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::OtlpGrpc(_) => "otlp_grpc",
            Self::OtlpHttp(_) => "otlp_http",
            Self::File(_) => "file",
            Self::Stdout => "stdout",
        }
    }
}

#[derive(Clone, Debug)]
pub struct GrpcConfig {
    /// Scheme and authority, and a path prefix if any.
    pub endpoint: Uri,
    pub connection: Connection,
}

#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The whole address of each signal, in the order of [`Signal::ALL`].
    pub endpoints: [Uri; 3],
    pub encoding: Encoding,
    pub connection: Connection,
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

/// What the two network kinds have in common.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Values are marked sensitive: they hold credentials, and don't show in logs.
    pub headers: HeaderMap,
    pub compression: Compression,
    pub tls: RawTls,
    pub timeout: Duration,
}

#[derive(Clone, Debug)]
pub struct FileConfig {
    pub path: PathBuf,
    pub rotate: Option<Rotate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    pub bytes: u64,
    pub keep: u32,
}

/// When a batch is full. A record is never cut for it: one record above `bytes` is a batch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    pub bytes: usize,
    /// `usize::MAX` when not limited.
    pub items: usize,
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    pub initial_interval: Duration,
    pub randomization_factor: f64,
    pub multiplier: f64,
    pub max_interval: Duration,
    /// `None`: for ever.
    pub max_elapsed_time: Option<Duration>,
    /// A batch that fails for this long, while others are accepted, is to blame itself.
    pub poison_after: Duration,
}

/// What to do while the backend takes nothing from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub on_refused: OnRefused,
    pub probe: Duration,
}
