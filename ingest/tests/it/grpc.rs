//! Points 1 to 15: the gRPC server.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::Code;

use crate::bus::Mode;
use crate::client::{LOGS, METRICS, TRACES, call, connect_h2, details, framed, grpc};
use crate::samples::{gauge, gzip, logs, metrics, span, spans, text, traces, zstd};
use crate::server::Server;

#[tokio::test]
async fn p01_an_empty_request_is_ok_and_p02_success_leaves_partial_success_unset() {
    let server = Server::start().await;
    for (path, message) in [
        (TRACES, vec![]),
        (LOGS, vec![]),
        (METRICS, vec![]),
        (TRACES, spans(10)),
        (LOGS, logs("shop", vec![Default::default()]).encode_to_vec()),
        (
            METRICS,
            metrics("shop", vec![gauge("load", 1)]).encode_to_vec(),
        ),
    ] {
        assert_eq!(
            grpc(server.grpc, path, &message).await.unwrap(),
            "",
            "{path}"
        );
    }
    let published = |signal| server.counter(ingest::names::PUBLISHED, signal);
    assert_eq!(
        (published("traces"), published("logs"), published("metrics")),
        (10, 1, 1)
    );
    server.assert_counters_close();
}

#[tokio::test]
async fn p03_rejected_items_are_counted_with_a_message() {
    let server = Server::start().await;
    let mut bad = span(1, 2);
    bad.span_id.clear();
    let request = traces(vec![span(1, 1), bad, span(0, 3), span(2, 4)]).encode_to_vec();
    let response = grpc(server.grpc, TRACES, &request).await.unwrap();
    let partial = ExportTraceServiceResponse::decode(response)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert!(
        partial.error_message.contains("1 spans with a trace_id"),
        "{}",
        partial.error_message
    );
    assert!(
        partial.error_message.contains("1 spans with a span_id"),
        "{}",
        partial.error_message
    );
    assert_eq!(server.bus.spans().len(), 2);
    assert_eq!(
        server.counter(ingest::names::REJECTED, "reason=\"trace_id\""),
        1
    );
    server.assert_counters_close();
}

/// A rejected metric without points: nothing to count in the answer's unit, but something to say.
#[tokio::test]
async fn p04_a_warning_has_no_count_but_a_message() {
    let server = Server::start().await;
    let mut message = metrics("shop", vec![gauge("load", 0)]).encode_to_vec();
    let at = message.windows(4).position(|four| four == b"load").unwrap();
    message[at] = 0xff;
    let response = grpc(server.grpc, METRICS, &message).await.unwrap();
    let partial = ExportMetricsServiceResponse::decode(response)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_data_points, 0);
    assert!(partial.error_message.contains("not UTF-8"));
    server.assert_counters_close();
}

#[tokio::test]
async fn p05_identity_gzip_and_zstd_are_accepted() {
    let server = Server::start().await;
    let message = spans(10);
    let mut client = connect_h2(server.grpc).await;
    for (encoding, body) in [
        ("identity", framed(false, &message)),
        ("gzip", framed(true, &gzip(&message))),
        ("zstd", framed(true, &zstd(&message))),
        // An encoding that this message does without.
        ("gzip", framed(false, &message)),
    ] {
        let answer = call(
            &mut client,
            server.grpc,
            TRACES,
            &[("grpc-encoding", encoding)],
            body,
        )
        .await;
        assert_eq!(answer.grpc().unwrap(), "", "{encoding}");
    }
    assert_eq!(server.bus.spans().len(), 40);
    // Others are answered with what is supported.
    let answer = call(
        &mut client,
        server.grpc,
        TRACES,
        &[("grpc-encoding", "snappy")],
        framed(true, &message),
    )
    .await;
    assert_eq!(answer.grpc().unwrap_err().code(), Code::Unimplemented);
    assert_eq!(
        answer.header("grpc-accept-encoding"),
        "identity,gzip,deflate,zstd"
    );
}

#[tokio::test]
async fn p06_the_size_limit_holds_before_and_after_decompression_and_p07_is_configurable() {
    let server = Server::start_with(|raw| raw.request_bytes_max.0 = 100_000).await;
    let mut client = connect_h2(server.grpc).await;
    let large = traces(vec![{
        let mut span = span(1, 1);
        span.attributes = vec![text("large", &"x".repeat(100_000))];
        span
    }])
    .encode_to_vec();
    for (encoding, body) in [
        ("identity", framed(false, &large)),
        ("gzip", framed(true, &gzip(&large))),
        ("zstd", framed(true, &zstd(&large))),
    ] {
        let answer = call(
            &mut client,
            server.grpc,
            TRACES,
            &[("grpc-encoding", encoding)],
            body,
        )
        .await;
        let status = answer.grpc().unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{encoding}");
        assert!(status.message().contains("100000 bytes"), "{status}");
        assert!(
            status.details().is_empty(),
            "no RetryInfo: the request is never going to fit"
        );
    }
    assert_eq!(
        server.counter(ingest::names::REFUSED_REQUESTS, "too_large"),
        3
    );
    assert_eq!(ingest::RawConfig::default().request_bytes_max.0, 64 << 20);
    // Just below the limit.
    assert_eq!(grpc(server.grpc, TRACES, &spans(1000)).await.unwrap(), "");
    server.assert_counters_close();
}

#[tokio::test]
async fn p08_overload_is_unavailable_with_a_delay_and_p09_never_resource_exhausted() {
    let server = Server::start_with(|raw| {
        raw.request_bytes_max.0 = 400_000;
        raw.memory_limit.0 = 1_600_000;
    })
    .await;
    server.bus.set(Mode::Hold);
    let message = spans(5000);
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let (grpc_address, message) = (server.grpc, message.clone());
            tokio::spawn(async move { grpc(grpc_address, TRACES, &message).await })
        })
        .collect();
    // The first ones wait for the bus; soon there is no room for more.
    let status = loop {
        let mut client = connect_h2(server.grpc).await;
        let answer = tokio::time::timeout(
            std::time::Duration::from_millis(100),
            call(
                &mut client,
                server.grpc,
                TRACES,
                &[],
                framed(false, &message),
            ),
        );
        if let Ok(answer) = answer.await {
            break answer.grpc().unwrap_err();
        }
    };
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(details(&status).retry_seconds(), Some(1));
    server.bus.set(Mode::Acknowledge);
    server.bus.release();
    for call in waiting {
        if let Err(status) = call.await.unwrap() {
            assert_eq!(status.code(), Code::Unavailable);
        }
    }
}

#[tokio::test]
async fn p10_bad_data_is_an_invalid_argument_and_p11_garbage_is_not_retryable() {
    let server = Server::start().await;
    let mut truncated = spans(3);
    truncated.pop();
    let mut client = connect_h2(server.grpc).await;
    for (what, body) in [
        ("garbage", framed(false, b"\xff\xff\xff\xff garbage")),
        ("truncated", framed(false, &truncated)),
        ("json", framed(false, br#"{"resourceSpans": []}"#)),
        ("no message", "".into()),
        ("half a prefix", framed(false, b"").slice(..3)),
        ("a short message", framed(false, &spans(3)).slice(..50)),
        (
            "two messages",
            [framed(false, b""), framed(false, b"")].concat().into(),
        ),
        (
            "an unknown flag",
            [&[7][..], &framed(false, b"")[1..]].concat().into(),
        ),
        ("compressed by nothing", framed(true, b"")),
    ] {
        let status = call(&mut client, server.grpc, TRACES, &[], body)
            .await
            .grpc()
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
        assert!(details(&status).detail("BadRequest").is_some(), "{what}");
    }
    let answer = call(
        &mut client,
        server.grpc,
        TRACES,
        &[("grpc-encoding", "gzip")],
        framed(true, b"no gzip"),
    )
    .await;
    assert_eq!(answer.grpc().unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(server.bus.records(), [], "nothing of it came through");
    // The connection has taken no harm.
    let answer = call(
        &mut client,
        server.grpc,
        TRACES,
        &[],
        framed(false, &spans(1)),
    )
    .await;
    assert_eq!(answer.grpc().unwrap(), "");
    server.assert_counters_close();
}

#[tokio::test]
async fn p12_responses_are_small_whatever_was_rejected() {
    let server = Server::start().await;
    let rejected = traces(vec![span(0, 1); 50_000]).encode_to_vec();
    let response = grpc(server.grpc, TRACES, &rejected).await.unwrap();
    assert!(response.len() < 1000, "{}", response.len());
    let partial = ExportTraceServiceResponse::decode(response)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 50_000);
}

#[tokio::test]
async fn p13_fields_of_a_newer_protocol_are_preserved() {
    let server = Server::start().await;
    // Field 200, a string, at the end of a span; its parents grow by as much.
    let unknown = [0xc2, 0x0c, 3, b'n', b'e', b'w'];
    let body = [span(1, 1).encode_to_vec(), unknown.to_vec()].concat();
    let nest = |field: u8, body: &[u8]| [&[field << 3 | 2, body.len() as u8], body].concat();
    let message = nest(1, &nest(2, &nest(2, &body)));
    assert_eq!(grpc(server.grpc, TRACES, &message).await.unwrap(), "");
    let (_, record) = server.bus.records().remove(0);
    assert!(
        record
            .value
            .windows(body.len())
            .any(|window| window == body)
    );
}

#[tokio::test]
async fn p14_many_calls_in_flight() {
    let server = Server::start().await;
    let client = connect_h2(server.grpc).await;
    let calls: Vec<_> = (0..500)
        .map(|_| {
            let (mut client, address) = (client.clone(), server.grpc);
            tokio::spawn(async move {
                call(&mut client, address, TRACES, &[], framed(false, &spans(20)))
                    .await
                    .grpc()
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "");
    }
    assert_eq!(server.bus.spans().len(), 10_000);
    let records = server.bus.records().len();
    assert!(records < 1000, "requests share records: {records}");
    server.assert_counters_close();
}

#[tokio::test]
async fn p15_what_is_not_a_signal_of_ours_is_unimplemented() {
    let server = Server::start().await;
    for path in [
        "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Import",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        assert_eq!(
            grpc(server.grpc, path, b"").await.unwrap_err().code(),
            Code::Unimplemented,
            "{path}"
        );
    }
    // Not gRPC at all: HTTP's own answer, as gRPC wants it.
    let mut client = connect_h2(server.grpc).await;
    let request = crate::client::request(
        ::http::Version::HTTP_2,
        server.grpc,
        "POST",
        TRACES,
        &[crate::client::JSON],
        "{}",
    );
    let answer = crate::client::answer(client.send_request(request).await.unwrap()).await;
    assert_eq!(answer.status, 415);
}
