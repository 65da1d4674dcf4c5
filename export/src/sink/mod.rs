//! Where batches go: one type over the four kinds of backend. A sink makes one attempt; when to try again is `delivery`'s.

mod file;
mod lines;
mod stdout;

use bus::TopicPartition;
use schemas::Signal;

use crate::client::{GrpcClient, HttpClient, Payload, TlsError};
use crate::config::Kind;
use crate::records::batch::Batch;
use crate::retry::Verdict;
use file::FileSink;
use stdout::StdoutSink;

/// What a backend said of a batch that it accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Items that it did not take, by `partial_success`. They are not offered again.
    pub refused: u64,
    /// Why, or a warning when `refused` is 0.
    pub message: String,
}

/// Why a batch was not accepted, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub verdict: Verdict,
    pub reason: String,
}

impl Failure {
    pub fn retry(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Retry { after: None },
            reason: reason.into(),
        }
    }
}

/// Why a backend can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("can't open {path} for appending: {source}")]
    File {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
}

pub enum Sink {
    Grpc(GrpcClient),
    Http(HttpClient),
    File(FileSink),
    Stdout(StdoutSink),
}

impl Sink {
    pub fn new(kind: &Kind) -> Result<Self, SinkError> {
        Ok(match kind {
            Kind::OtlpGrpc(config) => Self::Grpc(GrpcClient::new(config)?),
            Kind::OtlpHttp(config) => Self::Http(HttpClient::new(config)?),
            Kind::File(config) => Self::File(FileSink::open(config)?),
            Kind::Stdout => Self::Stdout(StdoutSink::new(Box::new(std::io::stdout()))),
        })
    }

    /// Encodes a batch for this sink, once for all attempts. An error is the batch's own: one of its records
    /// can't be encoded.
    pub fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Payload, String> {
        let records = || Payload::new(batch.entries.iter().map(|entry| entry.record.value.clone()));
        match self {
            Self::Grpc(client) => client.prepare(records()),
            Self::Http(client) => client.prepare(signal, records()),
            Self::File(_) => file::encode(signal, batch),
            Self::Stdout(_) => lines::encode(signal, batch),
        }
    }

    /// Offers a prepared batch. When it returns `Ok`, the data is the backend's.
    pub async fn send(&self, signal: Signal, payload: &Payload) -> Result<Accepted, Failure> {
        match self {
            Self::Grpc(client) => client.send(signal, payload.clone()).await,
            Self::Http(client) => client.send(signal, payload.clone()).await,
            // These block; the thread they block is this backend's own.
            Self::File(file) => file.append(payload),
            Self::Stdout(stdout) => stdout.write(payload),
        }
    }
}

/// The record that an error is about, for messages.
fn named(batch: &Batch, index: usize) -> String {
    let record = &batch.entries[index].record;
    let at = TopicPartition::new(record.topic.clone(), record.partition);
    format!("{at} at offset {}", record.offset)
}
