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
use crate::send::{Compression, Event, Protocol, SendOptions, Sending};

/// Of one connection: an address behind which nobody is may never answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// An answer that takes longer is worth a word.
const SILENCE: Duration = Duration::from_secs(5);

/// One connection.
pub(crate) enum Link {
    Grpc(grpc::Client),
    Http(Box<http::Client>),
}

/// What one attempt came to.
pub(crate) enum Attempt {
    /// With the number of rejected items.
    Accepted(u64),
    /// Whatever is there doesn't answer, or nobody is.
    Unreachable(String),
    /// It answered that it can't take the request now.
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
        sending: &Sending,
    ) -> anyhow::Result<()> {
        let (options, counts) = (&sending.options, &sending.counts);
        let started = Instant::now();
        let mut wait = Duration::from_millis(20);
        let body = self.body(request, options)?;
        counts.requests.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        let items = request.items as u64;
        loop {
            let attempt = self.attempt(request, body.clone(), sending).await?;
            let unreachable = matches!(attempt, Attempt::Unreachable(_));
            if !unreachable {
                counts.answered.store(true, Ordering::Relaxed);
            }
            let reason = match attempt {
                Attempt::Accepted(rejected) => {
                    counts.rejected.fetch_add(rejected, Ordering::Relaxed);
                    counts
                        .accepted
                        .fetch_add(items.saturating_sub(rejected), Ordering::Relaxed);
                    return Ok(());
                }
                Attempt::Failed(reason) => {
                    sending.tell(Event::Refused(items, reason));
                    counts.failed.fetch_add(items, Ordering::Relaxed);
                    return Ok(());
                }
                Attempt::Unreachable(reason) | Attempt::Retry(reason) => reason,
            };
            let never_answered = unreachable && !counts.answered.load(Ordering::Relaxed);
            if never_answered && sending.started.elapsed() + wait > options.connect_for {
                bail!("nobody answers at {}: {reason}", options.endpoint);
            }
            if started.elapsed() > options.retry_for {
                bail!(
                    "{} did not take a request in {} s of retries: {reason}",
                    options.endpoint,
                    options.retry_for.as_secs()
                );
            }
            if !never_answered {
                sending.away(&reason);
            }
            counts.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
    }

    /// One attempt; says so when the answer takes long.
    async fn attempt(
        &mut self,
        request: &Request,
        body: Bytes,
        sending: &Sending,
    ) -> anyhow::Result<Attempt> {
        let options = &sending.options;
        let mut attempt = std::pin::pin!(async {
            match self {
                Self::Grpc(client) => Ok(grpc::send(client, request.signal, body).await),
                Self::Http(client) => http::send(client, request.signal, body, options).await,
            }
        });
        if let Ok(attempt) = tokio::time::timeout(SILENCE, &mut attempt).await {
            return attempt;
        }
        sending.away(&format!("no answer for {} s", SILENCE.as_secs()));
        let left = options.retry_for.saturating_sub(SILENCE);
        match tokio::time::timeout(left, attempt).await {
            Ok(attempt) => attempt,
            Err(_) => bail!(
                "{} did not answer a request in {} s",
                options.endpoint,
                options.retry_for.as_secs()
            ),
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

/// Waits until somebody listens at the endpoint: the first request may not be due for long.
///
/// # Errors
/// Nobody does within `connect_for`.
pub(crate) async fn reach(options: &SendOptions) -> anyhow::Result<()> {
    let endpoint = &options.endpoint;
    let uri: ::http::Uri = endpoint.parse().with_context(|| {
        format!("{endpoint:?} is not an endpoint such as http://127.0.0.1:4317")
    })?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = (host, uri.port_u16().unwrap_or(80));
    let (started, mut wait) = (Instant::now(), Duration::from_millis(20));
    loop {
        let connecting = tokio::net::TcpStream::connect(address);
        let reason = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
        };
        if started.elapsed() + wait > options.connect_for {
            bail!("nobody listens at {endpoint}: {reason}");
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(1));
    }
}

/// `partial_success.rejected_*`: the same fields for all signals.
fn rejected(response: &[u8]) -> u64 {
    let response = ExportTraceServiceResponse::decode(response).unwrap_or_default();
    response
        .partial_success
        .map_or(0, |partial| partial.rejected_spans.max(0) as u64)
}

/// The cause of an error: what a person can do something about. The layers above it say only that something failed.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
