//! Accepting connections and serving them until the drain.
//!
//! Connections are bounded in number, and what a connection may send ahead of being read is bounded for all of them together:
//! the first ones get large HTTP/2 windows, which bulk needs, the others the protocol's smallest.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use runtime::Drain;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::receive::Receiver;
use crate::reply::Reply;
use crate::{grpc, otlp_http};

const WINDOW_LARGE: u32 = 1 << 20;
/// What HTTP/2 starts with.
const WINDOW_SMALL: u32 = 65_535;
const FRAME_BYTES_MAX: u32 = 256 << 10;
const STREAMS_MAX: u32 = 1024;
const HTTP1_BUFFER_BYTES_MAX: usize = 256 << 10;
/// A peer that vanished without a word is noticed after these two.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// After an error of `accept`, such as too many open files, which does not go away by asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    Http,
}

/// What all connections share.
#[derive(Clone)]
pub struct Connections {
    receiver: Arc<Receiver>,
    slots: Arc<Semaphore>,
    windows: Arc<Semaphore>,
}

impl Connections {
    /// `windows_bytes` is for large windows; each connection beyond has a small one.
    pub fn new(receiver: Arc<Receiver>, connections_max: usize, windows_bytes: usize) -> Self {
        Self {
            receiver,
            slots: Arc::new(Semaphore::new(connections_max)),
            windows: Arc::new(Semaphore::new(windows_bytes / WINDOW_LARGE as usize)),
        }
    }

    /// Accepts until the drain, then waits for the requests in flight.
    pub async fn serve(self, protocol: Protocol, listener: TcpListener, drain: Drain) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.requested() => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.accept(&listener) => accepted,
            };
            match accepted {
                Ok((stream, slot)) => {
                    let window = self.windows.clone().try_acquire_owned().ok();
                    let connection = serve_connection(
                        self.receiver.clone(),
                        protocol,
                        stream,
                        window.is_some(),
                        drain.clone(),
                    );
                    connections.spawn(async move {
                        connection.await;
                        drop((slot, window));
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, ?protocol, "connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
        let slot = self
            .slots
            .clone()
            .acquire_owned()
            .await
            .map_err(std::io::Error::other)?;
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, slot))
    }
}

async fn serve_connection(
    receiver: Arc<Receiver>,
    protocol: Protocol,
    stream: TcpStream,
    bulk: bool,
    drain: Drain,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let receiver = receiver.clone();
        async move { Ok::<Response<Reply>, Infallible>(answer(&receiver, protocol, request).await) }
    });
    let builder = builder(protocol, bulk);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = drain.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, ?protocol, "connection ended");
    }
}

async fn answer(
    receiver: &Receiver,
    protocol: Protocol,
    request: Request<Incoming>,
) -> Response<Reply> {
    match protocol {
        Protocol::Grpc => grpc::serve(receiver, request).await,
        Protocol::Http => otlp_http::serve(receiver, request).await,
    }
}

fn builder(protocol: Protocol, bulk: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let window = if bulk { WINDOW_LARGE } else { WINDOW_SMALL };
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(window)
        .initial_connection_window_size(window)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HTTP1_BUFFER_BYTES_MAX);
    match protocol {
        Protocol::Grpc => builder.http2_only(),
        Protocol::Http => builder,
    }
}
