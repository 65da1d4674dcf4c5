//! One connection: a request's way to the endpoint, tried again until it is answered.

mod grpc;
mod http;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::Request;
use crate::send::{Compression, Counts, Protocol, SendOptions};

/// One connection.
pub(crate) enum Link {
    Grpc(grpc::Client),
    Http(Box<http::Client>),
}

/// What one attempt came to.
pub(crate) enum Attempt {
    /// With the number of rejected items.
    Accepted(u64),
    Retry(String),
    Failed(String),
}

impl Link {
    pub(crate) fn open(options: &SendOptions) -> anyhow::Result<Self> {
        if options.protocol != Protocol::Grpc {
            return Ok(Self::Http(Box::new(http::connect())));
        }
        Ok(Self::Grpc(grpc::connect(options)?))
    }

    pub(crate) async fn deliver(
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
                Self::Grpc(client) => grpc::send(client, request.signal, body.clone()).await,
                Self::Http(client) => {
                    http::send(client, request.signal, body.clone(), options).await?
                }
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

/// `partial_success.rejected_*`: the same fields for all signals.
fn rejected(response: &[u8]) -> u64 {
    let response = ExportTraceServiceResponse::decode(response).unwrap_or_default();
    response
        .partial_success
        .map_or(0, |partial| partial.rejected_spans.max(0) as u64)
}
