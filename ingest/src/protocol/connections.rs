//! What connections of the two protocols are served with. Slots and deadlines are [`runtime::connections`]'s.
//!
//! What a connection may send ahead of being read is bounded for all of them together: the first ones get large HTTP/2 windows,
//! which bulk needs, the others the protocol's smallest.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;
use metrics::{counter, gauge};
use runtime::Drain;
use runtime::connections::{self, Closed, Counts, LimitKeys, Limits, Peer, Port, Served};
use runtime::tls::{self, Alpn};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::receive::{Caller, Receiver};
use super::reply::Reply;
use super::{grpc, otlp_http};
use crate::names;

const WINDOW_LARGE: u32 = 1 << 20;
/// What HTTP/2 starts with.
const WINDOW_SMALL: u32 = 65_535;
const FRAME_BYTES_MAX: u32 = 256 << 10;
const STREAMS_MAX: u32 = 1024;
const HTTP1_BUFFER_BYTES_MAX: usize = 256 << 10;
/// A peer that vanished without a word is noticed after these two.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    Http,
}

impl Protocol {
    /// As a metric label.
    fn label(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }

    /// What is spoken over TLS.
    fn alpn(self) -> Alpn {
        match self {
            Self::Grpc => Alpn::Http2,
            Self::Http => Alpn::Http,
        }
    }

    fn port(self, limits: Limits, tls: Option<&tls::Server>) -> Port {
        let protocol = self.label();
        gauge!(names::CONNECTIONS_MAX, "protocol" => protocol).set(limits.connections_max as f64);
        Port {
            name: match self {
                Self::Grpc => "OTLP over gRPC",
                Self::Http => "OTLP over HTTP",
            },
            keys: Some(LimitKeys {
                connections_max: "ingest.connections_max",
                per_peer_max: "ingest.connections_per_peer_max",
            }),
            limits,
            tls: tls.map(|server| server.speaking(self.alpn())),
            counts: Counts {
                open: gauge!(names::CONNECTIONS, "protocol" => protocol),
                closed: Closed::ALL.map(|reason| {
                    counter!(names::CONNECTIONS_CLOSED, "protocol" => protocol, "reason" => reason.name())
                }),
            },
        }
    }
}

/// A bound port.
pub struct Socket {
    pub listener: TcpListener,
    /// `None`: plain text.
    pub tls: Option<tls::Server>,
}

/// What all connections share.
#[derive(Clone)]
pub struct Connections {
    receiver: Arc<Receiver>,
    limits: Limits,
    windows: Arc<Semaphore>,
}

impl Connections {
    /// `windows_bytes` is for large windows; each connection beyond has a small one.
    pub fn new(receiver: Arc<Receiver>, limits: Limits, windows_bytes: usize) -> Self {
        Self {
            receiver,
            limits,
            windows: Arc::new(Semaphore::new(windows_bytes / WINDOW_LARGE as usize)),
        }
    }

    /// Accepts until the drain, then waits for the requests in flight.
    pub async fn serve(self, protocol: Protocol, socket: Socket, drain: Drain) {
        let port = protocol.port(self.limits, socket.tls.as_ref());
        let served = move |peer: &Peer| {
            let caller = self.receiver.caller(peer);
            let window = self.windows.clone().try_acquire_owned().ok();
            let receiver = self.receiver.clone();
            Served {
                builder: builder(protocol, window.is_some()),
                service: service_fn(move |request| {
                    let (receiver, caller) = (receiver.clone(), caller.clone());
                    async move {
                        Ok::<_, Infallible>(answer(&receiver, &caller, protocol, request).await)
                    }
                }),
                guard: window,
            }
        };
        port.serve(socket.listener, drain, served).await;
    }
}

async fn answer(
    receiver: &Receiver,
    caller: &Caller,
    protocol: Protocol,
    request: Request<Incoming>,
) -> Response<Reply> {
    match protocol {
        Protocol::Grpc => grpc::serve(receiver, caller, request).await,
        Protocol::Http => otlp_http::serve(receiver, caller, request).await,
    }
}

fn builder(protocol: Protocol, bulk: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = connections::builder();
    let window = if bulk { WINDOW_LARGE } else { WINDOW_SMALL };
    builder
        .http2()
        .initial_stream_window_size(window)
        .initial_connection_window_size(window)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    builder.http1().max_buf_size(HTTP1_BUFFER_BYTES_MAX);
    match protocol {
        Protocol::Grpc => builder.http2_only(),
        Protocol::Http => builder,
    }
}
