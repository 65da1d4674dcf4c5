//! Points 52 to 56: what becomes of the data.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{EntityRef, InstrumentationScope};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use schemas::partition_of;

use crate::bus::PARTITIONS;
use crate::client::{LOGS, METRICS, TRACES, grpc};
use crate::samples::{gauge, logs, metrics, resource, span, text, traces};
use crate::server::Server;

#[tokio::test]
async fn p52_bad_ids_cost_their_span_alone() {
    let server = Server::start().await;
    type Spoil = fn(&mut Span);
    let bad: [(&str, Spoil); 9] = [
        ("zero trace id", |span| span.trace_id = vec![0; 16]),
        ("empty trace id", |span| span.trace_id = vec![]),
        ("short trace id", |span| span.trace_id.truncate(15)),
        ("long trace id", |span| span.trace_id.push(1)),
        ("zero span id", |span| span.span_id = vec![0; 8]),
        ("empty span id", |span| span.span_id = vec![]),
        ("long span id", |span| span.span_id.push(1)),
        ("short parent", |span| span.parent_span_id = vec![1; 4]),
        ("long link", |span| {
            span.links = vec![Link {
                trace_id: vec![1; 17],
                ..Default::default()
            }]
        }),
    ];
    for (what, spoil) in bad {
        let mut spoilt = span(3, 3);
        spoil(&mut spoilt);
        let before = server.bus.spans().len();
        let request = traces(vec![span(1, 1), spoilt, span(2, 2)]).encode_to_vec();
        let response = grpc(server.grpc, TRACES, &request).await.unwrap();
        let partial = ExportTraceServiceResponse::decode(response)
            .unwrap()
            .partial_success
            .unwrap();
        assert_eq!(partial.rejected_spans, 1, "{what}");
        assert!(!partial.error_message.is_empty(), "{what}");
        assert_eq!(server.bus.spans().len(), before + 2, "{what}");
    }
    server.assert_counters_close();
}

/// Everything that a span can carry, p53's flags included.
fn full() -> ExportTraceServiceRequest {
    let mut full = span(7, 7);
    full.flags = 0xffff_fc00 | 0x301;
    full.trace_state = "ot=th:8;rv:0123456789abcd,vendor=x".into();
    full.parent_span_id = vec![9; 8];
    full.kind = 99;
    full.attributes = vec![text("a", "b"), text("a", "again")];
    full.dropped_attributes_count = 1;
    full.dropped_events_count = 2;
    full.dropped_links_count = 3;
    full.status = Some(Status {
        message: "größer".into(),
        code: 2,
    });
    full.events = vec![Event {
        name: "e".into(),
        time_unix_nano: 1,
        attributes: vec![text("x", "y")],
        dropped_attributes_count: 4,
    }];
    full.links = vec![Link {
        trace_id: vec![8; 16],
        span_id: vec![8; 8],
        trace_state: "a=b".into(),
        flags: u32::MAX,
        ..Default::default()
    }];
    let mut of = resource("shop").unwrap();
    of.dropped_attributes_count = 5;
    of.entity_refs = vec![EntityRef {
        schema_url: "e".into(),
        r#type: "service".into(),
        id_keys: vec!["service.name".into()],
        ..Default::default()
    }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(of),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "lib".into(),
                    version: "1".into(),
                    dropped_attributes_count: 6,
                    ..Default::default()
                }),
                spans: vec![full],
                schema_url: "https://scope".into(),
            }],
            schema_url: "https://resource".into(),
        }],
    }
}

#[tokio::test]
async fn p53_and_p54_spans_survive_byte_for_byte() {
    let server = Server::start().await;
    let sent = full();
    let bytes = sent.encode_to_vec();
    assert_eq!(grpc(server.grpc, TRACES, &bytes).await.unwrap(), "");
    let (_, record) = server.bus.records().remove(0);
    let body = sent.resource_spans[0].scope_spans[0].spans[0].encode_to_vec();
    assert!(
        record
            .value
            .windows(body.len())
            .any(|window| window == body)
    );
    assert_eq!(server.bus.trace_requests()[0].1, sent);
    assert_eq!(&*record.headers[0].name, "tailwater.version");
    assert_eq!(record.headers.len(), 1, "no tenant unless configured");
}

#[tokio::test]
async fn p55_empty_envelopes_are_tolerated_and_not_emitted() {
    let server = Server::start().await;
    let empty = ResourceSpans {
        resource: resource("empty"),
        scope_spans: vec![ScopeSpans::default()],
        ..Default::default()
    };
    let mut request = traces(vec![span(1, 1)]);
    request.resource_spans.insert(0, empty.clone());
    request.resource_spans.push(ResourceSpans::default());
    request.resource_spans[1]
        .scope_spans
        .push(ScopeSpans::default());
    assert_eq!(
        grpc(server.grpc, TRACES, &request.encode_to_vec())
            .await
            .unwrap(),
        ""
    );
    let only_empty = ExportTraceServiceRequest {
        resource_spans: vec![empty],
    };
    assert_eq!(
        grpc(server.grpc, TRACES, &only_empty.encode_to_vec())
            .await
            .unwrap(),
        ""
    );
    let requests = server.bus.trace_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].1, traces(vec![span(1, 1)]));
}

#[tokio::test]
async fn p56_a_duplicate_is_taken_again() {
    let server = Server::start().await;
    let request = traces(vec![span(1, 1), span(1, 1)]).encode_to_vec();
    for _ in 0..2 {
        assert_eq!(grpc(server.grpc, TRACES, &request).await.unwrap(), "");
    }
    assert_eq!(server.bus.spans().len(), 4);
    server.assert_counters_close();
}

#[tokio::test]
async fn a_trace_has_one_partition_for_spans_and_logs() {
    let server = Server::start().await;
    let all: Vec<_> = (1..=100).map(|trace| span(trace, 1)).collect();
    grpc(server.grpc, TRACES, &traces(all).encode_to_vec())
        .await
        .unwrap();
    let records = (1..=100).map(|trace| LogRecord {
        trace_id: vec![trace; 16],
        ..Default::default()
    });
    grpc(
        server.grpc,
        LOGS,
        &logs("shop", records.collect()).encode_to_vec(),
    )
    .await
    .unwrap();
    let spans = server.bus.spans();
    assert_eq!(spans.len(), 100);
    for (partition, span) in spans {
        assert_eq!(partition, partition_of(&span.trace_id, PARTITIONS));
    }
    let mut count = 0;
    for (partition, request) in server
        .bus
        .decoded::<ExportLogsServiceRequest>("tailwater.logs.raw")
    {
        for record in &request.resource_logs[0].scope_logs[0].log_records {
            assert_eq!(partition, partition_of(&record.trace_id, PARTITIONS));
            count += 1;
        }
    }
    assert_eq!(count, 100);
}

#[tokio::test]
async fn what_has_no_trace_goes_by_resource() {
    let server = Server::start().await;
    for service in ["shop", "cart", "mail", "shop"] {
        // An all-zero id on a log record is none.
        let records = vec![
            LogRecord::default(),
            LogRecord {
                trace_id: vec![0; 16],
                span_id: vec![0; 8],
                ..Default::default()
            },
        ];
        assert_eq!(
            grpc(server.grpc, LOGS, &logs(service, records).encode_to_vec())
                .await
                .unwrap(),
            ""
        );
        let sent = metrics(service, vec![gauge("load", 2), gauge("temperature", 1)]);
        assert_eq!(
            grpc(server.grpc, METRICS, &sent.encode_to_vec())
                .await
                .unwrap(),
            ""
        );
    }
    let of = |service| partition_of(&resource(service).unwrap().encode_to_vec(), PARTITIONS);
    let mut expected: Vec<_> = ["shop", "cart", "mail", "shop"].map(of).into();
    expected.sort_unstable();
    let sorted = |mut partitions: Vec<u32>| {
        partitions.sort_unstable();
        partitions
    };
    let logs = server
        .bus
        .decoded::<ExportLogsServiceRequest>("tailwater.logs.raw");
    assert_eq!(
        sorted(logs.iter().map(|(partition, _)| *partition).collect()),
        expected
    );
    let metrics = server
        .bus
        .decoded::<ExportMetricsServiceRequest>("tailwater.metrics.raw");
    assert_eq!(
        sorted(metrics.iter().map(|(partition, _)| *partition).collect()),
        expected
    );

    let wrong = vec![
        LogRecord {
            trace_id: vec![1; 5],
            ..Default::default()
        },
        LogRecord::default(),
    ];
    let response = grpc(
        server.grpc,
        LOGS,
        &crate::samples::logs("shop", wrong).encode_to_vec(),
    )
    .await
    .unwrap();
    let partial = ExportLogsServiceResponse::decode(response)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    server.assert_counters_close();
}
