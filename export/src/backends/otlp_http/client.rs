//! OTLP over HTTP: one POST a batch, protobuf or JSON.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use schemas::Signal;

use super::config::{Encoding, HttpConfig};
use crate::backends::kind::Sink;
use crate::otlp::response;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::transport::body::Payload;
use crate::transport::client::{Answer, Transport, USER_AGENT};
use crate::transport::message::Message;
use crate::transport::tls::TlsError;
use crate::transport::{compress, status};

pub struct HttpClient {
    transport: Transport,
    headers: HeaderMap,
    config: HttpConfig,
}

impl HttpClient {
    pub fn new(config: &HttpConfig) -> Result<Self, TlsError> {
        let connection = &config.connection;
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.extend(connection.headers.fixed().clone());
        let content_type = match config.encoding {
            Encoding::Proto => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(name) = compress::name(connection.compression) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        Ok(Self {
            transport: Transport::new(&connection.tls, connection.timeout, false)?,
            headers,
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
        let connection = &self.config.connection;
        let payload = compress::compress(connection.compression, payload)
            .map_err(|error| format!("can't compress the request: {error}"))?;
        Ok(Message {
            payload,
            of_tenant: connection.headers.of_tenant(batch.tenant())?,
        })
    }

    fn bytes(request: &Message) -> u64 {
        request.payload.bytes()
    }

    async fn send(&self, signal: Signal, message: &Message) -> Result<Accepted, Failure> {
        let mut request = Request::new(message.payload.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.config.endpoint(signal).clone();
        *request.headers_mut() = message.headers(&self.headers);
        read(&self.transport.exchange(request).await?, SystemTime::now())
    }
}

fn read(answer: &Answer, now: SystemTime) -> Result<Accepted, Failure> {
    let text = |name| {
        let value = answer.head.headers.get(name);
        value
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .unwrap_or_default()
    };
    let content_type = text(header::CONTENT_TYPE);
    let code = answer.head.status;
    if code.is_success() {
        let partial = if content_type.starts_with("application/json") {
            response::partial_success_json(&answer.body)
        } else {
            response::partial_success(&answer.body)
        };
        return Ok(Accepted {
            refused: partial.rejected,
            message: partial.message,
        });
    }
    let retry_after = status::retry_after(&answer.head.headers, now);
    Err(Failure {
        kind: status::failure_kind(code, retry_after),
        reason: match code.is_redirection() {
            true => format!(
                "HTTP status {code} to `{}`; redirects are not followed",
                // A query may hold credentials.
                response::printable(
                    text(header::LOCATION)
                        .split('?')
                        .next()
                        .unwrap_or_default()
                        .as_bytes()
                )
            ),
            false => format!(
                "HTTP status {code}: {}",
                response::error_message(content_type, &answer.body)
            ),
        },
    })
}
