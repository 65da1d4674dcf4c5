//! A listening port: accepts, and serves each connection on a task of its own until the drain.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::activity::Closed;
use super::counts::{Counts, Open};
use super::entrance::{Arrival, Entrance};
use super::limits::{LimitKeys, Limits};
use super::served::{Peer, Served};
use super::serving::Connection;
use crate::{Drain, tls};

/// After an error of `accept` that doesn't go away by asking again, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening port with its slots.
pub struct Port {
    /// For logs, such as `OTLP over gRPC`.
    pub name: &'static str,
    /// Where its limits are configured, if they are.
    pub keys: Option<LimitKeys>,
    pub limits: Limits,
    pub counts: Counts,
    /// `None`: plain text.
    pub tls: Option<tls::Speaking>,
}

impl Port {
    /// Accepts until the drain, then waits for the requests in flight. `served` is asked once for each connection, with TLS when that is
    /// agreed on.
    pub async fn serve<S, B, G>(
        self,
        listener: TcpListener,
        drain: Drain,
        served: impl Fn(&Peer) -> Served<S, G> + Send + Sync + 'static,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        G: Send + 'static,
    {
        let mut entrance = Entrance::new(self.name, self.keys, self.limits);
        let served = Arc::new(served);
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.requested() => break,
                Some(_) = connections.join_next() => continue,
                accepted = entrance.accept(&listener) => accepted,
            };
            let Ok(arrival) = accepted else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Arrival {
                stream,
                address,
                slot,
                place: Some(place),
            } = arrival
            else {
                self.counts.closed[Closed::PerPeer as usize].increment(1);
                continue;
            };
            let connection = Connection {
                stream,
                address,
                acceptor: self.tls.as_ref().map(tls::Speaking::acceptor),
                limits: self.limits,
                crowded: entrance.crowded.subscribe(),
                drain: drain.clone(),
            };
            let (open, counts) = (Open::new(&self.counts), self.counts.clone());
            let served = served.clone();
            connections.spawn(async move {
                let guard = (slot, place, open);
                let why = connection.serve(|peer| served(peer)).await;
                counts.closed[why as usize].increment(1);
                drop(guard);
            });
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }
}
