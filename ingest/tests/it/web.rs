//! Web pages: what browsers ask before they send, and what lets a page read the answer. And headers that become attributes.

use ingest::names::REQUESTS;
use ingest::{RawAuth, RawCors};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

use crate::bus::Mode;
use crate::client::{Answer, JSON, PROTOBUF, TRACES, call, connect_h2, framed, http};
use crate::samples::{gzip, span, spans, traces};
use crate::server::Server;

const ORIGIN: (&str, &str) = ("origin", "https://www.shop.example");

fn cors(origins: &[&str]) -> RawCors {
    RawCors {
        origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
        headers: vec!["authorization".into()],
        max_age: runtime::config::Duration::from_secs(7200),
    }
}

async fn start(origins: &[&str], auth: Option<RawAuth>) -> Server {
    Server::start_with(|raw| {
        raw.http.cors = Some(cors(origins));
        raw.auth = auth;
    })
    .await
}

async fn ask(server: &Server, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        (
            "access-control-request-headers",
            "authorization,content-type",
        ),
    ];
    http(server.http, "OPTIONS", "/v1/traces", &headers, "").await
}

#[tokio::test]
async fn pages_that_are_named_may_send() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("keys.yaml");
    std::fs::write(&path, "[]").unwrap();
    let auth = RawAuth {
        keys_file: Some(path),
        ..RawAuth::default()
    };
    let server = start(&["https://*.shop.example"], Some(auth)).await;
    // Before it has credentials.
    let answer = ask(&server, ORIGIN.1, "POST").await;
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", ORIGIN.1),
        ("access-control-allow-methods", "POST"),
        (
            "access-control-allow-headers",
            "content-type, content-encoding, authorization",
        ),
        ("access-control-max-age", "7200"),
        ("access-control-allow-credentials", ""),
        ("vary", "origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert_eq!(server.counter(REQUESTS, ""), 0, "it brings nothing");
    // Others aren't told that they may.
    for (origin, method) in [
        ("https://shop.example", "POST"),
        ("https://evil.example", "POST"),
        ("null", "POST"),
        (ORIGIN.1, "DELETE"),
    ] {
        let answer = ask(&server, origin, method).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "",
            "{origin} {method}"
        );
        assert_eq!(answer.header("vary"), "origin");
    }
    // A page reads its refusal, too.
    let answer = http(server.http, "POST", "/v1/traces", &[JSON, ORIGIN], "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN.1);
    // OPTIONS that is no preflight is as any other method.
    assert_eq!(
        http(server.http, "OPTIONS", "/v1/traces", &[ORIGIN], "")
            .await
            .status,
        405
    );
    server.stop().await;
}

#[tokio::test]
async fn pages_read_when_to_come_back() {
    let server = start(&["*"], None).await;
    let answer = http(
        server.http,
        "POST",
        "/v1/traces",
        &[PROTOBUF, ORIGIN],
        spans(1),
    )
    .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("access-control-allow-origin")
        ),
        (200, "*")
    );
    server.bus.set(Mode::Fail);
    let answer = http(
        server.http,
        "POST",
        "/v1/traces",
        &[PROTOBUF, ORIGIN],
        spans(1),
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, "1")
    );
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "retry-after"
    );
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    // Who is no page gets no word of it.
    let answer = http(server.http, "POST", "/v1/traces", &[PROTOBUF], spans(1)).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    server.stop().await;
}

#[tokio::test]
async fn without_cors_nothing_is_said_to_pages() {
    let server = Server::start().await;
    assert_eq!(ask(&server, ORIGIN.1, "POST").await.status, 405);
    let answer = http(server.http, "POST", "/v1/traces", &[JSON, ORIGIN], "{}").await;
    assert_eq!(
        (
            answer.header("access-control-allow-origin"),
            answer.header("vary")
        ),
        ("", "")
    );
    server.stop().await;
}

/// In both protocols, compressed or not, protobuf or JSON.
#[tokio::test]
async fn headers_become_resource_attributes() {
    let server = Server::start_with(|raw| {
        raw.metadata.insert("x-team".into(), "team.name".into());
        raw.metadata.insert("x-zone".into(), "service.name".into());
    })
    .await;
    let request = traces(vec![span(1, 1)]).encode_to_vec();
    let sent = [("x-team", "core"), ("x-zone", "never: it is there")];
    let mut grpc = connect_h2(server.grpc).await;
    let answer = call(
        &mut grpc,
        server.grpc,
        TRACES,
        &sent,
        framed(false, &request),
    )
    .await;
    answer.grpc().unwrap();
    let gzipped = [PROTOBUF, ("content-encoding", "gzip"), sent[0], sent[1]];
    assert_eq!(
        http(server.http, "POST", "/v1/traces", &gzipped, gzip(&request))
            .await
            .status,
        200
    );
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01010101010101010101010101010101","spanId":"0101010101010101","name":"a"}]}]}]}"#;
    assert_eq!(
        http(server.http, "POST", "/v1/traces", &[JSON, sent[0]], json)
            .await
            .status,
        200
    );
    assert_eq!(
        http(server.http, "POST", "/v1/traces", &[PROTOBUF], request)
            .await
            .status,
        200
    );

    let of = |key: &str| -> Vec<String> {
        let all = server
            .bus
            .trace_requests()
            .into_iter()
            .flat_map(|(_, request)| request.resource_spans);
        let attributes = all.flat_map(|spans| spans.resource.unwrap_or_default().attributes);
        let found = attributes.filter(|attribute| attribute.key == key);
        let text = found.filter_map(|attribute| match attribute.value?.value? {
            Value::StringValue(text) => Some(text),
            _ => None,
        });
        text.collect()
    };
    assert_eq!(
        of("team.name"),
        ["core", "core", "core"],
        "not where no header came"
    );
    let services = of("service.name");
    assert!(
        !services.iter().any(|name| name.starts_with("never")),
        "{services:?}"
    );
    server.assert_counters_close();
    server.stop().await;
}
