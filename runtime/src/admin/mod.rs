//! Health, readiness and metrics over HTTP, on addresses of their own.
//!
//! Two listeners for those, since who may scrape metrics is often not who may probe health; with one address for both, one listener. Anybody may ask them,
//! so they show no data and change nothing. What does is on a third one, behind a [`guard`]. All listen on localhost unless told otherwise.

mod config;
mod guard;

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::connections::{self, Counts, Limits, Peer, Port, Served};
use crate::{Drain, Health, Metrics, memory};
pub use config::{AdminConfig, RawAdmin};
pub use guard::Token;

/// Of each listener: a probe or a scrape is short, and whoever says nothing keeps nobody else out.
const LIMITS: Limits = Limits {
    connections_max: 256,
    per_peer_max: 256,
    first_byte_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(300),
    age_max: Duration::from_secs(1800),
    drain_timeout: Duration::ZERO,
};

/// Between two times that memory is given back.
const TRIM_EVERY: Duration = Duration::from_secs(10);

/// How far the next free port may be from one that nobody wrote down.
const PORTS_TRIED_MAX: u16 = 100;

/// An address that can't be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address} ({key}): {source}; is another process there? set {key} to another address, or to off; stages that run alone and share a file take free ports of their own where it leaves {key} out"
)]
pub struct ListenError {
    key: &'static str,
    address: SocketAddr,
    source: std::io::Error,
}

/// Where the admin endpoints listen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Admin {
    pub health: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
    pub pages: Option<SocketAddr>,
}

impl Admin {
    /// `pages` show data or change something: they are guarded. Binds, and serves until the process ends: through the drain too, when readiness matters most.
    ///
    /// # Errors
    /// An address is taken or isn't ours; names the configuration key.
    pub async fn start(
        config: &AdminConfig,
        health: Health,
        metrics: Metrics,
        pages: Router,
    ) -> Result<Self, ListenError> {
        let upkeep = metrics.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(5));
            loop {
                ticks.tick().await;
                upkeep.upkeep();
            }
        });
        tokio::spawn(async {
            let mut ticks = tokio::time::interval(TRIM_EVERY);
            loop {
                ticks.tick().await;
                let _ = tokio::task::spawn_blocking(memory::trim).await;
            }
        });
        let (probes, scrapes) = (probes(health), scrapes(metrics));
        let moves = config.moves;
        let (health, metrics) = if config.health.is_some() && config.health == config.metrics {
            let both = probes.merge(scrapes);
            let both = listen("admin.health", config.health, moves.health, both).await?;
            (both, both)
        } else {
            let health = listen("admin.health", config.health, moves.health, probes).await?;
            let metrics = listen("admin.metrics", config.metrics, moves.metrics, scrapes).await?;
            (health, metrics)
        };
        let guard = middleware::from_fn_with_state(config.token.clone(), guard::guard);
        let pages = pages.layer(guard);
        let pages = listen("admin.listen", config.listen, moves.listen, pages).await?;
        Ok(Self {
            health,
            metrics,
            pages,
        })
    }
}

async fn listen(
    key: &'static str,
    address: Option<SocketAddr>,
    moves: bool,
    routes: Router,
) -> Result<Option<SocketAddr>, ListenError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let failed = |source| ListenError {
        key,
        address,
        source,
    };
    let listener = bind(address, moves).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    if address.port() != 0 && bound != address {
        tracing::warn!(key, wanted = %address, listening_on = %bound, "another process has this port; taking the next free one");
    }
    let port = Port {
        name: key,
        keys: None,
        limits: LIMITS,
        counts: Counts::none(),
        tls: None,
    };
    let served = move |_: &Peer| Served {
        builder: connections::builder(),
        service: TowerToHyperService::new(routes.clone()),
        guard: (),
    };
    // Nobody drains it: it is there until the process ends.
    tokio::spawn(port.serve(listener, Drain::new(), served));
    Ok(Some(bound))
}

async fn bind(mut address: SocketAddr, moves: bool) -> std::io::Result<TcpListener> {
    let wanted = address.port();
    loop {
        let bound = TcpListener::bind(address).await;
        match (bound, address.port().checked_add(1)) {
            (Err(error), Some(port))
                if moves
                    && error.kind() == std::io::ErrorKind::AddrInUse
                    && port - wanted < PORTS_TRIED_MAX =>
            {
                address.set_port(port);
            }
            (bound, _) => return bound,
        }
    }
}

fn probes(health: Health) -> Router {
    let alive = || async { "ok\n" };
    let ready = move || {
        let health = health.clone();
        async move { readiness(&health) }
    };
    Router::new()
        .route("/", get(alive))
        .route("/livez", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
}

fn readiness(health: &Health) -> Response {
    let (ready, parts) = (health.is_ready(), health.parts());
    let parts: serde_json::Map<_, _> = (parts.into_iter())
        .map(|part| {
            let state = part.state.err().unwrap_or_else(|| "ready".to_owned());
            (part.name, state.into())
        })
        .collect();
    let body = serde_json::json!({ "ready": ready, "parts": parts });
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, format!("{body}\n")).into_response()
}

fn scrapes(metrics: Metrics) -> Router {
    let render = move || {
        let metrics = metrics.clone();
        async move {
            let text = [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )];
            (text, metrics.render())
        }
    };
    Router::new().route("/metrics", get(render))
}

#[cfg(test)]
mod tests;
