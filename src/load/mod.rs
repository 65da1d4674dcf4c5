//! `tailwater load`: seeded traffic to an OTLP endpoint or a file, or from a file; reports what it sent as JSON.

mod progress;

use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::load::{Access, Compression, Mix, Protocol, Request, SendOptions, Traffic, file};
use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use runtime::exit;
use schemas::Signal;
use schemas::otlp::Items;

use progress::Progress;

#[derive(clap::Args)]
pub struct Args {
    /// Where to send: http://host:port or https://host:port [default: http://127.0.0.1:4317 for gRPC, http://127.0.0.1:4318 for HTTP]
    #[arg(long)]
    endpoint: Option<String>,
    #[arg(long, value_enum, default_value = "grpc")]
    protocol: ProtocolArg,
    #[arg(long, value_enum, default_value = "none")]
    compression: CompressionArg,
    /// Sent with each request, such as "authorization: Bearer …"; may be given more than once
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Certificate authorities in PEM to trust in place of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Spans to generate
    #[arg(long, default_value_t = 100_000)]
    spans: u64,
    /// Spans a second; without it, as fast as they are taken
    #[arg(long, value_name = "SPANS/S")]
    rate: Option<f64>,
    /// The same seed gives the same traffic; without it, each run has trace ids of its own
    #[arg(long)]
    seed: Option<u64>,
    /// When the first trace starts, in seconds since the Unix epoch [default: now]
    #[arg(long, value_name = "SECONDS")]
    start: Option<u64>,
    /// Of traces, log records and metrics, what to send
    #[arg(long, value_delimiter = ',', default_value = "traces")]
    signals: Vec<String>,
    #[arg(long, default_value_t = 250)]
    spans_per_request: usize,
    /// Share of traces with an error
    #[arg(long, default_value_t = 0.023)]
    errors: f64,
    /// Share of traces of more than two seconds
    #[arg(long, default_value_t = 0.01)]
    slow: f64,
    /// Share of spans that arrive late
    #[arg(long, default_value_t = 0.001)]
    late: f64,
    /// Share of requests that are sent twice
    #[arg(long, default_value_t = 0.0005)]
    duplicates: f64,
    /// Write length-prefixed requests (u32 little-endian, then ExportTraceServiceRequest) instead of sending
    #[arg(long, value_name = "FILE", conflicts_with = "read")]
    write: Option<PathBuf>,
    /// Send the length-prefixed trace requests of a file instead of generated ones
    #[arg(long, value_name = "FILE")]
    read: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProtocolArg {
    Grpc,
    #[value(name = "http/protobuf")]
    HttpProtobuf,
    #[value(name = "http/json")]
    HttpJson,
}

#[derive(Clone, Copy, ValueEnum)]
enum CompressionArg {
    None,
    Gzip,
    Zstd,
}

/// Somebody who starts the pipeline and this together may be a moment late.
const CONNECT_FOR: Duration = Duration::from_secs(1);
const RETRY_FOR: Duration = Duration::from_secs(60);

pub fn run(args: &Args) -> i32 {
    match go(args) {
        Ok(report) => {
            outln!("{report:#}");
            exit::CLEAN
        }
        Err(error) => {
            errln!("error: {error:#}");
            exit::FAILED
        }
    }
}

fn go(args: &Args) -> anyhow::Result<serde_json::Value> {
    if let Some(path) = &args.read {
        let source =
            std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut source = BufReader::with_capacity(1 << 20, source);
        let mut requests = Vec::new();
        while let Some(bytes) =
            file::read(&mut source).with_context(|| format!("cannot read {}", path.display()))?
        {
            let items = Items::new(&bytes).filter(Result::is_ok).count();
            requests.push(Request {
                signal: Signal::Traces,
                bytes,
                items,
                due: Duration::ZERO,
            });
        }
        let sent = deliver(args, requests.into_iter())?;
        return Ok(serde_json::json!({"file": path, "sent": sent}));
    }
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let mut traffic = traffic(args, seed)?;
    if let Some(path) = &args.write {
        let out = std::fs::File::create(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut out = BufWriter::with_capacity(1 << 20, out);
        for request in traffic
            .by_ref()
            .filter(|request| request.signal == Signal::Traces)
        {
            file::write(&mut out, &request.bytes)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        out.flush()
            .with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(serde_json::json!({"file": path, "seed": seed, "generated": traffic.summary()}));
    }
    if args.seed.is_none() {
        errln!("seed {seed}");
    }
    let (summary, generated) = std::sync::mpsc::channel();
    let sent = deliver(args, Reporting { traffic, summary })?;
    Ok(serde_json::json!({"seed": seed, "generated": generated.recv().ok(), "sent": sent}))
}

/// Traffic that leaves its summary when it is dropped, on whatever thread that happens.
struct Reporting {
    traffic: Traffic,
    summary: std::sync::mpsc::Sender<::load::Summary>,
}

impl Iterator for Reporting {
    type Item = Request;
    fn next(&mut self) -> Option<Request> {
        self.traffic.next()
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        let _ = self.summary.send(self.traffic.summary().clone());
    }
}

fn traffic(args: &Args, seed: u64) -> anyhow::Result<Traffic> {
    let mut signals = Vec::new();
    for name in &args.signals {
        match Signal::ALL.iter().find(|signal| signal.name() == name) {
            Some(signal) => signals.push(signal.name()),
            None => bail!("--signals {name}: there are traces, logs and metrics"),
        }
    }
    let mix = Mix {
        error: args.errors,
        slow: args.slow,
        late: args.late,
        duplicate: args.duplicates,
        spans_per_request: args.spans_per_request,
        spans_per_second: args.rate.unwrap_or(Mix::default().spans_per_second),
        signals,
        ..Mix::default()
    };
    let start = match args.start {
        Some(seconds) => Duration::from_secs(seconds),
        None => SystemTime::now().duration_since(UNIX_EPOCH)?,
    };
    Ok(Traffic::new(mix, seed, args.spans, start.as_nanos() as u64))
}

/// Short enough to be typed again.
fn fresh_seed() -> u64 {
    fastrand::u64(1..=u64::from(u32::MAX))
}

impl Args {
    fn endpoint(&self) -> anyhow::Result<String> {
        let port = match self.protocol {
            ProtocolArg::Grpc => 4317,
            ProtocolArg::HttpProtobuf | ProtocolArg::HttpJson => 4318,
        };
        let Some(endpoint) = &self.endpoint else {
            return Ok(format!("http://127.0.0.1:{port}"));
        };
        let host = ((endpoint.strip_prefix("http://")).or(endpoint.strip_prefix("https://")))
            .unwrap_or_default();
        match host {
            host if !host.is_empty() => Ok(endpoint.clone()),
            _ => bail!(
                "--endpoint {endpoint}: write http://host:port, such as http://127.0.0.1:{port}"
            ),
        }
    }
}

impl Args {
    /// # Errors
    /// A header isn't one, or the file can't be read.
    fn access(&self) -> anyhow::Result<Access> {
        let mut access = Access::default();
        for header in &self.headers {
            access = access.with_header(header).context("--header")?;
        }
        if let Some(path) = &self.ca_file {
            let pem = std::fs::read(path);
            access = access
                .with_ca(pem.with_context(|| format!("cannot read --ca-file {}", path.display()))?);
        }
        Ok(access)
    }
}

fn deliver(
    args: &Args,
    requests: impl Iterator<Item = Request> + Send + 'static,
) -> anyhow::Result<::load::Report> {
    let endpoint = args.endpoint()?;
    let options = SendOptions {
        endpoint: endpoint.clone(),
        access: args.access()?,
        protocol: match args.protocol {
            ProtocolArg::Grpc => Protocol::Grpc,
            ProtocolArg::HttpProtobuf => Protocol::HttpProtobuf,
            ProtocolArg::HttpJson => Protocol::HttpJson,
        },
        compression: match args.compression {
            CompressionArg::None => Compression::None,
            CompressionArg::Gzip => Compression::Gzip,
            CompressionArg::Zstd => Compression::Zstd,
        },
        connections: args.connections,
        paced: args.rate.is_some(),
        connect_for: CONNECT_FOR,
        retry_for: RETRY_FOR,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let progress = Progress::new(endpoint.clone(), RETRY_FOR);
    let sending = ::load::send(requests, options, move |event| progress.show(event));
    let outcome = runtime.block_on(sending);
    // After a failure, what is left of the traffic may not be due for long.
    runtime.shutdown_background();
    let report = outcome.map_err(|error| {
        anyhow!("{error:#}; is Tailwater running there (`tailwater run`)? --endpoint and --protocol say where and how to send")
    })?;
    if report.accepted_items == 0 && report.failed_items > 0 {
        bail!("{endpoint} refused all {} items", report.failed_items);
    }
    Ok(report)
}
