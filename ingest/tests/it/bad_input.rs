//! What senders get wrong: each a clear answer and a counter, and nothing else harmed.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value};
use prost::Message;
use tonic::Code;

use crate::bus::RECORD_BYTES_MAX;
use crate::client::{METRICS, PROTOBUF, TRACES, call, connect_h2, framed, grpc, post};
use crate::samples::{gauge, metrics, span, spans, text, traces};
use crate::server::Server;

#[tokio::test]
async fn a_request_of_100_mb_is_refused_and_others_go_on() {
    let server = Server::start().await;
    let huge = vec![0; 100 << 20];
    let mut client = connect_h2(server.grpc).await;
    let status = call(&mut client, server.grpc, TRACES, &[], framed(false, &huge))
        .await
        .grpc()
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let answer = post(server.http, "/v1/traces", PROTOBUF, huge).await;
    assert_eq!(answer.status, 413);
    assert_eq!(
        call(
            &mut client,
            server.grpc,
            TRACES,
            &[],
            framed(false, &spans(1))
        )
        .await
        .grpc()
        .unwrap(),
        ""
    );
    server.assert_counters_close();
}

#[tokio::test]
async fn an_item_above_the_record_limit_is_rejected_alone() {
    let server = Server::start().await;
    let mut large = span(1, 2);
    large.attributes = vec![text("large", &"x".repeat(RECORD_BYTES_MAX))];
    let response = grpc(
        server.grpc,
        TRACES,
        &traces(vec![span(1, 1), large, span(1, 3)]).encode_to_vec(),
    )
    .await
    .unwrap();
    let partial = ExportTraceServiceResponse::decode(response)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial
            .error_message
            .contains("above the limit of 1048576 bytes"),
        "{}",
        partial.error_message
    );
    assert_eq!(server.bus.spans().len(), 2);

    let mut large = gauge("load", 3);
    large.description = "x".repeat(RECORD_BYTES_MAX);
    let response = grpc(
        server.grpc,
        METRICS,
        &metrics("shop", vec![large, gauge("other", 1)]).encode_to_vec(),
    )
    .await
    .unwrap();
    let partial = ExportMetricsServiceResponse::decode(response)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_data_points, 3);
    server.assert_counters_close();
}

/// Small items and large resources by turns: no record exceeds what the bus takes, and every span arrives.
#[tokio::test]
async fn no_record_exceeds_the_limit() {
    let server =
        Server::start_with(|raw| raw.linger = runtime::config::Duration::from_millis(50)).await;
    let mut request = traces(vec![]);
    for index in 0..20_u8 {
        let (head, body) = if index % 2 == 0 {
            (10, 20_000)
        } else {
            (1_000_000, 10)
        };
        let spans = (1..=3).map(|id| {
            let mut span = span(1, id);
            span.attributes = vec![text("body", &"x".repeat(body))];
            span
        });
        let mut one = traces(spans.collect()).resource_spans.remove(0);
        let resource = one.resource.get_or_insert_default();
        resource
            .attributes
            .push(text(&format!("head {index}"), &"x".repeat(head)));
        request.resource_spans.push(one);
    }
    let request = request.encode_to_vec();
    assert_eq!(grpc(server.grpc, TRACES, &request).await.unwrap(), "");
    assert_eq!(server.bus.spans().len(), 60);
    for (_, record) in server.bus.records() {
        assert!(
            record.value.len() <= RECORD_BYTES_MAX,
            "{}",
            record.value.len()
        );
    }
    server.assert_counters_close();
}

#[tokio::test]
async fn strange_times_are_none_of_our_business() {
    let server = Server::start().await;
    let times = [
        (0, 0),
        (1, 0),
        (7_258_118_400_000_000_000, u64::MAX),
        (u64::MAX, 1),
        (5, 4),
    ];
    let strange = times.map(|(start, end)| {
        let mut span = span(1, 1);
        (span.start_time_unix_nano, span.end_time_unix_nano) = (start, end);
        span
    });
    assert_eq!(
        grpc(server.grpc, TRACES, &traces(strange.into()).encode_to_vec())
            .await
            .unwrap(),
        ""
    );
    let kept: Vec<_> = server
        .bus
        .spans()
        .iter()
        .map(|(_, span)| (span.start_time_unix_nano, span.end_time_unix_nano))
        .collect();
    assert_eq!(kept, times);
}

/// One sender's broken attribute must not make a record unreadable that holds other senders' spans.
#[tokio::test]
async fn what_consumers_could_not_decode_stays_outside() {
    let server = Server::start().await;
    let mut named = span(1, 1);
    named.attributes = vec![text("key", "value")];
    let good = traces(vec![named]).encode_to_vec();
    let at = good
        .windows(5)
        .position(|window| window == b"value")
        .unwrap();

    let mut not_utf8 = good.clone();
    not_utf8[at] = 0xff;
    let response = grpc(server.grpc, TRACES, &not_utf8).await.unwrap();
    let partial = ExportTraceServiceResponse::decode(response)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("UTF-8"));

    let mut broken = good.clone();
    // The length of the string, one too long for its AnyValue.
    broken[at - 1] += 1;
    assert_eq!(
        grpc(server.grpc, TRACES, &broken).await.unwrap_err().code(),
        Code::InvalidArgument
    );

    let mut deep = AnyValue::default();
    for _ in 0..200 {
        let array = ArrayValue { values: vec![deep] };
        deep = AnyValue {
            value: Some(any_value::Value::ArrayValue(array)),
        };
    }
    let mut nested = span(1, 1);
    nested.attributes = vec![text("deep", "")];
    nested.attributes[0].value = Some(deep);
    let nested = traces(vec![nested]).encode_to_vec();
    assert_eq!(
        grpc(server.grpc, TRACES, &nested).await.unwrap_err().code(),
        Code::InvalidArgument
    );

    assert_eq!(server.bus.records(), []);
    assert_eq!(grpc(server.grpc, TRACES, &good).await.unwrap(), "");
    server.assert_counters_close();
}

/// What is broken costs its item, or its resource: the others are kept, and the sender knows how many were not.
#[tokio::test]
async fn broken_items_cost_themselves() {
    let server = Server::start().await;
    let mut named = span(1, 2);
    named.attributes = vec![text("key", "victim")];
    let mut request = traces(vec![span(1, 1), named, span(1, 3)]);
    let mut other = traces(vec![span(2, 4), span(2, 5)]).resource_spans;
    let resource = other[0].resource.get_or_insert_default();
    resource.attributes = vec![text("key", "heads")];
    request.resource_spans.extend(other);
    let good = request.encode_to_vec();
    let damaged = |word: &[u8]| {
        let found = good.windows(word.len()).position(|window| window == word);
        let mut broken = good.clone();
        // The length of the string, one too long for its AnyValue.
        broken[found.unwrap() - 1] += 1;
        broken
    };
    for (word, rejected, kept) in [(&b"victim"[..], 1, 4), (b"heads", 2, 3)] {
        let before = server.bus.spans().len();
        let response = grpc(server.grpc, TRACES, &damaged(word)).await.unwrap();
        let partial = ExportTraceServiceResponse::decode(response).unwrap();
        let partial = partial.partial_success.unwrap();
        assert_eq!(partial.rejected_spans, rejected);
        assert!(partial.error_message.contains("could not be read"));
        assert_eq!(server.bus.spans().len() - before, kept);
    }
    let malformed = server.counter(ingest::names::REJECTED, "reason=\"malformed\"");
    assert_eq!(malformed, 3);
    server.assert_counters_close();
}

/// Fields, but none of OTLP's: taken, told and counted.
#[tokio::test]
async fn foreign_protobuf_is_told() {
    let server = Server::start().await;
    let response = grpc(server.grpc, TRACES, &[0x7a, 1, b'x']).await.unwrap();
    let partial = ExportTraceServiceResponse::decode(response).unwrap();
    let partial = partial.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 0);
    assert!(partial.error_message.contains("none of them is OTLP's"));
    let count = server.counter(ingest::names::UNRECOGNIZED, "traces");
    assert_eq!(count, 1);
    assert_eq!(grpc(server.grpc, TRACES, &[]).await.unwrap(), "");
}

/// Every prefix and many a mutation of a request: an answer each time, and never a connection lost.
#[tokio::test]
async fn mutations_are_answered() {
    let server = Server::start().await;
    let good = traces(vec![span(1, 1), span(2, 2)]).encode_to_vec();
    let mut client = connect_h2(server.grpc).await;
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 0xff;
        for message in [&good[..at], &flipped] {
            let answer = call(
                &mut client,
                server.grpc,
                TRACES,
                &[],
                framed(false, message),
            )
            .await;
            if let Err(status) = answer.grpc() {
                assert_eq!(status.code(), Code::InvalidArgument, "byte {at}: {status}");
            }
        }
    }
    // Whatever was taken can be decoded.
    server.bus.trace_requests();
    server.assert_counters_close();
}
