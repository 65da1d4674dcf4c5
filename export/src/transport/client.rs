//! One HTTP stack for all kinds: hyper with rustls, a connection pool for each backend.
//!
//! The records' bytes go to the socket as they came from the bus, and are compressed once however often they are offered.

use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::Payload;
use super::explain;
use super::tls::{self, RawTls, TlsError};
use crate::outcome::{Failure, FailureKind};

/// No answer is read beyond this; answers are a few bytes.
const RESPONSE_BYTES_MAX: usize = 4 << 20;
/// How long a connection may take to be established, within the request's timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub const USER_AGENT: &str = concat!("Tailwater/", env!("CARGO_PKG_VERSION"));

/// A connection pool to one backend.
pub struct Transport {
    client: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Payload>,
    timeout: Duration,
    identity: explain::Identity,
}

/// An answer read to its end.
pub struct Answer {
    pub head: http::response::Parts,
    pub body: bytes::Bytes,
    pub trailers: Option<http::HeaderMap>,
}

impl Transport {
    /// `http2_only`: without ALPN and upgrade, as gRPC has it.
    ///
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(tls: &RawTls, timeout: Duration, http2_only: bool) -> Result<Self, TlsError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_secs(30)));
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT.min(timeout)));
        let builder = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(tls)?)
            .https_or_http();
        let connector = if http2_only {
            builder.enable_http2().wrap_connector(connector)
        } else {
            builder.enable_all_versions().wrap_connector(connector)
        };
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .http2_only(http2_only)
            // A peer that vanished without a word is noticed before a request waits for its whole timeout.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .build(connector);
        Ok(Self {
            client,
            timeout,
            identity: explain::Identity::of(tls),
        })
    }

    /// Sends a request and reads the whole answer. Whatever goes wrong on the way is worth another try, except an
    /// answer without end.
    pub async fn exchange(&self, request: Request<Payload>) -> Result<Answer, Failure> {
        match tokio::time::timeout(self.timeout, self.exchange_within(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::retry(format!(
                "no answer within {}",
                runtime::config::Duration(self.timeout)
            ))),
        }
    }

    async fn exchange_within(&self, request: Request<Payload>) -> Result<Answer, Failure> {
        let uri = request.uri().clone();
        let answer = self.client.request(request).await;
        let answer: Response<Incoming> = answer
            .map_err(|error| Failure::retry(explain::explain(&uri, &self.identity, &error)))?;
        let (head, body) = answer.into_parts();
        match Limited::new(body, RESPONSE_BYTES_MAX).collect().await {
            Ok(collected) => {
                let trailers = collected.trailers().cloned();
                let body = collected.to_bytes();
                if !head.status.is_success() && explain::wants_tls(&uri, &body) {
                    return Err(Failure {
                        kind: FailureKind::Denied { certain: true },
                        reason:
                            "the backend expects TLS on this port: write https:// in the endpoint"
                                .to_owned(),
                    });
                }
                Ok(Answer {
                    head,
                    trailers,
                    body,
                })
            }
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                // Its status says what became of the data; what it goes on to say is not worth the memory.
                Ok(Answer {
                    head,
                    trailers: None,
                    body: bytes::Bytes::new(),
                })
            }
            Err(error) => Err(Failure::retry(causes("the answer broke off", &*error))),
        }
    }
}

/// An error with its causes, in one line.
fn causes(what: &str, error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}
