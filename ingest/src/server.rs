//! The stage: two sockets and what is behind them, from binding to the drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics::gauge;
use runtime::connections::Limits;
use runtime::tls;
use runtime::{Drain, Readiness};
use tokio::net::TcpListener;

use crate::admission::Budget;
use crate::config::{Config, Listen};
use crate::identity::Identity;
use crate::names;
use crate::protocol::{Connections, Health, Protocol, Receiver, Socket};
use crate::quota::Meters;
use crate::records::{Collecting, Packs, RawTopics};
use crate::residency::Residency;

/// What is left to the bus when the drain comes.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// What a drain leaves to a request beyond the time for its body and for the bus.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// Both sockets, bound; nothing is accepted before [`Ingest::run`].
pub struct Ingest {
    grpc: Socket,
    http: Socket,
    connections: Connections,
    certificates: Vec<tls::Server>,
    packs: Vec<Arc<Packs>>,
    ready: Readiness,
    receiver: Arc<Receiver>,
}

/// Binds both sockets. The raw topics of every class that is taken must exist. Waits for a bus that can't be reached; `None`: it was told to drain meanwhile.
///
/// # Errors
/// A port is taken, or the bus doesn't know a raw topic.
pub async fn bind(
    config: Config,
    bus: Arc<dyn bus::Bus>,
    residency: impl Into<Residency>,
    ready: Readiness,
    drain: &Drain,
) -> anyhow::Result<Option<Ingest>> {
    let residency = residency.into();
    let identity = config.auth.as_ref().map(Identity::new).transpose()?;
    let (certificates, grpc_tls, http_tls) = tls(&config)?;
    let grpc = listen(&config.grpc, grpc_tls, "OTLP over gRPC").await?;
    let http = listen(&config.http, http_tls, "OTLP over HTTP").await?;
    let Some(packs) = packs(&config, bus, &residency, &ready, drain).await? else {
        return Ok(None);
    };
    let limits = limits(&config);
    // A quarter is for what connections send ahead of being read.
    let windows_bytes = config.memory_limit / 4;
    let receiver = Receiver {
        budget: Budget::new(
            config.memory_limit - windows_bytes,
            gauge!(names::IN_FLIGHT_BYTES),
        ),
        packs: packs.clone(),
        residency,
        health: Health::new(ready.clone()),
        identity,
        meters: Meters::new(config.quotas),
        stamp: Arc::new(config.stamp),
        metadata: config.metadata,
        peer_address: config.peer_address,
        cors: config.cors,
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
        certificates,
        packs,
        ready,
        receiver,
    }))
}

/// The packs of each class; `None`: it was told to drain before the bus answered.
async fn packs(
    config: &Config,
    bus: Arc<dyn bus::Bus>,
    residency: &Residency,
    ready: &Readiness,
    drain: &Drain,
) -> anyhow::Result<Option<Vec<Arc<Packs>>>> {
    let collecting = Collecting {
        record_bytes_max: config.record_bytes_max,
        linger: config.linger,
    };
    let (waiting, asked) = (ready.clone(), drain.clone());
    let classes = residency.taken().to_vec();
    let look_up = move || {
        let ask = || look_up(&*bus, &classes);
        bus::until_reachable(ask, &waiting, &asked)
    };
    // The Kafka client blocks when it looks up metadata.
    let raw = tokio::task::spawn_blocking(look_up)
        .await?
        .context("preparing to publish to the raw topics")?;
    let packs = |raw| Arc::new(Packs::new(raw, collecting, config.filter.clone()));
    Ok(raw.map(|all| all.into_iter().map(packs).collect()))
}

/// What the bus says of the raw topics of each class; one publisher is enough for all.
fn look_up(bus: &dyn bus::Bus, classes: &[schemas::Topics]) -> bus::Result<Vec<RawTopics>> {
    let publisher = bus.publisher()?;
    let look_up = |topics| RawTopics::look_up(bus, topics, publisher.clone());
    classes.iter().map(look_up).collect()
}

/// Of each port.
fn limits(config: &Config) -> Limits {
    Limits {
        connections_max: config.connections_max,
        per_peer_max: config.connections_per_peer_max,
        first_byte_timeout: config.first_byte_timeout,
        idle_timeout: config.connection_idle_timeout,
        age_max: config.connection_age_max,
        drain_timeout: config.read_timeout + config.publish_timeout + DRAIN_MARGIN,
    }
}

/// All certificates, and those of gRPC and of HTTP: one for both where the files are the same.
#[allow(clippy::type_complexity)]
fn tls(
    config: &Config,
) -> anyhow::Result<(Vec<tls::Server>, Option<tls::Server>, Option<tls::Server>)> {
    let server = |listen: &Listen| listen.tls.clone().map(tls::Server::new).transpose();
    let grpc = server(&config.grpc)?;
    if config.grpc.tls == config.http.tls {
        return Ok((grpc.iter().cloned().collect(), grpc.clone(), grpc));
    }
    let http = server(&config.http)?;
    Ok((grpc.iter().chain(&http).cloned().collect(), grpc, http))
}

async fn listen(listen: &Listen, tls: Option<tls::Server>, what: &str) -> anyhow::Result<Socket> {
    let listener = TcpListener::bind(listen.address).await.with_context(|| {
        format!(
            "listening for {what} on {}; choose another address with {}",
            listen.address, listen.key
        )
    })?;
    Ok(Socket { listener, tls })
}

impl Ingest {
    pub fn grpc_addr(&self) -> std::io::Result<SocketAddr> {
        self.grpc.listener.local_addr()
    }

    pub fn http_addr(&self) -> std::io::Result<SocketAddr> {
        self.http.listener.local_addr()
    }

    /// Certificates may change until the drain.
    fn follow_files(&self, drain: &Drain) {
        for tls in &self.certificates {
            tokio::spawn(tls.clone().follow(drain.clone()));
        }
    }

    /// Takes telemetry until the drain, then answers the requests in flight and returns.
    ///
    /// # Errors
    /// The bus did not acknowledge what was left to it. No client was told otherwise.
    pub async fn run(self, drain: Drain) -> anyhow::Result<()> {
        let closing = self.packs.iter().cloned();
        let closing: Vec<_> = closing
            .map(|packs| tokio::spawn(async move { packs.close_due().await }))
            .collect();
        self.follow_files(&drain);
        let grpc = self
            .connections
            .clone()
            .serve(Protocol::Grpc, self.grpc, drain.clone());
        let http = self
            .connections
            .serve(Protocol::Http, self.http, drain.clone());
        let identity = async {
            if let Some(identity) = &self.receiver.identity {
                identity.follow(self.ready.clone(), drain.clone()).await;
            }
        };
        let waiting = self.receiver.identity.as_ref().and_then(Identity::waiting);
        self.ready.set(waiting.map_or(Ok(()), Err));
        tokio::join!(self.receiver.health.follow(&drain), identity, grpc, http);
        self.ready.not_ready("drained");
        closing.iter().for_each(tokio::task::JoinHandle::abort);
        let packs = self.packs;
        let flush = move || {
            packs
                .iter()
                .try_for_each(|packs| packs.flush(FLUSH_TIMEOUT))
        };
        tokio::task::spawn_blocking(flush)
            .await?
            .context("flushing the last records to the bus")
    }
}
