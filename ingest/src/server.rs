//! The stage: two sockets and what is behind them, from binding to the drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics::gauge;
use runtime::connections::Limits;
use runtime::{Drain, Readiness};
use tokio::net::TcpListener;

use crate::admission::Budget;
use crate::config::{Config, Listen};
use crate::names;
use crate::protocol::{Connections, Health, Protocol, Receiver};
use crate::records::{Collecting, Packs, RawTopics};

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
        stamp: config.stamp,
    };
    let (waiting, asked) = (ready.clone(), drain.clone());
    let look_up = move || {
        let ask = || RawTopics::look_up(&*bus, &topics);
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
    let limits = Limits {
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
            gauge!(names::IN_FLIGHT_BYTES),
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
