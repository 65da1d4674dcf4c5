//! A listening port: accepts, and serves each connection on a task of its own until the drain.

use std::error::Error;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::counts::{Counts, Open};
use super::entrance::Entrance;
use super::limits::Limits;
use super::serving;
use crate::Drain;

/// After an error of `accept` that doesn't go away by asking again, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening port with its slots.
pub struct Port {
    /// For logs, such as `OTLP over gRPC`.
    pub name: &'static str,
    /// The configuration key of `connections_max`, if there is one.
    pub limit_key: Option<&'static str>,
    pub limits: Limits,
    pub counts: Counts,
}

/// What one connection is served with.
pub struct Served<S, G> {
    /// Made of [`builder`].
    pub builder: Builder<TokioExecutor>,
    pub service: S,
    /// Dropped when the connection is closed.
    pub guard: G,
}

/// To begin with. Its own timeout of HTTP/1 headers is off, since it also runs between requests.
pub fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().timer(TokioTimer::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None);
    builder
}

impl Port {
    /// Accepts until the drain, then waits for the requests in flight. `served` is asked once for each connection.
    pub async fn serve<S, B, G>(
        self,
        listener: TcpListener,
        drain: Drain,
        served: impl Fn() -> Served<S, G>,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        G: Send + 'static,
    {
        let mut entrance = Entrance::new(self.name, self.limit_key, self.limits.connections_max);
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.requested() => break,
                Some(_) = connections.join_next() => continue,
                accepted = entrance.accept(&listener) => accepted,
            };
            let Ok((stream, slot)) = accepted else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (limits, drain) = (self.limits, drain.clone());
            let (open, counts) = (Open::new(&self.counts), self.counts.clone());
            let (crowded, served) = (entrance.crowded.subscribe(), served());
            connections.spawn(async move {
                let guard = (served.guard, slot, open);
                let why = serving::connection(
                    stream,
                    &served.builder,
                    served.service,
                    limits,
                    crowded,
                    drain,
                );
                counts.closed[why.await as usize].increment(1);
                drop(guard);
            });
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }
}
