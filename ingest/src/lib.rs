//! Ingest: OTLP over gRPC and HTTP onto the bus.
//!
//! The way of a request: [`connections`] → [`grpc`] or [`otlp_http`] reads it under [`admission`] → [`receive`] inflates and translates it →
//! [`split`] says which items go where → [`pack`] collects them with those of other requests → [`publish`] puts full records
//! onto the bus → [`completion`] wakes the request when all its records are durable → the answer.
//!
//! Beside it, [`rekey()`] takes requests from a topic that somebody else writes.
//!
//! What is deliberately absent: decoding (payload stays bytes), queues that outlive a request (the bus is the queue), and retries (the
//! client has the data until we have said yes).

mod admission;
mod answer;
mod body;
mod completion;
mod config;
mod connections;
mod counts;
mod grpc;
mod heads;
mod health;
mod inflate;
mod otlp_http;
mod pack;
mod points;
mod publish;
mod receive;
mod refusal;
mod rekey;
mod reply;
mod split;
mod unread;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics::gauge;
use runtime::{Drain, Readiness, names};
use tokio::net::TcpListener;

pub use config::{Config, Listen, RawConfig, RawGrpc, RawHttp, RawRekey, Rekey};
pub use counts::register;
pub use rekey::rekey;
pub use split::{Limits, split};

use admission::Budget;
use connections::{Connections, Protocol};
use health::Health;
use publish::{Collecting, Packs, Raw};
use receive::Receiver;

/// What is left to the bus when the drain comes.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// What a drain leaves to a request beyond the time for its body and for the bus.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// Both sockets, bound; nothing is accepted before [`Ingest::run`].
pub struct Ingest {
    grpc: TcpListener,
    http: TcpListener,
    connections: Connections,
    packs: Arc<Packs>,
    ready: Readiness,
    receiver: Arc<Receiver>,
}

/// Binds both sockets. The raw topics must exist. Waits for a bus that can't be reached; `None`: it was told to drain meanwhile.
///
/// # Errors
/// A port is taken, or the bus doesn't know a raw topic.
pub async fn bind(
    config: Config,
    bus: Arc<dyn bus::Bus>,
    topics: schemas::Topics,
    ready: Readiness,
    drain: &Drain,
) -> anyhow::Result<Option<Ingest>> {
    let grpc = listen(&config.grpc, "OTLP over gRPC").await?;
    let http = listen(&config.http, "OTLP over HTTP").await?;
    let collecting = Collecting {
        record_bytes_max: config.record_bytes_max,
        linger: config.linger,
    };
    let (waiting, asked) = (ready.clone(), drain.clone());
    let look_up = move || {
        let ask = || Raw::look_up(&*bus, &topics);
        bus::until_reachable(ask, &waiting, &asked)
    };
    // The Kafka client blocks when it looks up metadata.
    let raw = tokio::task::spawn_blocking(look_up)
        .await?
        .context("preparing to publish to the raw topics")?;
    let Some(raw) = raw else {
        return Ok(None);
    };
    let packs = Arc::new(Packs::new(raw, collecting));
    let limits = runtime::connections::Limits {
        connections_max: config.connections_max,
        first_byte_timeout: config.first_byte_timeout,
        idle_timeout: config.connection_idle_timeout,
        age_max: config.connection_age_max,
        drain_timeout: config.read_timeout + config.publish_timeout + DRAIN_MARGIN,
    };
    // A quarter is for what connections send ahead of being read.
    let windows_bytes = config.memory_limit / 4;
    let receiver = Receiver {
        budget: Budget::new(
            config.memory_limit - windows_bytes,
            gauge!(names::INGEST_IN_FLIGHT_BYTES),
        ),
        packs: packs.clone(),
        health: Health::new(ready.clone()),
        tenant_header: config.tenant_header,
        request_bytes_max: config.request_bytes_max,
        read_timeout: config.read_timeout,
        publish_timeout: config.publish_timeout,
        retry_after: config.retry_after,
    };
    let receiver = Arc::new(receiver);
    Ok(Some(Ingest {
        grpc,
        http,
        connections: Connections::new(receiver.clone(), limits, windows_bytes),
        packs,
        ready,
        receiver,
    }))
}

async fn listen(listen: &Listen, what: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen.address).await.with_context(|| {
        format!(
            "listening for {what} on {}; choose another address with {}",
            listen.address, listen.key
        )
    })
}

impl Ingest {
    pub fn grpc_addr(&self) -> std::io::Result<SocketAddr> {
        self.grpc.local_addr()
    }

    pub fn http_addr(&self) -> std::io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Takes telemetry until the drain, then answers the requests in flight and returns.
    ///
    /// # Errors
    /// The bus did not acknowledge what was left to it. No client was told otherwise.
    pub async fn run(self, drain: Drain) -> anyhow::Result<()> {
        let closing = {
            let packs = self.packs.clone();
            tokio::spawn(async move { packs.close_due().await })
        };
        let grpc = self
            .connections
            .clone()
            .serve(Protocol::Grpc, self.grpc, drain.clone());
        let http = self
            .connections
            .serve(Protocol::Http, self.http, drain.clone());
        self.ready.ready();
        tokio::join!(self.receiver.health.follow(&drain), grpc, http);
        self.ready.not_ready("drained");
        closing.abort();
        let packs = self.packs;
        tokio::task::spawn_blocking(move || packs.flush(FLUSH_TIMEOUT))
            .await?
            .context("flushing the last records to the bus")
    }
}
