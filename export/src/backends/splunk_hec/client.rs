//! Sends events to Splunk.

use std::time::SystemTime;

use schemas::Signal;

use super::answer;
use super::config::SplunkConfig;
use super::events;
use crate::backends::kind::Sink;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::transport::message::Message;
use crate::transport::post::Poster;
use crate::transport::tls::TlsError;

pub struct SplunkClient {
    poster: Poster,
    config: SplunkConfig,
}

impl SplunkClient {
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(config: &SplunkConfig) -> Result<Self, TlsError> {
        let authorization = Some(&config.authorization);
        Ok(Self {
            poster: Poster::new(&config.connection, "application/json", authorization)?,
            config: config.clone(),
        })
    }
}

impl Sink for SplunkClient {
    type Request = Message;

    /// The events, encoded and compressed.
    fn prepare(&self, _: Signal, batch: &Batch) -> Result<Message, String> {
        let events = events::encode(batch, &self.config.usual)?;
        self.poster.encoded(events, batch.tenant())
    }

    fn bytes(request: &Message) -> u64 {
        request.payload.bytes()
    }

    async fn send(&self, _: Signal, message: &Message) -> Result<Accepted, Failure> {
        let answer = self.poster.post(&self.config.endpoint, message).await?;
        match answer.head.status.is_success() {
            true => Ok(Accepted::default()),
            false => Err(answer::failure(&answer, SystemTime::now())),
        }
    }
}
