//! An OTLP backend within the test: gRPC and HTTP on one port, everything that it took counted.
//!
//! Written on plain HTTP rather than with generated services: a backend that shares no code with what it judges.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Response, Uri};
use http_body::Frame;
use http_body_util::Full;
use schemas::Signal;

use crate::tally::Tally;

/// A backend that takes everything and counts it, until dropped.
pub struct Sink {
    backend: Backend,
    taken: Arc<Mutex<Tally>>,
}

impl Sink {
    pub fn start() -> Self {
        let taken = Arc::new(Mutex::new(Tally::default()));
        let tally = taken.clone();
        let backend = Backend::start(move |signal, request| {
            tally.lock().unwrap().add(signal, request);
        });
        Self { backend, taken }
    }

    pub fn endpoint(&self) -> String {
        self.backend.endpoint()
    }

    /// What was taken so far.
    pub fn taken(&self) -> Tally {
        self.taken.lock().unwrap().clone()
    }
}

/// A backend that hands each request in protobuf to somebody, until dropped. One thread.
pub struct Backend {
    address: SocketAddr,
    _tokio: tokio::runtime::Runtime,
}

type Take = Arc<dyn Fn(Signal, &[u8]) + Send + Sync>;

impl Backend {
    pub fn start(take_request: impl Fn(Signal, &[u8]) + Send + Sync + 'static) -> Self {
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let take_request: Take = Arc::new(take_request);
        let app = Router::new()
            .fallback(take)
            .layer(DefaultBodyLimit::disable())
            .with_state(take_request);
        let listener = tokio
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        tokio.spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            _tokio: tokio,
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn take(
    State(take_request): State<Take>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let signal = match uri.path() {
        path if path.contains("race") => Signal::Traces,
        path if path.contains("ogs") => Signal::Logs,
        _ => Signal::Metrics,
    };
    let grpc = header("content-type").starts_with("application/grpc");
    let request: Cow<'_, [u8]> = if grpc {
        let (prefix, message) = body.split_at(5);
        match prefix[0] {
            0 => message.into(),
            _ => inflate(&header("grpc-encoding"), message).into(),
        }
    } else {
        let body = inflate(&header("content-encoding"), &body);
        match header("content-type").as_str() {
            "application/json" => schemas::json::to_protobuf(signal, &body)
                .expect("OTLP JSON")
                .into(),
            _ => body.into(),
        }
    };
    take_request(signal, &request);
    let answer = Response::builder();
    if !grpc {
        return answer
            .header("content-type", "application/x-protobuf")
            .body(Body::new(Full::new(Bytes::new())))
            .unwrap();
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let frames = [
        Frame::data(Bytes::from_static(&[0; 5])),
        Frame::trailers(trailers),
    ];
    answer
        .header("content-type", "application/grpc")
        .body(Body::new(Frames(frames.into())))
        .unwrap()
}

fn inflate(encoding: &str, compressed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        "gzip" => flate2::read::GzDecoder::new(compressed)
            .read_to_end(&mut plain)
            .expect("gzip"),
        "zstd" => {
            plain = zstd::decode_all(compressed).expect("zstd");
            plain.len()
        }
        "" | "identity" => {
            plain.extend_from_slice(compressed);
            plain.len()
        }
        other => panic!("a body in {other}"),
    };
    plain
}

/// A body that is there already.
struct Frames(VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
