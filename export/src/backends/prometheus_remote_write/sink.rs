//! Sends requests of remote write: one POST a batch, compressed by snappy.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bus::TopicPartition;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use metrics::gauge;
use schemas::Signal;

use super::answer::{Verdict, read};
use super::config::RemoteWriteConfig;
use super::translate::{Dropped, Memory, New, encode};
use super::wire::Version;
use crate::backends::kind::Sink;
use crate::names;
use crate::outcome::{Accepted, Failure, FailureKind};
use crate::records::batch::Batch;
use crate::temporality::Streams;
use crate::transport::auth::{Authorizer, exchange};
use crate::transport::body::Payload;
use crate::transport::client::{Transport, USER_AGENT};
use crate::transport::message::Message;
use crate::transport::tls::TlsError;

/// How long a receiver is known not to speak version 2.
const VERSION_1_FOR: Duration = Duration::from_secs(3600);
const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");

pub struct RemoteWrite {
    backend: String,
    transport: Transport,
    auth: Option<Arc<Authorizer>>,
    headers: HeaderMap,
    config: RemoteWriteConfig,
    /// Until then it's version 1, since the receiver doesn't speak version 2.
    version_1_until: Mutex<Option<Instant>>,
    memory: Mutex<Memory>,
}

/// A batch, ready to be sent.
pub struct Prepared {
    version: Version,
    encoded: Encoded,
    of_tenant: Vec<(HeaderName, HeaderValue)>,
    /// Where version 2 may not be taken: what version 1 is made of.
    fallback: Option<Fallback>,
}

struct Fallback {
    batch: Batch,
    encoded: OnceLock<Result<Encoded, String>>,
}

/// A request in one of the versions.
struct Encoded {
    body: Payload,
    samples: u64,
    dropped: Dropped,
    new: New,
}

impl RemoteWrite {
    pub fn new(
        config: &RemoteWriteConfig,
        backend: &str,
        auth: Option<Arc<Authorizer>>,
    ) -> Result<Self, TlsError> {
        let connection = &config.connection;
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.extend(connection.headers.fixed().clone());
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        Ok(Self {
            backend: backend.to_owned(),
            transport: Transport::new(&connection.tls, connection.timeout, false)?,
            auth,
            headers,
            config: config.clone(),
            version_1_until: Mutex::new(None),
            memory: Mutex::new(Memory::new(Streams::new(config.streams))),
        })
    }

    fn version(&self) -> Version {
        let until = *locked(&self.version_1_until);
        match until {
            _ if self.config.version.is_some() => self.config.version.unwrap_or(Version::V2),
            Some(until) if Instant::now() < until => Version::V1,
            _ => Version::V2,
        }
    }

    fn encode(&self, version: Version, batch: &Batch) -> Result<Encoded, String> {
        let encoded = encode(&self.config.rules, version, batch, &locked(&self.memory))?;
        let body = snap::raw::Encoder::new()
            .compress_vec(&encoded.body)
            .map_err(|error| format!("can't compress the request: {error}"))?;
        Ok(Encoded {
            body: Payload::new([Bytes::from(body)]),
            samples: encoded.samples,
            dropped: encoded.dropped,
            new: encoded.new,
        })
    }

    /// Version 1, for an hour.
    fn fall_back(&self, reason: &str) {
        let mut until = locked(&self.version_1_until);
        let was_known = until.is_some_and(|until| Instant::now() < until);
        *until = Some(Instant::now() + VERSION_1_FOR);
        drop(until);
        if !was_known {
            tracing::warn!(
                backend = self.backend,
                reason,
                "the receiver doesn't speak remote write 2; it gets version 1 for an hour"
            );
        }
    }

    /// Sends a request in one version. `None`: the receiver doesn't speak it, and version 1 is to be tried.
    async fn offer(
        &self,
        version: Version,
        prepared: &Prepared,
        encoded: &Encoded,
    ) -> Option<Result<Accepted, Failure>> {
        let (mut refused, mut message) = (0, String::new());
        // An empty request is an error to some.
        if encoded.samples > 0 {
            match self.exchange(version, prepared, encoded).await {
                Verdict::Taken {
                    refused: some,
                    message: why,
                } => (refused, message) = (some, why),
                Verdict::Failed(failure) => return Some(Err(failure)),
                Verdict::NotVersion2(reason) if prepared.fallback.is_some() => {
                    self.fall_back(&reason);
                    return None;
                }
                Verdict::NotVersion2(reason) => {
                    return Some(Err(Failure {
                        kind: FailureKind::Denied { certain: true },
                        reason: format!(
                            "the receiver doesn't speak remote write 2, set `version: auto`: {reason}"
                        ),
                    }));
                }
            }
        }
        self.accept(encoded.new.clone());
        let dropped = encoded.dropped.total();
        if dropped > 0 {
            let comma = if message.is_empty() { "" } else { "; " };
            message = format!("{message}{comma}{}", encoded.dropped);
        }
        Some(Ok(Accepted {
            refused: refused + dropped,
            message,
        }))
    }

    async fn exchange(&self, version: Version, prepared: &Prepared, encoded: &Encoded) -> Verdict {
        let message = Message {
            payload: encoded.body.clone(),
            of_tenant: prepared.of_tenant.clone(),
        };
        let mut headers = message.headers(&self.headers);
        let (content_type, number) = match version {
            Version::V1 => ("application/x-protobuf", "0.1.0"),
            Version::V2 => (
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                "2.0.0",
            ),
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(VERSION, HeaderValue::from_static(number));
        let mut request = Request::new(message.payload);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.config.endpoint.clone();
        *request.headers_mut() = headers;
        match exchange(&self.transport, self.auth.as_deref(), request).await {
            Ok(answer) => {
                let now = SystemTime::now();
                read(version, &answer.head, &answer.body, encoded.samples, now)
            }
            Err(failure) => Verdict::Failed(failure),
        }
    }

    fn accept(&self, new: New) {
        let mut memory = locked(&self.memory);
        memory.accept(new);
        self.count_streams(&memory);
    }

    fn count_streams(&self, memory: &Memory) {
        if self.config.rules.cumulates {
            let backend = self.backend.clone();
            gauge!(names::PRW_STREAMS, "backend" => backend).set(memory.streams.count() as f64);
        }
    }
}

impl Sink for RemoteWrite {
    type Request = Prepared;

    fn prepare(&self, _: Signal, batch: &Batch) -> Result<Prepared, String> {
        let version = self.version();
        let may_fall_back = self.config.version.is_none() && version == Version::V2;
        Ok(Prepared {
            version,
            encoded: self.encode(version, batch)?,
            of_tenant: self.config.connection.headers.of_tenant(batch.tenant())?,
            fallback: may_fall_back.then(|| Fallback {
                batch: batch.clone(),
                encoded: OnceLock::new(),
            }),
        })
    }

    /// Of the version that was prepared first.
    fn bytes(request: &Prepared) -> u64 {
        request.encoded.body.bytes()
    }

    async fn send(&self, _: Signal, prepared: &Prepared) -> Result<Accepted, Failure> {
        // Another request may have found out meanwhile.
        let version = match prepared.fallback {
            Some(_) => self.version(),
            None => prepared.version,
        };
        if version == prepared.version
            && let Some(outcome) = self.offer(version, prepared, &prepared.encoded).await
        {
            return outcome;
        }
        let Some(fallback) = &prepared.fallback else {
            return Err(Failure::retry("there is no other version to try"));
        };
        let encode = || self.encode(Version::V1, &fallback.batch);
        let outcome = match fallback.encoded.get_or_init(encode) {
            Ok(encoded) => self.offer(Version::V1, prepared, encoded).await,
            Err(reason) => Some(Err(Failure {
                kind: FailureKind::Split,
                reason: reason.clone(),
            })),
        };
        outcome.unwrap_or_else(|| Err(Failure::retry("version 1 wasn't answered")))
    }

    fn forget(&self, gone: &[TopicPartition]) {
        let mut memory = locked(&self.memory);
        memory.streams.forget(gone);
        self.count_streams(&memory);
    }
}

/// What a panic elsewhere left is still whole: changes are made at once.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
