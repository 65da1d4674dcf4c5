//! A backend that answers as scripted: tonic's gRPC server and plain HTTP, on one real socket.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use bytes::{Buf, BufMut, Bytes};
use http_body_util::BodyExt;
use schemas::wire::{put_len, put_varint};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tonic::Status;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::{PATIENCE, tls};

/// What the backend says to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    Accept,
    /// `partial_success`.
    Partial(u64, &'static str),
    Grpc(Status),
    Http(u16, Vec<(&'static str, String)>, Bytes),
    /// The answer breaks off before its end.
    Disconnect,
    /// No answer until [`Backend::release`], then accept.
    Hold,
}

pub fn http(status: u16) -> Answer {
    Answer::Http(status, vec![], Bytes::new())
}

/// A request as it arrived; `body` without framing and compression.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    /// With its query.
    pub target: String,
    /// `host`, or `:authority`.
    pub host: String,
    pub is_http2: bool,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// As it was sent; empty for gRPC.
    pub wire: Bytes,
    pub at: Instant,
    /// How often the same body had been received before.
    pub repeated: usize,
    /// It was, or will be, accepted.
    pub accepted: bool,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A request before it was answered.
struct Arrived {
    target: axum::http::Uri,
    is_http2: bool,
    headers: HeaderMap,
    body: Bytes,
    wire: Bytes,
}

type Script = dyn Fn(&Received) -> Answer + Send + Sync;

struct Shared {
    script: Box<Script>,
    received: Mutex<(Vec<Received>, BTreeMap<Bytes, usize>)>,
    changed: Condvar,
    released: watch::Sender<bool>,
    message_bytes_max: usize,
}

pub struct Backend {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

impl Backend {
    pub fn start(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", 64 << 20, script)
    }

    pub fn start_at(
        address: &str,
        message_bytes_max: usize,
        script: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_on(address, message_bytes_max, None, script)
    }

    /// With the certificate of `tests/tls`.
    pub fn start_tls(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_on("127.0.0.1:0", 64 << 20, Some(tls::acceptor()), script)
    }

    fn start_on(
        address: &str,
        message_bytes_max: usize,
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            received: Mutex::default(),
            changed: Condvar::new(),
            released: watch::Sender::new(false),
            message_bytes_max,
        });
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new()
            .fallback(handle)
            .with_state(shared.clone());
        runtime.spawn(async move {
            match tls {
                None => axum::serve(listener, app).await,
                Some(acceptor) => axum::serve(tls::TlsListener { listener, acceptor }, app).await,
            }
        });
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().0.clone()
    }

    /// The bodies of the requests that were accepted.
    pub fn accepted(&self) -> Vec<Bytes> {
        let received = self
            .received()
            .into_iter()
            .filter(|received| received.accepted);
        received.map(|received| received.body).collect()
    }

    /// Waits until what was received fulfils a condition.
    #[track_caller]
    pub fn wait(&self, what: &str, condition: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let deadline = Instant::now() + PATIENCE;
        let mut received = self.shared.received.lock().unwrap();
        while !condition(&received.0) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "never received: {what}; {} requests",
                received.0.len()
            );
            received = self.shared.changed.wait_timeout(received, left).unwrap().0;
        }
        received.0.clone()
    }

    /// Lets all held requests go, and holds no more.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

impl Shared {
    async fn answer(&self, arrived: Arrived) -> Answer {
        let host = arrived.headers.get("host");
        let host = host.map(|value| value.to_str().unwrap().to_owned());
        let authority = || arrived.target.authority().unwrap().to_string();
        let mut received = Received {
            path: arrived.target.path().to_owned(),
            target: arrived.target.path_and_query().unwrap().to_string(),
            host: host.unwrap_or_else(authority),
            is_http2: arrived.is_http2,
            headers: arrived.headers,
            body: arrived.body,
            wire: arrived.wire,
            at: Instant::now(),
            repeated: 0,
            accepted: false,
        };
        let answer = {
            let mut all = self.received.lock().unwrap();
            let count = all.1.entry(received.body.clone()).or_default();
            received.repeated = *count;
            *count += 1;
            let mut answer = (self.script)(&received);
            if matches!(answer, Answer::Hold) && *self.released.borrow() {
                answer = Answer::Accept;
            }
            received.accepted = matches!(answer, Answer::Accept | Answer::Partial(..));
            all.0.push(received);
            answer
        };
        self.changed.notify_all();
        if matches!(answer, Answer::Hold) {
            let mut released = self.released.subscribe();
            released.wait_for(|released| *released).await.unwrap();
            return Answer::Accept;
        }
        answer
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let target = request.uri().clone();
    let is_http2 = request.version() == axum::http::Version::HTTP_2;
    let headers = request.headers().clone();
    if headers["content-type"] == "application/grpc" {
        let limit = shared.message_bytes_max;
        let mut grpc = tonic::server::Grpc::new(RawCodec)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd)
            .apply_max_message_size_config(Some(limit), None);
        let service = Service {
            shared,
            target,
            headers,
        };
        return grpc.unary(service, request).await.map(Body::new);
    }
    let wire = request.into_body().collect().await.unwrap().to_bytes();
    let body = match headers
        .get("content-encoding")
        .map(|value| value.as_bytes())
    {
        None => wire.clone(),
        Some(b"gzip") => {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&wire[..]);
            decoder.read_to_end(&mut plain).unwrap();
            plain.into()
        }
        Some(b"zstd") => zstd::decode_all(&wire[..]).unwrap().into(),
        Some(b"snappy") => {
            let plain = snap::raw::Decoder::new().decompress_vec(&wire);
            plain.unwrap().into()
        }
        Some(other) => panic!("{other:?}"),
    };
    let is_json = headers["content-type"] == "application/json";
    let content_type = headers["content-type"].clone();
    let respond = |status: u16, body: Body| {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert("content-type", content_type);
        response
    };
    let arrived = Arrived {
        target,
        is_http2,
        headers,
        body,
        wire,
    };
    match shared.answer(arrived).await {
        Answer::Accept | Answer::Hold => respond(200, Body::from(if is_json { "{}" } else { "" })),
        Answer::Partial(rejected, message) if is_json => {
            let partial = format!(
                r#"{{"partialSuccess":{{"rejectedSpans":"{rejected}","errorMessage":"{message}"}}}}"#
            );
            respond(200, Body::from(partial))
        }
        Answer::Partial(rejected, message) => respond(200, Body::from(partial(rejected, message))),
        Answer::Http(status, headers, body) => {
            let mut response = respond(status, Body::from(body));
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Answer::Disconnect => respond(200, broken()),
        Answer::Grpc(status) => panic!("{status} over HTTP"),
    }
}

/// Promises more than it has.
fn broken() -> Body {
    struct Broken;
    impl http_body::Body for Broken {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            std::task::Poll::Ready(Some(Err(std::io::Error::other("broken"))))
        }
    }
    Body::new(Broken)
}

/// `Export…ServiceResponse {partial_success = 1 {rejected = 1, error_message = 2}}`.
fn partial(rejected: u64, message: &str) -> Bytes {
    let mut inner = vec![1 << 3];
    put_varint(&mut inner, rejected);
    put_len(&mut inner, 2, message.as_bytes());
    let mut response = Vec::new();
    put_len(&mut response, 1, &inner);
    response.into()
}

/// `google.rpc.Status` with a RetryInfo, for `grpc-status-details-bin`.
pub fn retry_info(millis: u64) -> Bytes {
    let mut delay = vec![1 << 3];
    put_varint(&mut delay, millis / 1000);
    delay.push(2 << 3);
    put_varint(&mut delay, millis % 1000 * 1_000_000);
    let (mut info, mut any, mut status) = (vec![], vec![], vec![]);
    put_len(&mut info, 1, &delay);
    put_len(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
    put_len(&mut any, 2, &info);
    put_len(&mut status, 3, &any);
    status.into()
}

struct Service {
    shared: Arc<Shared>,
    target: axum::http::Uri,
    headers: HeaderMap,
}

impl tonic::server::UnaryService<Bytes> for Service {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let shared = self.shared.clone();
        let arrived = Arrived {
            target: self.target.clone(),
            is_http2: true,
            headers: self.headers.clone(),
            body: request.into_inner(),
            wire: Bytes::new(),
        };
        Box::pin(async move {
            match shared.answer(arrived).await {
                Answer::Accept | Answer::Hold => Ok(tonic::Response::new(Bytes::new())),
                Answer::Partial(rejected, message) => {
                    Ok(tonic::Response::new(partial(rejected, message)))
                }
                Answer::Grpc(status) => Err(status),
                other => panic!("{other:?} over gRPC"),
            }
        })
    }
}

/// Bytes in, bytes out.
#[derive(Clone, Default)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
