//! Records as clients write them, and where ours differs from the Collector: it loses nothing that the record says.

use ingest::Format;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

use super::ours;

/// What Zipkin's documentation calls a client and a server that share a span id.
const SHARED: &str = r#"[
  {"traceId": "86154a4ba6e91385", "parentId": "86154a4ba6e91385", "id": "4d1e00c0db9010db", "kind": "CLIENT",
   "name": "get", "timestamp": 1472470996199000, "duration": 207000,
   "localEndpoint": {"serviceName": "frontend", "ipv6": "7::0.128.128.127"},
   "remoteEndpoint": {"serviceName": "backend", "ipv4": "192.168.99.101", "port": 9000},
   "annotations": [{"timestamp": 1472470996238000, "value": "foo"}, {"timestamp": 1472470996403000, "value": "bar"}],
   "tags": {"http.path": "/api", "clnt/finagle.version": "6.45.0"}},
  {"traceId": "86154a4ba6e91385", "parentId": "86154a4ba6e91385", "id": "4d1e00c0db9010db", "kind": "SERVER",
   "name": "get", "timestamp": 1472470996250000, "duration": 100000, "shared": true,
   "localEndpoint": {"serviceName": "backend", "ipv4": "192.168.99.101", "port": 9000},
   "tags": {"error": "timeout"}}
]"#;

/// As the Java client writes to Kafka by way of Jaeger's collector.
const JAEGER: &str = r#"{
  "traceId": "AAAAAAAAAAAAAAAAAAAAEQ==", "spanId": "AAAAAAAAABI=", "operationName": "charge",
  "references": [{"traceId": "AAAAAAAAAAAAAAAAAAAAEQ==", "spanId": "AAAAAAAAABM="}],
  "flags": 1, "startTime": "2026-11-30T02:15:00.250Z", "duration": "0.100s",
  "tags": [{"key": "span.kind", "vStr": "server"}, {"key": "error", "vType": "BOOL", "vBool": true},
           {"key": "retries", "vType": "INT64", "vInt64": "3"}],
  "logs": [{"timestamp": "2026-11-30T02:15:00.300Z", "fields": [{"key": "event", "vStr": "declined"}]}],
  "process": {"serviceName": "till", "tags": [{"key": "hostname", "vStr": "h7"}]}
}"#;

fn spans(format: Format, record: &str) -> Vec<(Vec<KeyValue>, Span)> {
    let translated = ours(format, record.as_bytes()).unwrap();
    let one = |mut of_resource: ResourceSpans| {
        let span = of_resource.scope_spans.remove(0).spans.remove(0);
        (of_resource.resource.unwrap().attributes, span)
    };
    translated.into_iter().map(one).collect()
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        other => Some(format!("{other:?}")),
    }
}

#[test]
fn a_client_and_a_server_of_zipkin() {
    let both = spans(Format::ZipkinJson, SHARED);
    let of = |service: &str| {
        let found = (both.iter())
            .find(|(resource, _)| text(resource, "service.name").as_deref() == Some(service));
        &found.unwrap().1
    };
    let (client, server) = (of("frontend"), of("backend"));
    assert_eq!(client.span_id, server.span_id);
    assert_eq!(client.trace_id[..8], [0; 8]);
    assert_eq!((client.kind, server.kind), (3, 2));
    assert_eq!(client.start_time_unix_nano, 1_472_470_996_199_000_000);
    assert_eq!(
        client.end_time_unix_nano - client.start_time_unix_nano,
        207_000_000
    );
    assert_eq!(
        text(&client.attributes, "network.local.address").as_deref(),
        Some("7::80:807f")
    );
    assert_eq!(client.events[1].name, "bar");
    assert_eq!(server.status.as_ref().unwrap().code, 2);
    assert_eq!(
        text(&server.attributes, "error").as_deref(),
        Some("timeout")
    );
}

#[test]
fn a_span_of_jaeger() {
    let [(resource, span)] = &spans(Format::JaegerJson, JAEGER)[..] else {
        panic!("it is one")
    };
    assert_eq!(text(resource, "service.name").as_deref(), Some("till"));
    assert_eq!(text(resource, "host.name").as_deref(), Some("h7"));
    assert_eq!(
        (span.trace_id[15], span.span_id[7], span.parent_span_id[7]),
        (0x11, 0x12, 0x13)
    );
    assert_eq!((span.kind, span.status.as_ref().unwrap().code), (2, 2));
    assert_eq!(span.events[0].name, "declined");
    assert_eq!(
        span.end_time_unix_nano - span.start_time_unix_nano,
        100_000_000
    );
    assert!(span.links.is_empty());
}

/// What the Collector would lose, refuse or make up.
#[test]
fn nothing_is_lost_that_the_record_says() {
    // Without a service, the tags that are about the resource.
    let alone = r#"[{"traceId": "1", "id": "2", "timestamp": 1, "tags": {"host.name": "h"}}]"#;
    let (resource, _) = &spans(Format::ZipkinJson, alone)[0];
    assert_eq!(text(resource, "host.name").as_deref(), Some("h"));
    // Two pods of a service in one record.
    let pod = |id, pod| {
        format!(
            r#"{{"traceId": "1", "id": "{id}", "timestamp": 1, "localEndpoint": {{"serviceName": "s"}}, "tags": {{"k8s.pod.name": "{pod}"}}}}"#
        )
    };
    let two = format!("[{}, {}]", pod(2, "a"), pod(3, "b"));
    let mut pods: Vec<_> = (spans(Format::ZipkinJson, &two).iter())
        .map(|(resource, span)| (span.span_id[7], text(resource, "k8s.pod.name").unwrap()))
        .collect();
    pods.sort();
    assert_eq!(pods, [(2, "a".to_owned()), (3, "b".to_owned())]);
    // Bars in a text that nobody wrote for us.
    let bars = r#"[{"traceId": "1", "id": "2", "timestamp": 1, "annotations": [{"timestamp": 1, "value": "a|b|c"}], "tags": {"otlp.link.0": "x|y"}}]"#;
    let (_, span) = &spans(Format::ZipkinJson, bars)[0];
    assert_eq!(span.events[0].name, "a|b|c");
    assert_eq!(
        text(&span.attributes, "otlp.link.0").as_deref(),
        Some("x|y")
    );
    // A number that no integer holds.
    let big = r#"[{"traceId": "1", "id": "2", "timestamp": 1, "annotations": [{"timestamp": 1, "value": "a|{\"n\":1e300}|0"}]}]"#;
    let (_, span) = &spans(Format::ZipkinJson, big)[0];
    let big = text(&span.events[0].attributes, "n");
    assert_eq!(big.as_deref(), Some("DoubleValue(1e300)"));
    // Ids of 64 bits in protobuf.
    let mut short = vec![10, 20, 10, 8];
    short.extend([7; 8]);
    short.extend([26, 8]);
    short.extend([9; 8]);
    let short = ours(Format::ZipkinProto, &short).unwrap();
    assert_eq!(
        short[0].scope_spans[0].spans[0].trace_id,
        [[0; 8], [7; 8]].concat()
    );
    // A span of Jaeger without a start begins with the epoch, not in the year 2339.
    let (_, span) = &spans(Format::JaegerJson, r#"{"spanId": "AAAAAAAAABI="}"#)[0];
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (0, 0));
}

/// The text is what is read in a dead letter: it says where, and what was expected.
#[test]
fn faults_are_told_with_their_place() {
    let check = |format: Format, record: &[u8], parts: &[&str]| {
        let told = ours(format, record).unwrap_err();
        for part in parts {
            assert!(told.contains(part), "{told}");
        }
    };
    // The JSON of Jaeger's user interface is another one.
    check(
        Format::JaegerJson,
        br#"{"traceID": "11"}"#,
        &["no field `traceID`", "column"],
    );
    check(
        Format::JaegerJson,
        br#"{"startTime": 5}"#,
        &["expected a string, found a number"],
    );
    check(
        Format::JaegerJson,
        br#"{"tags": {}}"#,
        &["expected an array, found an object"],
    );
    check(Format::JaegerJson, br#"{} {}"#, &["trailing"]);
    check(
        Format::JaegerProto,
        &[10, 3, 1, 2, 3],
        &["trace_id: 3 bytes, not 16 or 8"],
    );
    check(
        Format::JaegerProto,
        &[66, 3, 10, 1, 255],
        &["tags[0].key: not UTF-8"],
    );
    check(
        Format::ZipkinJson,
        br#"{"traceId": "1"}"#,
        &["expected an array, found an object"],
    );
    check(
        Format::ZipkinJson,
        br#"[{"traceId": "xyz"}]"#,
        &["`xyz` is no id of up to 32"],
    );
    check(
        Format::ZipkinJson,
        br#"[{"annotations": [{}]}]"#,
        &["spans[0].annotations[0]: it has no timestamp"],
    );
    check(
        Format::ZipkinProto,
        &[10, 4, 26, 2, 1, 2],
        &["spans[0].id: 2 bytes, not 8"],
    );
    check(
        Format::OtlpJson,
        br#"{"resourceSpans": 5}"#,
        &["resourceSpans: expected an array"],
    );
}

/// Characters that were cut in half, and bytes that are no text.
#[test]
fn almost_json_is_mended() {
    let half = r#"[{"traceId": "1", "id": "2", "timestamp": 1, "name": "\ud83d"}]"#;
    let (_, span) = &spans(Format::ZipkinJson, half)[0];
    assert_eq!(span.name, "\u{fffd}");
}
