//! The endpoint as a probe and a scraper see it.
#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::install_metrics;

async fn get(address: Option<SocketAddr>, path: &str) -> String {
    ask(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n")).await
}

async fn ask(address: Option<SocketAddr>, head: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(address.unwrap())
        .await
        .unwrap();
    let request = format!("{head}connection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

fn anywhere() -> AdminConfig {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = AdminConfig::default();
    (config.health, config.metrics, config.listen) = (any, any, any);
    config
}

#[tokio::test]
async fn readiness_names_each_part_and_its_reason() {
    let health = Health::new();
    let (bus, ingest) = (health.part("bus"), health.part("ingest"));
    let metrics = install_metrics().unwrap();
    let admin = Admin::start(&anywhere(), health, metrics, Router::new())
        .await
        .unwrap();
    for path in ["/", "/livez", "/healthz"] {
        let answer = get(admin.health, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    ingest.ready();
    bus.not_ready("waiting for kafka");
    let answer = get(admin.health, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.contains(r#"{"ready":false,"parts":{"bus":"waiting for kafka","ingest":"ready"}}"#),
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
    let admin = Admin::start(&config, Health::new(), metrics.clone(), Router::new())
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
    let admin = Admin::start(&config, Health::new(), metrics, Router::new())
        .await
        .unwrap();
    assert!(
        get(admin.health, "/metrics")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let answer = get(admin.metrics, "/readyz").await;
    assert!(
        answer.starts_with("HTTP/1.1 503"),
        "ready before any part has registered: {answer}"
    );
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_key() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = anywhere();
    config.metrics = taken.local_addr().ok();
    let metrics = install_metrics().unwrap();
    let error = Admin::start(&config, Health::new(), metrics, Router::new())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("(admin.metrics)"), "{error}");
}

#[tokio::test]
async fn what_shows_data_is_not_where_probes_are() {
    let metrics = install_metrics().unwrap();
    let pages = Router::new().route("/why", axum::routing::get(async || "because"));
    let admin = Admin::start(&anywhere(), Health::new(), metrics, pages)
        .await
        .unwrap();
    for probes in [admin.health, admin.metrics] {
        let answer = get(probes, "/why").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
    // `get` names a host that isn't this machine.
    let answer = get(admin.pages, "/why").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let answer = ask(admin.pages, "GET /why HTTP/1.1\r\nhost: localhost\r\n").await;
    assert!(answer.ends_with("because"), "{answer}");
}

/// More connections than a listener has slots, and nothing comes on them: a probe is answered all the same.
#[tokio::test]
async fn silent_connections_keep_no_probe_out() {
    let metrics = install_metrics().unwrap();
    let admin = Admin::start(&anywhere(), Health::new(), metrics, Router::new())
        .await
        .unwrap();
    let mut silent = Vec::new();
    for _ in 0..LIMITS.connections_max + 10 {
        let address = admin.health.unwrap();
        silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let answer = tokio::time::timeout(Duration::from_secs(10), get(admin.health, "/healthz"));
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 200"));
}
