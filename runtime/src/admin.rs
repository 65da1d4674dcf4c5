//! Health, readiness and metrics over HTTP, on addresses of their own.
//!
//! Two listeners, since who may scrape metrics is often not who may probe health; with one address for both, one listener.
//! No authentication, so nothing here changes anything, and both listen on localhost unless told otherwise.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::config::Problems;
use crate::{Health, Metrics};

/// The `admin` section: addresses, or `off`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAdmin {
    /// `/healthz` says that the process lives, `/readyz` whether all of its parts are ready.
    pub health: String,
    /// `/metrics` for Prometheus.
    pub metrics: String,
}

impl Default for RawAdmin {
    fn default() -> Self {
        Self {
            health: "127.0.0.1:13133".to_owned(),
            metrics: "127.0.0.1:8888".to_owned(),
        }
    }
}

/// A valid `admin` section.
#[derive(Clone, Debug, Default)]
pub struct AdminConfig {
    pub health: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
}

impl RawAdmin {
    pub fn validate(&self, path: &str, problems: &mut Problems) -> AdminConfig {
        let mut address = |key: &str, text: &str| match text {
            "off" => None,
            text => {
                let parsed = text.parse();
                if parsed.is_err() {
                    let message = format!(
                        "`{text}` is not an address; write an ip address and a port, such as 127.0.0.1:13133, or off"
                    );
                    problems.push(format!("{path}.{key}"), message);
                }
                parsed.ok()
            }
        };
        AdminConfig {
            health: address("health", &self.health),
            metrics: address("metrics", &self.metrics),
        }
    }
}

/// An address that can't be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address} ({key}): {source}; is another process there? set {key} to another address, or to off"
)]
pub struct ListenError {
    key: &'static str,
    address: SocketAddr,
    source: std::io::Error,
}

/// Where the admin endpoint listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Admin {
    pub health: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
}

impl Admin {
    /// Binds, and serves until the process ends: through the drain too, when readiness matters most.
    ///
    /// # Errors
    /// An address is taken or isn't ours; names the configuration key.
    pub async fn start(
        config: &AdminConfig,
        health: Health,
        metrics: Metrics,
    ) -> Result<Self, ListenError> {
        let upkeep = metrics.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(5));
            loop {
                ticks.tick().await;
                upkeep.upkeep();
            }
        });
        let (probes, scrapes) = (probes(health), scrapes(metrics));
        if config.health.is_some() && config.health == config.metrics {
            let both = listen("admin.health", config.health, probes.merge(scrapes)).await?;
            return Ok(Self {
                health: both,
                metrics: both,
            });
        }
        Ok(Self {
            health: listen("admin.health", config.health, probes).await?,
            metrics: listen("admin.metrics", config.metrics, scrapes).await?,
        })
    }
}

async fn listen(
    key: &'static str,
    address: Option<SocketAddr>,
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
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, %bound, "admin endpoint ended");
        }
    });
    Ok(Some(bound))
}

fn probes(health: Health) -> Router {
    let alive = || async { "ok\n" };
    let ready = move || {
        let health = health.clone();
        async move { readiness(&health) }
    };
    Router::new()
        .route("/", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
}

fn readiness(health: &Health) -> Response {
    let parts = health.parts();
    let ready = parts.iter().all(|(_, state)| state.is_ok());
    let parts: serde_json::Map<_, _> = (parts.into_iter())
        .map(|(name, state)| {
            (
                name,
                state.err().unwrap_or_else(|| "ready".to_owned()).into(),
            )
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
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::install_metrics;

    async fn get(address: Option<SocketAddr>, path: &str) -> String {
        let mut socket = tokio::net::TcpStream::connect(address.unwrap())
            .await
            .unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn anywhere() -> AdminConfig {
        let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        AdminConfig {
            health: any,
            metrics: any,
        }
    }

    #[tokio::test]
    async fn readiness_names_each_part_and_its_reason() {
        let health = Health::new();
        let (bus, ingest) = (health.part("bus"), health.part("ingest"));
        let metrics = install_metrics().unwrap();
        let admin = Admin::start(&anywhere(), health, metrics).await.unwrap();
        for path in ["/", "/healthz"] {
            let answer = get(admin.health, path).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        ingest.ready();
        bus.not_ready("waiting for kafka");
        let answer = get(admin.health, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(
            answer.contains(
                r#"{"ready":false,"parts":{"bus":"waiting for kafka","ingest":"ready"}}"#
            ),
            "{answer}"
        );
        bus.ready();
        let answer = get(admin.health, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn metrics_are_served_and_one_address_can_serve_all() {
        let metrics = install_metrics().unwrap();
        metrics::counter!("admin_test_total").increment(7);
        let mut config = anywhere();
        let admin = Admin::start(&config, Health::new(), metrics.clone())
            .await
            .unwrap();
        let answer = get(admin.metrics, "/metrics").await;
        assert!(answer.contains("admin_test_total 7"), "{answer}");
        assert!(answer.contains("process_cpu_seconds_total"), "{answer}");
        assert!(answer.contains("tailwater_build_info{version="), "{answer}");

        // An address that was free a moment ago, twice.
        let free = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        (config.health, config.metrics) = (Some(free), Some(free));
        let admin = Admin::start(&config, Health::new(), metrics).await.unwrap();
        assert!(
            get(admin.health, "/metrics")
                .await
                .starts_with("HTTP/1.1 200")
        );
        assert!(
            get(admin.metrics, "/readyz")
                .await
                .starts_with("HTTP/1.1 200")
        );
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_the_key() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = anywhere();
        config.metrics = taken.local_addr().ok();
        let metrics = install_metrics().unwrap();
        let error = Admin::start(&config, Health::new(), metrics)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("(admin.metrics)"), "{error}");
    }

    #[test]
    fn addresses_are_checked() {
        let mut problems = Problems::new();
        let raw = RawAdmin {
            health: "localhost".to_owned(),
            metrics: "off".to_owned(),
        };
        let config = raw.validate("admin", &mut problems);
        assert!(config.metrics.is_none());
        let found: Vec<_> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(found, ["admin.health"]);
    }
}
