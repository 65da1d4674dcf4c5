//! The connections of a listening port, bounded in number and in time: whoever says nothing, or nothing more, gives its slot back.
//!
//! HTTP/1.1 and HTTP/2 alike. Every connection has a deadline at any time ([`activity`]): until its first request, for the headers of
//! the next one, without a request in flight, and for its age. It is closed in two steps: it is told to end (GOAWAY in HTTP/2), and
//! cut off a while later. How long a request's body and its answer may take is for the service to say.

mod activity;
mod entrance;
mod serving;

use std::error::Error;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use metrics::{Counter, Gauge};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Drain;
use entrance::Entrance;

pub use activity::Closed;

/// After an error of `accept` that doesn't go away by asking again, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At one time; more wait in the listen queue.
    pub connections_max: usize,
    /// From the connection to the end of the first request's headers, and for the headers of each later request.
    pub first_byte_timeout: Duration,
    /// Without a request in flight.
    pub idle_timeout: Duration,
    /// Give or take a tenth, so that connections that came together don't go together.
    pub age_max: Duration,
    /// What a drain leaves to requests in flight.
    pub drain_timeout: Duration,
}

/// Where connections are counted.
#[derive(Clone)]
pub struct Counts {
    pub open: Gauge,
    /// In the order of [`Closed::ALL`].
    pub closed: [Counter; Closed::ALL.len()],
}

impl Counts {
    /// Nowhere.
    pub fn none() -> Self {
        Self {
            open: Gauge::noop(),
            closed: Closed::ALL.map(|_| Counter::noop()),
        }
    }
}

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
        let mut entrance = Entrance::new(&self);
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

/// Keeps the gauge of open connections.
struct Open(Gauge);

impl Open {
    fn new(counts: &Counts) -> Self {
        counts.open.increment(1);
        Self(counts.open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
