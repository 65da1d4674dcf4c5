//! Sends requests to an OTLP endpoint, at their rate or as fast as they are taken, and reports what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::{Buf, BufMut, Bytes};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use schemas::Signal;
use serde::Serialize;
use tokio::sync::{Mutex, mpsc};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::Request;

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Clone, Debug)]
pub struct SendOptions {
    /// `http://host:port`.
    pub endpoint: String,
    pub protocol: Protocol,
    pub compression: Compression,
    pub connections: usize,
    /// Follow the requests' due times; otherwise as fast as they are taken.
    pub paced: bool,
    /// Give up on a request after this long of retries.
    pub retry_for: Duration,
}

/// What became of what was sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub requests: u64,
    /// Items that the endpoint answered success for.
    pub accepted_items: u64,
    /// Items refused by `partial_success`.
    pub rejected_items: u64,
    /// Items of requests that failed for good.
    pub failed_items: u64,
    pub retries: u64,
    pub bytes: u64,
    pub seconds: f64,
    pub items_per_second: f64,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

/// Sends all requests; returns when the last was answered. `progress` hears of accepted items so far.
///
/// # Errors
/// The endpoint can't be parsed or never answers.
pub async fn send(
    requests: impl Iterator<Item = Request> + Send + 'static,
    options: SendOptions,
    progress: impl Fn(u64) + Send + Sync + 'static,
) -> anyhow::Result<Report> {
    let (sender, receiver) = mpsc::channel::<Request>(options.connections * 2);
    let receiver = Arc::new(Mutex::new(receiver));
    let counts = Arc::new(Counts::default());
    let progress = Arc::new(progress);
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..options.connections.max(1) {
        let mut link = Link::open(&options)?;
        let (receiver, counts, progress, options) = (
            receiver.clone(),
            counts.clone(),
            progress.clone(),
            options.clone(),
        );
        tasks.spawn(async move {
            loop {
                let Some(request) = receiver.lock().await.recv().await else {
                    return anyhow::Ok(());
                };
                link.deliver(&request, &options, &counts).await?;
                progress(counts.accepted.load(Ordering::Relaxed));
            }
        });
    }
    drop(receiver);
    let paced = options.paced;
    let feed = tokio::task::spawn_blocking(move || {
        for request in requests {
            if paced {
                std::thread::sleep(request.due.saturating_sub(started.elapsed()));
            }
            if sender.blocking_send(request).is_err() {
                return;
            }
        }
    });
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    feed.await?;
    let seconds = started.elapsed().as_secs_f64();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Ok(Report {
        requests: load(&counts.requests),
        accepted_items: load(&counts.accepted),
        rejected_items: load(&counts.rejected),
        failed_items: load(&counts.failed),
        retries: load(&counts.retries),
        bytes: load(&counts.bytes),
        seconds,
        items_per_second: load(&counts.accepted) as f64 / seconds,
    })
}

/// One connection.
enum Link {
    Grpc(tonic::client::Grpc<tonic::transport::Channel>),
    Http(Box<Client<HttpConnector, Full<Bytes>>>),
}

/// What one attempt came to.
enum Attempt {
    /// With the number of rejected items.
    Accepted(u64),
    Retry(String),
    Failed(String),
}

impl Link {
    fn open(options: &SendOptions) -> anyhow::Result<Self> {
        if options.protocol != Protocol::Grpc {
            let client = Client::builder(TokioExecutor::new()).build_http();
            return Ok(Self::Http(Box::new(client)));
        }
        let endpoint = tonic::transport::Endpoint::from_shared(options.endpoint.clone())
            .with_context(|| {
                format!(
                    "{:?} is not an endpoint such as http://127.0.0.1:4317",
                    options.endpoint
                )
            })?;
        // A server may answer in the encoding that it was asked in.
        let mut client = tonic::client::Grpc::new(endpoint.connect_lazy())
            .accept_compressed(tonic::codec::CompressionEncoding::Gzip)
            .accept_compressed(tonic::codec::CompressionEncoding::Zstd);
        client = match options.compression {
            Compression::None => client,
            Compression::Gzip => client.send_compressed(tonic::codec::CompressionEncoding::Gzip),
            Compression::Zstd => client.send_compressed(tonic::codec::CompressionEncoding::Zstd),
        };
        Ok(Self::Grpc(client))
    }

    async fn deliver(
        &mut self,
        request: &Request,
        options: &SendOptions,
        counts: &Counts,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(20);
        let body = self.body(request, options)?;
        counts.requests.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        let items = request.items as u64;
        loop {
            let attempt = match self {
                Self::Grpc(client) => grpc(client, request.signal, body.clone()).await,
                Self::Http(client) => post(client, request.signal, body.clone(), options).await?,
            };
            match attempt {
                Attempt::Accepted(rejected) => {
                    counts.rejected.fetch_add(rejected, Ordering::Relaxed);
                    counts
                        .accepted
                        .fetch_add(items.saturating_sub(rejected), Ordering::Relaxed);
                    return Ok(());
                }
                Attempt::Failed(reason) => {
                    eprintln!(
                        "a request of {items} {} was refused: {reason}",
                        request.signal.items()
                    );
                    counts.failed.fetch_add(items, Ordering::Relaxed);
                    return Ok(());
                }
                Attempt::Retry(reason) if started.elapsed() > options.retry_for => {
                    bail!(
                        "{} did not take a request in {:?} of retries: {reason}",
                        options.endpoint,
                        options.retry_for
                    );
                }
                Attempt::Retry(_) => {
                    counts.retries.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
            }
        }
    }

    fn body(&self, request: &Request, options: &SendOptions) -> anyhow::Result<Bytes> {
        if matches!(self, Self::Grpc(_)) {
            return Ok(request.bytes.clone());
        }
        let plain = if options.protocol == Protocol::HttpJson {
            let mut json = Vec::new();
            schemas::json::from_protobuf(request.signal, &request.bytes, &mut json)
                .context("cannot write a request as JSON")?;
            Bytes::from(json)
        } else {
            request.bytes.clone()
        };
        Ok(match options.compression {
            Compression::None => plain,
            Compression::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                std::io::Write::write_all(&mut encoder, &plain)?;
                encoder.finish()?.into()
            }
            Compression::Zstd => zstd::encode_all(&plain[..], 1)?.into(),
        })
    }
}

async fn grpc(
    client: &mut tonic::client::Grpc<tonic::transport::Channel>,
    signal: Signal,
    body: Bytes,
) -> Attempt {
    let path = http::uri::PathAndQuery::from_static(match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    });
    if let Err(error) = client.ready().await {
        return Attempt::Retry(error.to_string());
    }
    match client.unary(tonic::Request::new(body), path, Raw).await {
        Ok(response) => Attempt::Accepted(rejected(response.get_ref())),
        Err(status)
            if [
                tonic::Code::Unavailable,
                tonic::Code::DeadlineExceeded,
                tonic::Code::Aborted,
            ]
            .contains(&status.code()) =>
        {
            Attempt::Retry(status.to_string())
        }
        // The connection broke: only then a status has a cause on this side.
        Err(status) if std::error::Error::source(&status).is_some() => {
            Attempt::Retry(status.to_string())
        }
        Err(status) => Attempt::Failed(status.to_string()),
    }
}

async fn post(
    client: &Client<HttpConnector, Full<Bytes>>,
    signal: Signal,
    body: Bytes,
    options: &SendOptions,
) -> anyhow::Result<Attempt> {
    let json = options.protocol == Protocol::HttpJson;
    let mut request = http::Request::post(format!(
        "{}/v1/{}",
        options.endpoint.trim_end_matches('/'),
        signal.name()
    ))
    .header(
        "content-type",
        if json {
            "application/json"
        } else {
            "application/x-protobuf"
        },
    );
    match options.compression {
        Compression::None => {}
        Compression::Gzip => request = request.header("content-encoding", "gzip"),
        Compression::Zstd => request = request.header("content-encoding", "zstd"),
    }
    let response = match client.request(request.body(Full::new(body))?).await {
        Ok(response) => response,
        Err(error) => return Ok(Attempt::Retry(error.to_string())),
    };
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    Ok(match status.as_u16() {
        200 if json => Attempt::Accepted(0),
        200 => Attempt::Accepted(rejected(&body)),
        429 | 502 | 503 | 504 => Attempt::Retry(status.to_string()),
        _ => Attempt::Failed(format!("{status}: {}", String::from_utf8_lossy(&body))),
    })
}

/// `partial_success.rejected_*`: the same fields for all signals.
fn rejected(response: &[u8]) -> u64 {
    let response = ExportTraceServiceResponse::decode(response).unwrap_or_default();
    response
        .partial_success
        .map_or(0, |partial| partial.rejected_spans.max(0) as u64)
}

/// Bytes as they are: a request was encoded once, for all attempts.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;
    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;
    fn decode(&mut self, input: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        let length = input.remaining();
        Ok(Some(input.copy_to_bytes(length)))
    }
}
