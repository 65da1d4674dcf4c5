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
    /// The backends. Each reads the bus by itself, so a slow one delays no other.
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
    /// Unique; letters, digits, `-`, `_` and `.`. It names the consumer group, so a backend with a new name starts at
    /// the oldest record.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,100}$"))]
    pub name: String,
    pub otlp_grpc: Option<RawGrpc>,
    pub otlp_http: Option<RawHttp>,
    pub file: Option<RawFile>,
    pub stdout: Option<RawStdout>,
    /// The signals that it gets.
    #[schemars(length(min = 1))]
    pub signals: Vec<RawSignal>,
    pub batch: RawBatch,
    pub retry: RawRetry,
    pub credentials: RawCredentials,
    /// The number of requests in flight, for each signal. Files and the terminal have one.
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
    /// Headers of each request, for example credentials.
    pub headers: BTreeMap<String, String>,
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
    /// Headers of each request, for example credentials.
    pub headers: BTreeMap<String, String>,
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

/// How to verify the backend, and how to identify Tailwater to it. Without any key, the system's root certificates are
/// trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTls {
    /// Use plain text, for an endpoint without a scheme.
    pub insecure: bool,
    /// The root certificates to trust instead of the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// The client certificate, for backends that ask for one, as a PEM file.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`, as a PEM file.
    pub key_file: Option<PathBuf>,
    /// Encrypt, but accept any certificate. For tests only.
    pub insecure_skip_verify: bool,
}

/// A file of OTLP JSON, one request per line, as the Collector's `otlpjsonfile` receiver reads it. Existing content is
/// kept.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFile {
    /// The path of the file. One backend of one process writes to it.
    pub path: PathBuf,
    /// When to start a new file. Absent: the file grows without limit.
    pub rotate: Option<RawRotate>,
}

/// At `bytes` the file becomes `<path>.1`, that `<path>.2`, and so on; the oldest above `keep` goes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRotate {
    /// The size at which the file is renamed to `<path>.1`, and a new one begins.
    pub bytes: ByteSize,
    /// How many renamed files to keep.
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

/// The terminal: a short line for each trace, log record and metric.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStdout {}

/// When a batch is sent: at `bytes` or `items`, or `timeout` after its first record.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBatch {
    /// The size of a batch before compression. By default, gRPC servers accept 4 MiB.
    pub bytes: ByteSize,
    /// The number of spans, log records or metrics in a batch. 0: no limit.
    pub items: usize,
    /// How long after its first record a batch is sent at the latest.
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

/// How a batch is retried that the backend could not accept. As in the Collector's `retry_on_failure`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRetry {
    /// The pause before the first retry.
    pub initial_interval: Duration,
    /// How much an interval varies at random. 0.5: between half and one and a half of its length.
    #[schemars(range(min = 0, max = 1))]
    pub randomization_factor: f64,
    /// The factor from one pause to the next.
    #[schemars(range(min = 1, max = 100))]
    pub multiplier: f64,
    /// The longest pause.
    pub max_interval: Duration,
    /// The time after which a batch goes to the dead letters. 0s: never, and what follows stays on the bus.
    pub max_elapsed_time: Duration,
    /// A batch that fails for this long (HTTP 500, INTERNAL, UNKNOWN) while others are accepted is divided, until the
    /// items that fail stand alone. These go to the dead letters.
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

/// What to do while the backend refuses everything (401, 403, 404, 405, redirects, and their equivalents in gRPC),
/// since a key was revoked or the address is wrong.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCredentials {
    /// `hold`: data stays on the bus. `dead_letters`: each record goes to the dead letters at once.
    pub on_refused: OnRefused,
    /// While the backend is held, one request is tried this often.
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
