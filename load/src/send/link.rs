//! One connection: a request's way to the endpoint, tried again until it is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;

use super::attempt::Attempt;
use super::backoff::Backoff;
use super::options::{Compression, Protocol, SendOptions};
use super::progress::Progress;
use super::{grpc, http};
use crate::traffic::Request;

/// An answer that takes longer is worth a line.
const SILENCE: Duration = Duration::from_secs(5);

pub struct Link {
    client: Client,
    options: SendOptions,
    progress: Arc<Progress>,
}

enum Client {
    Grpc(grpc::Client),
    Http(Box<http::Client>),
}

impl Link {
    pub fn open(options: SendOptions, progress: Arc<Progress>) -> anyhow::Result<Self> {
        let client = match options.protocol {
            Protocol::Grpc => Client::Grpc(grpc::connect(&options)?),
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                Client::Http(Box::new(http::connect(&options)?))
            }
        };
        Ok(Self {
            client,
            options,
            progress,
        })
    }

    /// Returns when the endpoint has accepted the request, or refused it for good.
    ///
    /// # Errors
    /// It did neither for as long as that is tried.
    pub async fn deliver(&mut self, request: &Request) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut backoff = Backoff::new();
        let body = self.body(request)?;
        self.progress.begin(body.len());
        let items = request.items as u64;
        loop {
            let attempt = self.attempt(request, body.clone()).await?;
            let (options, progress) = (&self.options, &self.progress);
            let unreachable = matches!(attempt, Attempt::Unreachable(_));
            if !unreachable {
                progress.answered();
            }
            let reason = match attempt {
                Attempt::Accepted(rejected) => {
                    progress.accepted(items, rejected);
                    return Ok(());
                }
                Attempt::Failed(reason) => {
                    progress.refused(items, reason);
                    return Ok(());
                }
                Attempt::Unreachable(reason) | Attempt::Retry(reason) => reason,
            };
            let never_answered = unreachable && !progress.was_ever_answered();
            let tried_for = progress.started().elapsed() + backoff.next_wait();
            if never_answered && tried_for > options.connect_for {
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
                progress.away(&reason);
            }
            progress.retried();
            backoff.wait().await;
        }
    }

    /// One attempt; says so when the answer takes long.
    async fn attempt(&mut self, request: &Request, body: Bytes) -> anyhow::Result<Attempt> {
        let options = &self.options;
        let client = &mut self.client;
        let mut attempt = std::pin::pin!(async {
            match client {
                Client::Grpc(client) => Ok(grpc::send(client, request.signal, body, options).await),
                Client::Http(client) => http::send(client, request.signal, body, options).await,
            }
        });
        if let Ok(attempt) = tokio::time::timeout(SILENCE, &mut attempt).await {
            return attempt;
        }
        self.progress
            .away(&format!("no answer for {} s", SILENCE.as_secs()));
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

    fn body(&self, request: &Request) -> anyhow::Result<Bytes> {
        // tonic compresses by itself.
        if self.options.protocol == Protocol::Grpc {
            return Ok(request.bytes.clone());
        }
        let plain = if self.options.protocol == Protocol::HttpJson {
            let mut json = Vec::new();
            schemas::json::from_protobuf(request.signal, &request.bytes, &mut json)
                .context("cannot write a request as JSON")?;
            Bytes::from(json)
        } else {
            request.bytes.clone()
        };
        Ok(match self.options.compression {
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
