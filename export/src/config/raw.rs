//! The section as the user writes it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runtime::config::{ByteSize, Duration};
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

/// Where kept telemetry goes. Each backend reads the bus for itself: a slow or dead one holds up no other.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    #[schemars(length(min = 1))]
    pub backends: Vec<RawBackend>,
}

impl Default for RawConfig {
    /// What a first run shows: a line each on the terminal, and everything in a file.
    fn default() -> Self {
        Self {
            backends: vec![
                RawBackend {
                    name: "kept".into(),
                    file: Some(RawFile {
                        path: "./kept.jsonl".into(),
                        rotate: Some(RawRotate::default()),
                    }),
                    ..RawBackend::default()
                },
                RawBackend {
                    name: "terminal".into(),
                    stdout: Some(RawStdout {}),
                    ..RawBackend::default()
                },
            ],
        }
    }
}

/// One backend: a name, exactly one of `otlp_grpc`, `otlp_http`, `file` and `stdout`, and what it gets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBackend {
    /// Unique; letters, digits, `-`, `_` and `.`. Names the consumer group: a new name starts at the oldest record.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,100}$"))]
    pub name: String,
    pub otlp_grpc: Option<RawGrpc>,
    pub otlp_http: Option<RawHttp>,
    pub file: Option<RawFile>,
    pub stdout: Option<RawStdout>,
    /// What it gets; all three by default.
    #[schemars(length(min = 1))]
    pub signals: Vec<RawSignal>,
    pub batch: RawBatch,
    pub retry: RawRetry,
    pub credentials: RawCredentials,
    /// Requests in flight at a time, for each signal. Files and the terminal have one.
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: usize,
}

impl Default for RawBackend {
    fn default() -> Self {
        Self {
            name: String::new(),
            otlp_grpc: None,
            otlp_http: None,
            file: None,
            stdout: None,
            signals: vec![RawSignal::Traces, RawSignal::Logs, RawSignal::Metrics],
            batch: RawBatch::default(),
            retry: RawRetry::default(),
            credentials: RawCredentials::default(),
            concurrency: 4,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawSignal {
    Traces,
    Logs,
    Metrics,
}

impl From<RawSignal> for Signal {
    fn from(raw: RawSignal) -> Self {
        match raw {
            RawSignal::Traces => Self::Traces,
            RawSignal::Logs => Self::Logs,
            RawSignal::Metrics => Self::Metrics,
        }
    }
}

/// OTLP over gRPC.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawGrpc {
    /// `https://host:port`, or `http://host:port` for plain text. Without a scheme, `tls.insecure` decides.
    pub endpoint: String,
    /// Sent with each request, e.g. credentials.
    pub headers: BTreeMap<String, String>,
    pub compression: Compression,
    pub tls: RawTls,
    /// Of one request.
    pub timeout: Duration,
}

impl Default for RawGrpc {
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

/// OTLP over HTTP.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHttp {
    /// The base address: `/v1/traces` and its siblings are appended.
    pub endpoint: String,
    /// The whole address for traces, taken as it is.
    pub traces_endpoint: Option<String>,
    /// The whole address for logs, taken as it is.
    pub logs_endpoint: Option<String>,
    /// The whole address for metrics, taken as it is.
    pub metrics_endpoint: Option<String>,
    pub encoding: Encoding,
    /// Sent with each request, e.g. credentials.
    pub headers: BTreeMap<String, String>,
    pub compression: Compression,
    pub tls: RawTls,
    /// Of one request.
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    None,
    /// What every backend understands.
    #[default]
    Gzip,
    /// Half of gzip's CPU; the Collector and some backends take it.
    Zstd,
}

/// How to trust the backend. Without any key: the system's roots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTls {
    /// Plain text, for an endpoint without a scheme.
    pub insecure: bool,
    /// PEM; replaces the system's roots.
    pub ca_file: Option<PathBuf>,
    /// PEM; our certificate, for backends that ask for one.
    pub cert_file: Option<PathBuf>,
    /// PEM; the key to `cert_file`.
    pub key_file: Option<PathBuf>,
    /// Encrypt, but take any certificate. For tests only.
    pub insecure_skip_verify: bool,
}

/// OTLP JSON, one request a line; appended to, readable by the Collector's `otlpjsonfile` receiver.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFile {
    pub path: PathBuf,
    /// Absent: the file grows without bound.
    pub rotate: Option<RawRotate>,
}

/// At `bytes` the file becomes `<path>.1`, that `<path>.2`, and so on; the oldest above `keep` goes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRotate {
    pub bytes: ByteSize,
    pub keep: u32,
}

impl Default for RawRotate {
    fn default() -> Self {
        Self {
            bytes: ByteSize::mib(100),
            keep: 5,
        }
    }
}

/// A short line for each trace, log record and metric.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStdout {}

/// When records are sent on: at `bytes` or `items`, or `timeout` after the first one.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBatch {
    /// Before compression. 4 MiB is what gRPC servers take by default.
    pub bytes: ByteSize,
    /// Spans, log records or metrics; 0 is no limit.
    pub items: usize,
    pub timeout: Duration,
}

impl Default for RawBatch {
    fn default() -> Self {
        Self {
            bytes: ByteSize::mib(4),
            items: 0,
            timeout: Duration::from_millis(200),
        }
    }
}

/// How a batch is offered again that the backend could not take just now; as the Collector's `retry_on_failure`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRetry {
    pub initial_interval: Duration,
    /// 0.5: an interval varies between half and one and a half of its length.
    #[schemars(range(min = 0, max = 1))]
    pub randomization_factor: f64,
    #[schemars(range(min = 1, max = 100))]
    pub multiplier: f64,
    pub max_interval: Duration,
    /// Then the batch goes to the dead letters. 0s: never; the bus keeps what follows.
    pub max_elapsed_time: Duration,
    /// A batch that the backend fails on for this long (HTTP 500, INTERNAL, UNKNOWN), while it accepts others, is divided until what it
    /// fails on stands alone; that goes to the dead letters.
    pub poison_after: Duration,
}

impl Default for RawRetry {
    fn default() -> Self {
        Self {
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(0),
            poison_after: Duration::from_secs(600),
        }
    }
}

/// While the backend refuses everything (401, 403, 404, 405, redirects and their siblings in gRPC): a key was revoked, or the address is wrong.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCredentials {
    pub on_refused: OnRefused,
    /// While it holds, one request is tried this often.
    pub probe: Duration,
}

impl Default for RawCredentials {
    fn default() -> Self {
        Self {
            on_refused: OnRefused::default(),
            probe: Duration::from_secs(60),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRefused {
    /// Everything stays on the bus, which keeps it while it retains.
    #[default]
    Hold,
    /// Each record goes to the dead letters at once.
    DeadLetters,
}
