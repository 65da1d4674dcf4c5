//! OTLP over gRPC: one unary call a batch.
//! Source: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Uri, header};
use schemas::Signal;
use tonic::Code;

use super::answer;
use super::config::GrpcConfig;
use crate::backends::kind::Sink;
use crate::otlp::response;
use crate::outcome::{Accepted, Failure, FailureKind};
use crate::records::batch::Batch;
use crate::transport::address::join;
use crate::transport::auth::Authorizer;
use crate::transport::body::Payload;
use crate::transport::client::{Answer, Transport, USER_AGENT};
use crate::transport::compress::{self, Compression};
use crate::transport::headers::Headers;
use crate::transport::message::Message;
use crate::transport::refusal::printable;
use crate::transport::status;
use crate::transport::tls::TlsError;

pub struct GrpcClient {
    transport: Transport,
    /// In the order of [`Signal::ALL`].
    methods: [Uri; 3],
    headers: HeaderMap,
    /// As they are configured: some may name the tenant.
    of_config: Headers,
    compression: Compression,
    auth: Option<Arc<Authorizer>>,
}

impl GrpcClient {
    pub fn new(config: &GrpcConfig, auth: Option<Arc<Authorizer>>) -> Result<Self, TlsError> {
        let connection = &config.connection;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::USER_AGENT,
            header::HeaderValue::from_static(USER_AGENT),
        );
        headers.extend(connection.headers.fixed().clone());
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/grpc"),
        );
        headers.insert(header::TE, header::HeaderValue::from_static("trailers"));
        if let Some(name) = compress::name(connection.compression) {
            headers.insert("grpc-encoding", header::HeaderValue::from_static(name));
        }
        Ok(Self {
            transport: Transport::new(&connection.tls, connection.timeout, true)?,
            methods: Signal::ALL.map(|signal| join(&config.endpoint, signal.grpc_path())),
            headers,
            of_config: connection.headers.clone(),
            compression: connection.compression,
            auth,
        })
    }
}

impl Sink for GrpcClient {
    type Request = Message;

    /// The length-prefixed message, compressed.
    fn prepare(&self, _: Signal, batch: &Batch) -> Result<Message, String> {
        let payload = compress::compress(self.compression, Payload::of(batch))
            .map_err(|error| format!("can't compress the request: {error}"))?;
        let length = u32::try_from(payload.bytes())
            .map_err(|_| "the request is larger than gRPC can carry".to_owned())?;
        let mut prefix = BytesMut::with_capacity(5);
        prefix.put_u8(u8::from(self.compression != Compression::None));
        prefix.put_u32(length);
        Ok(Message {
            payload: payload.prefixed(prefix.freeze()),
            of_tenant: self.of_config.of_tenant(batch.tenant())?,
        })
    }

    fn bytes(request: &Message) -> u64 {
        request.payload.bytes()
    }

    async fn send(&self, signal: Signal, message: &Message) -> Result<Accepted, Failure> {
        let mut request = Request::new(message.payload.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = match signal {
            Signal::Traces => self.methods[0].clone(),
            Signal::Logs => self.methods[1].clone(),
            Signal::Metrics => self.methods[2].clone(),
        };
        *request.headers_mut() = message.headers(&self.headers);
        let Some(auth) = &self.auth else {
            return read(&self.transport.exchange(request).await?);
        };
        let used = auth.authorize(&mut request).await?;
        match read(&self.transport.exchange(request).await?) {
            Err(failure) => Err(auth.judge_failure(&used, failure).await),
            accepted => accepted,
        }
    }
}

/// The status is in the trailers, or in the headers of an answer without a body.
fn read(answer: &Answer) -> Result<Accepted, Failure> {
    let trailers = answer.trailers.as_ref();
    let fields = trailers
        .filter(|trailers| trailers.contains_key("grpc-status"))
        .unwrap_or(&answer.head.headers);
    let Some(code) = fields.get("grpc-status") else {
        let http = answer.head.status;
        let content_type = answer.head.headers.get(header::CONTENT_TYPE);
        if http.is_success()
            && content_type.is_some_and(|kind| !kind.as_bytes().starts_with(b"application/grpc"))
        {
            return Err(Failure {
                kind: FailureKind::Denied { certain: true },
                reason: "an answer that isn't gRPC: check the address".to_owned(),
            });
        }
        let retry_after = status::retry_after(&answer.head.headers, SystemTime::now());
        return Err(Failure {
            kind: answer::failure_kind_without_status(http, retry_after),
            reason: if http.is_success() {
                "an answer without a gRPC status".to_owned()
            } else {
                format!("HTTP status {http} instead of a gRPC answer")
            },
        });
    };
    let code = Code::from_bytes(code.as_bytes());
    if code == Code::Ok {
        let partial = response::partial_success(message(&answer.body));
        return Ok(Accepted {
            refused: partial.rejected,
            message: partial.message,
        });
    }
    let text = fields
        .get("grpc-message")
        .map(|message| printable(&percent_decode(message.as_bytes())))
        .unwrap_or_default();
    Err(Failure {
        kind: answer::failure_kind(code, &text, retry_delay(fields)),
        reason: format!("gRPC status {code:?}: {text}"),
    })
}

fn retry_delay(fields: &HeaderMap) -> Option<Duration> {
    let details = fields.get("grpc-status-details-bin")?.as_bytes();
    // Padding is optional on the wire.
    let details = details.trim_ascii_end();
    let end = details.iter().rposition(|byte| *byte != b'=')? + 1;
    response::retry_info(&STANDARD_NO_PAD.decode(&details[..end]).ok()?)
}

/// The first message of the body; empty when there is none, or it is compressed (which we didn't ask for).
fn message(body: &Bytes) -> &[u8] {
    match body.split_first_chunk::<5>() {
        Some(([0, length @ ..], rest)) => {
            let length = u32::from_be_bytes(*length) as usize;
            rest.get(..length).unwrap_or_default()
        }
        _ => &[],
    }
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let hex = (text[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        let decoded = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(decoded.unwrap_or(text[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_are_percent_decoded() {
        let check = |text: &str, expected: &str| {
            assert_eq!(percent_decode(text.as_bytes()), expected.as_bytes());
        };
        check("plain", "plain");
        check("a%20b%25", "a b%");
        check("%zz%2", "%zz%2");
        check("%", "%");
    }

    #[test]
    fn a_malformed_answer_is_no_panic() {
        let answer = |headers: &[(&'static str, &str)], body: &[u8]| {
            let mut response = http::Response::new(());
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            read(&Answer {
                head: response.into_parts().0,
                body: Bytes::copy_from_slice(body),
                trailers: None,
            })
        };
        let failure = answer(&[], b"").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Fault);
        let headers = [
            ("grpc-status", "14"),
            ("grpc-status-details-bin", "!!not base64!!"),
        ];
        let failure = answer(&headers, b"").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Retry { after: None });
        for body in [
            &b""[..],
            &[0, 255, 255, 255, 255, 1],
            &[1, 0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 10, 9],
        ] {
            let accepted = answer(&[("grpc-status", "0")], body).unwrap();
            assert_eq!(accepted, Accepted::default());
        }
    }
}
