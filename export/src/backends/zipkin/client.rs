//! Sends spans to Zipkin.

use std::time::SystemTime;

use schemas::Signal;

use super::config::ZipkinConfig;
use super::spans;
use crate::backends::kind::Sink;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::transport::message::Message;
use crate::transport::post::Poster;
use crate::transport::refusal::{printable, refusal};
use crate::transport::tls::TlsError;

pub struct ZipkinClient {
    poster: Poster,
    config: ZipkinConfig,
}

impl ZipkinClient {
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(config: &ZipkinConfig) -> Result<Self, TlsError> {
        Ok(Self {
            poster: Poster::new(&config.connection, "application/json", None)?,
            config: config.clone(),
        })
    }
}

impl Sink for ZipkinClient {
    type Request = Message;

    /// The array, encoded and compressed.
    fn prepare(&self, _: Signal, batch: &Batch) -> Result<Message, String> {
        self.poster.encoded(spans::encode(batch)?, batch.tenant())
    }

    fn bytes(request: &Message) -> u64 {
        request.payload.bytes()
    }

    /// Zipkin takes a request (202) before it has stored it.
    async fn send(&self, _: Signal, message: &Message) -> Result<Accepted, Failure> {
        let answer = self.poster.post(&self.config.endpoint, message).await?;
        match answer.head.status.is_success() {
            true => Ok(Accepted::default()),
            false => Err(refusal(&answer, SystemTime::now(), |_, body| {
                printable(body)
            })),
        }
    }
}
