//! Points 16 to 40: the HTTP server.

use ::http::Version;
use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::bus::Mode;
use crate::client::{Answer, JSON, PROTOBUF, answer, connect_h1, connect_h2, http, post, request};
use crate::samples::{gauge, gzip, logs, metrics, span, spans, traces, zstd};
use crate::server::Server;

const SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
    {"traceId":"01010101010101010101010101010101","spanId":"0202020202020202","name":"a"}]}]}]}"#;

#[tokio::test]
async fn p16_to_p21_posts_are_answered_in_the_encoding_of_the_request() {
    let server = Server::start().await;
    let check = async |path: &str, content_type: &str, body: Vec<u8>, response: &str| {
        let answer = post(server.http, path, ("content-type", content_type), body).await;
        assert_eq!(answer.status, 200, "{path} {content_type}");
        assert_eq!(
            answer.header("content-type"),
            content_type.split(';').next().unwrap()
        );
        assert_eq!(answer.body, response, "{path} {content_type}");
    };
    let (protobuf, json) = (PROTOBUF.1, JSON.1);
    check("/v1/traces", protobuf, spans(3), "").await;
    check(
        "/v1/logs",
        protobuf,
        logs("shop", vec![Default::default()]).encode_to_vec(),
        "",
    )
    .await;
    check(
        "/v1/metrics",
        protobuf,
        metrics("shop", vec![gauge("load", 1)]).encode_to_vec(),
        "",
    )
    .await;
    // p19: no partialSuccess
    check("/v1/traces", json, SPAN.into(), "{}").await;
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        // p20, p21
        check(path, protobuf, vec![], "").await;
        check(path, json, "{}".into(), "{}").await;
    }
    // p37
    check(
        "/v1/traces",
        "application/json; charset=utf-8",
        SPAN.into(),
        "{}",
    )
    .await;
    check(
        "/v1/traces",
        "application/json;charset=UTF-8",
        SPAN.into(),
        "{}",
    )
    .await;
    assert_eq!(server.bus.spans().len(), 6);
    server.assert_counters_close();
}

/// As joined from an endpoint and a path by whoever configured the client.
#[tokio::test]
async fn slashes_round_a_path_are_ignored() {
    let server = Server::start().await;
    for path in ["/v1/traces/", "//v1/traces", "//v1/traces//"] {
        let answer = post(server.http, path, PROTOBUF, spans(1)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    for path in ["/v1//traces", "/v1/traces/x", "/"] {
        let answer = post(server.http, path, PROTOBUF, spans(1)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(server.bus.spans().len(), 3);
}

#[tokio::test]
async fn deflated_bodies_are_taken() {
    let server = Server::start().await;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &spans(3)).unwrap();
    let body = encoder.finish().unwrap();
    let headers = [PROTOBUF, ("content-encoding", "deflate")];
    let answer = http(server.http, "POST", "/v1/traces", &headers, body.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    let mut client = connect_h2(server.grpc).await;
    let headers = [("grpc-encoding", "deflate")];
    let message = crate::client::framed(true, &body);
    let path = crate::client::TRACES;
    let answer = crate::client::call(&mut client, server.grpc, path, &headers, message).await;
    assert_eq!(answer.grpc().unwrap(), "");
    assert_eq!(server.bus.spans().len(), 6);
    server.assert_counters_close();
}

#[tokio::test]
async fn p22_partial_success_is_200_with_counts() {
    let server = Server::start().await;
    let message = traces(vec![span(1, 1), span(0, 2)]).encode_to_vec();
    let answer = post(server.http, "/v1/traces", PROTOBUF, message).await;
    assert_eq!(answer.status, 200);
    let partial = ExportTraceServiceResponse::decode(answer.body)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(!partial.error_message.is_empty());

    let json = SPAN.replace("0101", "0000");
    let answer = post(server.http, "/v1/traces", JSON, json).await;
    assert_eq!(answer.status, 200);
    let response: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(response["partialSuccess"]["rejectedSpans"], "1");
    assert!(
        !response["partialSuccess"]["errorMessage"]
            .as_str()
            .unwrap()
            .is_empty()
    );
}

/// A refused request: p24 says that the body is a status in the request's encoding, whatever the reason.
fn assert_refused(what: &str, answer: &Answer, status: u16, code: i32, content_type: &str) {
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.header("content-type"), content_type, "{what}");
    let body = answer.rpc_status();
    assert_eq!(body.code, code, "{what}: {body:?}");
    assert!(!body.message.is_empty(), "{what}");
    // p25
    assert_eq!(
        body.detail("BadRequest").is_some(),
        status == 400 || code == 3,
        "{what}: {body:?}"
    );
    // p34
    let retryable = [429, 502, 503, 504].contains(&status);
    assert_eq!(
        answer.headers.contains_key("retry-after"),
        retryable,
        "{what}"
    );
    assert_eq!(body.detail("RetryInfo").is_some(), retryable, "{what}");
}

#[tokio::test]
async fn p23_to_p36_and_p40_refusals() {
    let server = Server::start_with(|raw| raw.request_bytes_max.0 = 100_000).await;
    let check = async |what: &str,
                       method: &str,
                       path: &str,
                       headers: &[(&str, &str)],
                       body: Vec<u8>,
                       expected: (u16, i32)| {
        let answer = http(server.http, method, path, headers, body).await;
        let content_type = if headers.contains(&PROTOBUF) {
            PROTOBUF.1
        } else {
            JSON.1
        };
        assert_refused(what, &answer, expected.0, expected.1, content_type);
        answer
    };
    let (gzipped, zstded) = (("content-encoding", "gzip"), ("content-encoding", "zstd"));
    let traces = "/v1/traces";
    let bomb = vec![0; 50_000_000];
    check(
        "p23 garbage",
        "POST",
        traces,
        &[PROTOBUF],
        b"garbage".to_vec(),
        (400, 3),
    )
    .await;
    check(
        "p23 truncated",
        "POST",
        traces,
        &[PROTOBUF],
        spans(2)[..90].to_vec(),
        (400, 3),
    )
    .await;
    check(
        "p23 json",
        "POST",
        traces,
        &[JSON],
        b"{\"resourceSpans\":".to_vec(),
        (400, 3),
    )
    .await;
    check(
        "p23 damaged gzip",
        "POST",
        traces,
        &[PROTOBUF, gzipped],
        b"garbage".to_vec(),
        (400, 3),
    )
    .await;
    check(
        "p23 short gzip",
        "POST",
        traces,
        &[PROTOBUF, gzipped],
        gzip(&spans(9))[..50].to_vec(),
        (400, 3),
    )
    .await;
    check(
        "p23 short zstd",
        "POST",
        traces,
        &[PROTOBUF, zstded],
        zstd(&spans(9))[..50].to_vec(),
        (400, 3),
    )
    .await;
    check(
        "p26 too large",
        "POST",
        traces,
        &[PROTOBUF],
        vec![0; 100_001],
        (413, 8),
    )
    .await;
    check(
        "p27 gzip bomb",
        "POST",
        traces,
        &[PROTOBUF, gzipped],
        gzip(&bomb),
        (413, 8),
    )
    .await;
    check(
        "p27 zstd bomb",
        "POST",
        traces,
        &[JSON, zstded],
        zstd(&bomb),
        (413, 8),
    )
    .await;
    check(
        "p30 encoding",
        "POST",
        traces,
        &[PROTOBUF, ("content-encoding", "br")],
        vec![],
        (415, 12),
    )
    .await;
    check(
        "p36 media type",
        "POST",
        traces,
        &[("content-type", "text/plain")],
        vec![],
        (415, 3),
    )
    .await;
    check("p36 no media type", "POST", traces, &[], vec![], (415, 3)).await;
    check(
        "p40 path",
        "POST",
        "/v1/profiles",
        &[PROTOBUF],
        vec![],
        (404, 5),
    )
    .await;
    check("p40 path", "POST", "/", &[JSON], vec![], (404, 5)).await;
    let answer = check("p35 method", "GET", traces, &[PROTOBUF], vec![], (405, 12)).await;
    assert_eq!(answer.header("allow"), "POST");
    check(
        "p35 method",
        "PUT",
        traces,
        &[JSON],
        b"{}".to_vec(),
        (405, 12),
    )
    .await;
    assert_eq!(server.bus.records(), []);
    server.assert_counters_close();
}

#[tokio::test]
async fn p29_gzip_and_zstd_requests() {
    let server = Server::start().await;
    for (encoding, content_type, body) in [
        ("gzip", PROTOBUF, gzip(&spans(5))),
        ("zstd", PROTOBUF, zstd(&spans(5))),
        ("GZIP", JSON, gzip(SPAN.as_bytes())),
        ("zstd", JSON, zstd(SPAN.as_bytes())),
        ("identity", JSON, SPAN.into()),
    ] {
        let headers = [content_type, ("content-encoding", encoding)];
        let answer = http(server.http, "POST", "/v1/traces", &headers, body).await;
        assert_eq!(answer.status, 200, "{encoding}: {:?}", answer.body);
    }
    assert_eq!(server.bus.spans().len(), 13);
}

#[tokio::test]
async fn p32_to_p34_a_bus_that_takes_nothing_is_503_with_a_delay() {
    let server =
        Server::start_with(|raw| raw.retry_after = runtime::config::Duration::from_millis(2500))
            .await;
    for (mode, status, code) in [
        (Mode::Fail, 503, 14),
        (Mode::QueueFull, 503, 14),
        // Permanent: sending it again would not help.
        (Mode::TooLarge, 500, 13),
    ] {
        server.bus.set(mode);
        for content_type in [PROTOBUF, JSON] {
            let body = if content_type == PROTOBUF {
                spans(5)
            } else {
                SPAN.into()
            };
            let answer = post(server.http, "/v1/traces", content_type, body).await;
            assert_refused(&format!("{mode:?}"), &answer, status, code, content_type.1);
            if status == 503 {
                assert_eq!(
                    answer.header("retry-after"),
                    "3",
                    "whole seconds, rounded up"
                );
            }
        }
    }
    assert_eq!(
        server.counter(ingest::names::REJECTED, "reason=\"bus\""),
        12
    );
    assert_eq!(
        server.counter(ingest::names::REJECTED, "reason=\"record\""),
        6
    );
    server.assert_counters_close();
}

#[tokio::test]
async fn p38_and_p39_both_encodings_on_one_connection_kept_alive_chunked_and_h2c() {
    let server = Server::start().await;
    let mut client = connect_h1(server.http).await;
    for (content_type, body) in [
        (PROTOBUF, Bytes::from(spans(1))),
        (JSON, SPAN.into()),
        (PROTOBUF, spans(1).into()),
    ] {
        let request = request(
            Version::HTTP_11,
            server.http,
            "POST",
            "/v1/traces",
            &[content_type],
            body,
        );
        client.ready().await.unwrap();
        assert_eq!(
            answer(client.send_request(request).await.unwrap())
                .await
                .status,
            200
        );
    }
    let mut client = connect_h2(server.http).await;
    for (content_type, body) in [(PROTOBUF, Bytes::from(spans(1))), (JSON, SPAN.into())] {
        let request = request(
            Version::HTTP_2,
            server.http,
            "POST",
            "/v1/traces",
            &[content_type],
            body,
        );
        assert_eq!(
            answer(client.send_request(request).await.unwrap())
                .await
                .status,
            200
        );
    }
    assert_eq!(server.bus.spans().len(), 5);
}

/// A body without a length, in pieces.
#[tokio::test]
async fn p39_chunked_bodies() {
    let server = Server::start_with(|raw| raw.request_bytes_max.0 = 100_000).await;
    let check = async |message: Vec<u8>, expected: u16| {
        let stream = tokio::net::TcpStream::connect(server.http).await.unwrap();
        let stream = hyper_util::rt::TokioIo::new(stream);
        let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let pieces: Vec<_> = message.chunks(1000).map(Bytes::copy_from_slice).collect();
        let body = StreamBody::new(Pieces(pieces.into_iter())).boxed();
        let request = ::http::Request::post("/v1/traces")
            .header("host", "test")
            .header(PROTOBUF.0, PROTOBUF.1);
        let response = client
            .send_request(request.body(body).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), expected);
    };
    check(spans(1), 200).await;
    check(spans(1000), 200).await;
    check(spans(2000), 413).await;
    check(vec![], 200).await;
    assert_eq!(server.bus.spans().len(), 1001);
    server.assert_counters_close();
}

/// A stream that is always ready.
struct Pieces(std::vec::IntoIter<Bytes>);

impl tonic::codegen::tokio_stream::Stream for Pieces {
    type Item = Result<Frame<Bytes>, std::convert::Infallible>;
    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
    }
}
