//! OTLP over HTTP: one POST a batch, protobuf or JSON.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header;
use schemas::Signal;

use super::config::{Encoding, HttpConfig};
use crate::backends::kind::Sink;
use crate::otlp::response;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::transport::auth::Authorizer;
use crate::transport::body::Payload;
use crate::transport::client::Answer;
use crate::transport::message::Message;
use crate::transport::post::Poster;
use crate::transport::refusal::{refusal, text};
use crate::transport::tls::TlsError;

pub struct HttpClient {
    poster: Poster,
    config: HttpConfig,
}

impl HttpClient {
    pub fn new(config: &HttpConfig, auth: Option<Arc<Authorizer>>) -> Result<Self, TlsError> {
        let content_type = match config.encoding {
            Encoding::Proto => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        Ok(Self {
            poster: Poster::new(&config.connection, content_type, None)?.authorized(auth),
            config: config.clone(),
        })
    }
}

impl Sink for HttpClient {
    type Request = Message;

    /// The body, encoded and compressed.
    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Message, String> {
        let records = Payload::of(batch);
        let payload = match self.config.encoding {
            Encoding::Proto => records,
            Encoding::Json => {
                let request: Vec<u8> = records.chunks().flatten().copied().collect();
                let mut json = Vec::with_capacity(request.len() * 3);
                schemas::json::from_protobuf(signal, &request, &mut json)
                    .map_err(|error| format!("can't be written as JSON: {error}"))?;
                Payload::new([Bytes::from(json)])
            }
        };
        self.poster.message(payload, batch.tenant())
    }

    fn bytes(request: &Message) -> u64 {
        request.payload.bytes()
    }

    async fn send(&self, signal: Signal, message: &Message) -> Result<Accepted, Failure> {
        let answer = self
            .poster
            .post(self.config.endpoint(signal), message)
            .await?;
        read(&answer, SystemTime::now())
    }
}

fn read(answer: &Answer, now: SystemTime) -> Result<Accepted, Failure> {
    if !answer.head.status.is_success() {
        return Err(refusal(answer, now, response::error_message));
    }
    let content_type = text(&answer.head.headers, &header::CONTENT_TYPE);
    let partial = match content_type.starts_with("application/json") {
        true => response::partial_success_json(&answer.body),
        false => response::partial_success(&answer.body),
    };
    Ok(Accepted {
        refused: partial.rejected,
        message: partial.message,
    })
}
