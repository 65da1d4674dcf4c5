//! Points 41 to 51: OTLP JSON.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::client::{JSON, post};
use crate::server::Server;

/// Sends one span with these JSON fields beside its ids.
async fn send(server: &Server, fields: &str) -> (u16, Vec<Span>) {
    let ids = r#""traceId":"0123456789abcdef0123456789ABCDEF","spanId":"0123456789AbCdEf""#;
    send_span(server, &format!("{ids},{fields}")).await
}

async fn send_span(server: &Server, fields: &str) -> (u16, Vec<Span>) {
    let before = server.bus.spans().len();
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    let answer = post(server.http, "/v1/traces", JSON, body).await;
    let spans = server
        .bus
        .spans()
        .into_iter()
        .skip(before)
        .map(|(_, span)| span)
        .collect();
    (answer.status.as_u16(), spans)
}

/// The field is taken and reads as expected from the bus.
async fn accepted<T: PartialEq + std::fmt::Debug>(
    server: &Server,
    fields: &str,
    read: impl Fn(&Span) -> T,
    expected: T,
) {
    let (status, spans) = send(server, fields).await;
    assert_eq!(status, 200, "{fields}");
    assert_eq!(spans.len(), 1, "{fields}");
    assert_eq!(read(&spans[0]), expected, "{fields}");
}

async fn invalid(server: &Server, fields: &str) {
    assert_eq!(send(server, fields).await, (400, vec![]), "{fields}");
}

#[tokio::test]
async fn p41_to_p48_fields() {
    let server = Server::start().await;
    let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    // p41
    accepted(
        &server,
        r#""name":"a""#,
        |span| (span.trace_id.clone(), span.span_id.clone()),
        ([bytes, bytes].concat(), bytes.to_vec()),
    )
    .await;
    // p42
    let (status, spans) = send_span(
        &server,
        r#""traceId":"ASNFZ4mrze8BI0VniavN7w==","spanId":"ASNFZ4mrze8=""#,
    )
    .await;
    assert_eq!((status, spans.len()), (400, 0));
    // p43, p44
    accepted(
        &server,
        r#""kind":2,"status":{"code":2}"#,
        |span| (span.kind, span.status.as_ref().unwrap().code),
        (2, 2),
    )
    .await;
    invalid(&server, r#""kind":"SPAN_KIND_SERVER""#).await;
    invalid(&server, r#""status":{"code":"STATUS_CODE_ERROR"}"#).await;
    // p45
    accepted(
        &server,
        r#""new":{"deep":[1,{}]},"status":{"new":1,"code":1}"#,
        |span| span.status.as_ref().unwrap().code,
        1,
    )
    .await;
    // p46
    for time in ["1700000000000000001", r#""1700000000000000001""#] {
        let fields = format!(r#""startTimeUnixNano":{time}"#);
        accepted(
            &server,
            &fields,
            |span| span.start_time_unix_nano,
            1_700_000_000_000_000_001,
        )
        .await;
    }
    // p47, more kindly than the specification has it
    accepted(
        &server,
        r#""start_time_unix_nano":"5","parent_span_id":"0000000000000001""#,
        |span| (span.start_time_unix_nano, span.parent_span_id.len()),
        (5, 8),
    )
    .await;
    // p48
    accepted(
        &server,
        r#""parentSpanId":"""#,
        |span| span.parent_span_id.len(),
        0,
    )
    .await;
    let (status, spans) = send_span(
        &server,
        r#""traceId":"0123456789abcdef0123456789abcdef","spanId":"""#,
    )
    .await;
    assert_eq!(
        (status, spans.len()),
        (200, 0),
        "rejected by partial success"
    );
    assert_eq!(
        server.counter(ingest::names::REJECTED, "reason=\"span_id\""),
        1
    );
    server.assert_counters_close();
}

const GOOD: &str =
    r#"{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","name":"good"}"#;

/// Sends this text as the request; the answer's `partialSuccess` and the names of the spans that were taken.
async fn send_text(server: &Server, text: impl Into<bytes::Bytes>) -> (u64, String, Vec<String>) {
    let before = server.bus.spans().len();
    let answer = post(server.http, "/v1/traces", JSON, text).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let partial = &answer["partialSuccess"];
    let rejected = partial["rejectedSpans"].as_str().unwrap_or("0");
    let message = partial["errorMessage"].as_str().unwrap_or_default();
    let spans = server.bus.spans().into_iter().skip(before);
    (
        rejected.parse().unwrap(),
        message.to_owned(),
        spans.map(|(_, span)| span.name).collect(),
    )
}

fn in_request(spans: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#)
}

/// Half characters and bytes that are no characters, wherever a string is.
#[tokio::test]
async fn half_characters_are_replaced() {
    let server = Server::start().await;
    for half in [
        &br"\ud83d"[..],
        br"\ude00",
        br"\uD83D\uD83D",
        b"\xff",
        b"\xed\xa0\xbd",
    ] {
        let other = GOOD.replace(
            r#""good""#,
            r#""cut X","attributes":[{"key":"X","value":{"stringValue":"12X"}}],"X":"X","status":{"message":"X"}"#,
        );
        let text = in_request(&format!("{GOOD},{other}"));
        let text: Vec<&[u8]> = text.split('X').map(str::as_bytes).collect();
        let (rejected, message, names) = send_text(&server, text.join(half)).await;
        assert_eq!((rejected, message.as_str()), (0, ""));
        let good = names.iter().filter(|name| *name == "good").count();
        let cut = names.iter().filter(|name| name.starts_with("cut \u{fffd}"));
        assert_eq!((good, cut.count(), names.len()), (1, 1, 2), "{names:?}");
    }
    server.assert_counters_close();
}

/// A value that can't be taken costs its span; in a resource, the resource's spans.
#[tokio::test]
async fn bad_values_cost_their_item() {
    let server = Server::start().await;
    let deep = format!(
        r#""attributes":[{{"key":"k","value":{}{{}}{}}}]"#,
        r#"{"arrayValue":{"values":["#.repeat(500),
        "]}}".repeat(500)
    );
    for field in [
        r#""droppedAttributesCount":-1"#,
        r#""droppedEventsCount":4294967296"#,
        r#""dropped_links_count":"-1""#,
        r#""startTimeUnixNano":1e999"#,
        r#""name":{"a":[1,{}]}"#,
        r#""name":5"#,
        r#""events":{}"#,
        r#""links":[{"flags":"x"}]"#,
        r#""attributes":[{"key":"k","value":{"doubleValue":-1e999}}]"#,
        &deep,
    ] {
        let bad = GOOD.replace(r#""name":"good""#, field);
        let (rejected, message, names) =
            send_text(&server, in_request(&format!("{bad},{GOOD}"))).await;
        assert_eq!((rejected, names), (1, vec!["good".to_owned()]), "{field}");
        assert!(
            message.contains("scopeSpans[0].spans[0]"),
            "{field}: {message}"
        );
    }
    let (rejected, _, names) = send_text(&server, in_request(&format!("null,7,{GOOD}"))).await;
    assert_eq!((rejected, names.len()), (2, 1));
    let text = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{GOOD},{GOOD}]}}],"resource":{{"droppedAttributesCount":-1}}}},{{"scopeSpans":[{{"scope":5,"spans":[{GOOD}]}},{{"spans":[{GOOD}]}}]}}]}}"#
    );
    let (rejected, _, names) = send_text(&server, text).await;
    assert_eq!((rejected, names.len()), (3, 1));
    let malformed = server.counter(ingest::names::REJECTED, "reason=\"malformed\"");
    assert_eq!(malformed, 15);
    server.assert_counters_close();
}

/// For metrics, `partial_success` counts data points.
#[tokio::test]
async fn rejected_points_are_counted() {
    let server = Server::start().await;
    let points = r#"{"dataPoints":[{"asInt":"1"},{"asInt":"2"}]}"#;
    let text = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":5,"gauge":{points}}},{{"name":"m","gauge":{points}}}]}}]}}]}}"#
    );
    let answer = post(server.http, "/v1/metrics", JSON, text).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedDataPoints"], "2");
    server.assert_counters_close();
}

/// Names that stand where telemetry should: told and counted, and nothing is lost without a word.
#[tokio::test]
async fn foreign_names_are_told() {
    let server = Server::start().await;
    let foreign = [
        (r#"{"one":"two"}"#, "`one`"),
        (r#"{"resourceLogs":[{"scopeLogs":[]}]}"#, "`resourceLogs`"),
        (
            r#"{"resourceSpans":[{"resource":{},"spans":[{}]}]}"#,
            "`spans`",
        ),
        (
            r#"{"resourceSpans":[{"scopeSpans":[{"logRecords":[{}]}]}]}"#,
            "`logRecords`",
        ),
    ];
    for (text, name) in foreign {
        let (rejected, message, names) = send_text(&server, text).await;
        assert_eq!((rejected, names.len()), (0, 0), "{text}");
        assert!(message.contains(name), "{text}: {message}");
    }
    let old = in_request(GOOD)
        .replace("scopeSpans", "instrumentationLibrarySpans")
        .replace(
            r#""spans""#,
            r#""instrumentationLibrary":{"name":"lib"},"spans""#,
        );
    let (rejected, message, names) = send_text(&server, old).await;
    assert_eq!((rejected, names), (0, vec!["good".to_owned()]));
    assert!(
        message.contains("`instrumentationLibrarySpans`"),
        "{message}"
    );
    let told = server.counter(ingest::names::UNRECOGNIZED, "traces");
    assert_eq!(told, foreign.len() as u64 + 1);

    let known = [
        "{}".to_owned(),
        r#"{"resourceSpans":[],"x":1}"#.to_owned(),
        in_request(
            &GOOD
                .replace("traceId", "trace_id")
                .replace("spanId", "span_id"),
        )
        .replace("resourceSpans", "resource_spans")
        .replace("scopeSpans", "scope_spans"),
    ];
    for text in known {
        let (_, message, _) = send_text(&server, text).await;
        assert_eq!(message, "");
    }
    assert_eq!(server.bus.spans().len(), 2);
    assert_eq!(server.counter(ingest::names::UNRECOGNIZED, ""), told);
}

#[tokio::test]
async fn p46_and_p49_to_p51_values() {
    let server = Server::start().await;
    let check = async |json: &str, expected: Option<&dyn Fn(&Value) -> bool>| {
        let fields = format!(r#""attributes":[{{"key":"k","value":{json}}}]"#);
        let (status, spans) = send(&server, &fields).await;
        assert_eq!(status, 200, "{json}");
        let value = spans[0].attributes[0]
            .value
            .as_ref()
            .and_then(|value| value.value.as_ref());
        match (value, expected) {
            (None, None) => {}
            (Some(value), Some(expected)) => assert!(expected(value), "{json}: {value:?}"),
            (value, _) => panic!("{json}: {value:?}"),
        }
    };
    check(
        r#"{"intValue":"-42"}"#,
        Some(&|value| *value == Value::IntValue(-42)),
    )
    .await;
    check(
        r#"{"intValue":-42}"#,
        Some(&|value| *value == Value::IntValue(-42)),
    )
    .await;
    check(
        r#"{"intValue":"9223372036854775807"}"#,
        Some(&|value| *value == Value::IntValue(i64::MAX)),
    )
    .await;
    check(
        r#"{"bytesValue":"AP8Q"}"#,
        Some(&|value| *value == Value::BytesValue(vec![0, 255, 16])),
    )
    .await;
    check(
        r#"{"doubleValue":1.5}"#,
        Some(&|value| *value == Value::DoubleValue(1.5)),
    )
    .await;
    check(
        r#"{"doubleValue":"NaN"}"#,
        Some(&|value| matches!(value, Value::DoubleValue(nan) if nan.is_nan())),
    )
    .await;
    check(
        r#"{"doubleValue":"-Infinity"}"#,
        Some(&|value| *value == Value::DoubleValue(f64::NEG_INFINITY)),
    )
    .await;
    check(
        r#"{"boolValue":false}"#,
        Some(&|value| *value == Value::BoolValue(false)),
    )
    .await;
    check(
        r#"{"stringValue":""}"#,
        Some(&|value| *value == Value::StringValue(String::new())),
    )
    .await;
    check("{}", None).await;
    let nested = r#"{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"in","value":{"intValue":1}}]}},{},{"stringValue":"x"}]}}"#;
    check(
        nested,
        Some(&|value| matches!(value, Value::ArrayValue(array) if array.values.len() == 3)),
    )
    .await;
    invalid(
        &server,
        r#""attributes":[{"key":"k","value":{"bytesValue":"no base64!"}}]"#,
    )
    .await;
    server.assert_counters_close();
}
