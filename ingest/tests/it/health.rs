//! gRPC's health protocol on the OTLP port: as true as `/readyz`.

use bytes::Bytes;
use http_body_util::BodyExt;
use tonic::Code;

use crate::client::{Answer, call, connect_h2, framed, grpc};
use crate::server::Server;

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const SERVING: &[u8] = &[8, 1];
const NOT_SERVING: &[u8] = &[8, 2];
const SERVICE_UNKNOWN: &[u8] = &[8, 3];

/// A `HealthCheckRequest`.
fn question(service: &str) -> Vec<u8> {
    let mut out = Vec::new();
    schemas::wire::put_len(&mut out, 1, service.as_bytes());
    out
}

#[tokio::test]
async fn a_check_says_what_readyz_says() {
    let server = Server::start().await;
    let other = server.health.part("other");
    for service in [
        "",
        "grpc.health.v1.Health",
        "opentelemetry.proto.collector.trace.v1.TraceService",
        "opentelemetry.proto.collector.logs.v1.LogsService",
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
    ] {
        for ready in [false, true, false] {
            let expected = if ready { SERVING } else { NOT_SERVING };
            match ready {
                true => other.ready(),
                false => other.not_ready("it is away"),
            }
            let answer = grpc(server.grpc, CHECK, &question(service)).await.unwrap();
            assert_eq!(answer, expected, "{service} {ready}");
        }
    }
    let unknown = grpc(server.grpc, CHECK, &question("no.such.Service")).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    let large = grpc(server.grpc, CHECK, &question(&"x".repeat(5000))).await;
    assert_eq!(large.unwrap_err().code(), Code::ResourceExhausted);
    let garbage = grpc(server.grpc, CHECK, b"garbage").await;
    assert_eq!(garbage.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(server.counter(ingest::names::REQUESTS, ""), 0);
}

/// The next message of a stream.
async fn next(body: &mut hyper::body::Incoming) -> Option<Bytes> {
    let data = body.frame().await?.unwrap().into_data().ok()?;
    Some(data.slice(5..))
}

#[tokio::test]
async fn a_watch_tells_each_change_and_ends_with_the_drain() {
    let server = Server::start().await;
    let mut client = connect_h2(server.grpc).await;
    let mut watch = async |service: &str| {
        let headers = [("content-type", "application/grpc"), ("te", "trailers")];
        let body = framed(false, &question(service));
        let version = http::Version::HTTP_2;
        let request = crate::client::request(version, server.grpc, "POST", WATCH, &headers, body);
        client.send_request(request).await.unwrap().into_body()
    };
    let (mut known, mut unknown) = (watch("").await, watch("no.such.Service").await);
    let mut now = next(&mut known).await.unwrap();
    if now == NOT_SERVING {
        // It asked before the first look.
        now = next(&mut known).await.unwrap();
    }
    assert_eq!(now, SERVING);
    assert_eq!(next(&mut unknown).await.unwrap(), SERVICE_UNKNOWN);
    let other = server.health.part("other");
    assert_eq!(next(&mut known).await.unwrap(), NOT_SERVING);
    other.ready();
    assert_eq!(next(&mut known).await.unwrap(), SERVING);
    server.drain.request();
    assert_eq!(next(&mut known).await.unwrap(), NOT_SERVING);
    assert_eq!(next(&mut known).await, None);
    assert_eq!(next(&mut unknown).await, None);
    server.stop().await;
}

#[tokio::test]
async fn all_services_are_listed() {
    let server = Server::start().await;
    let mut client = connect_h2(server.grpc).await;
    let path = "/grpc.health.v1.Health/List";
    let answer: Answer = call(&mut client, server.grpc, path, &[], framed(false, &[])).await;
    let list = answer.grpc().unwrap();
    let entries = schemas::wire::Fields::new(&list);
    assert!(entries.clone().all(|entry| entry.unwrap().number == 1));
    assert_eq!(entries.count(), 5);
}
