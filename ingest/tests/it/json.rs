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
    // p47
    accepted(
        &server,
        r#""start_time_unix_nano":"5","parent_span_id":"00""#,
        |span| (span.start_time_unix_nano, span.parent_span_id.len()),
        (0, 0),
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
        server.counter(runtime::names::INGEST_REJECTED, "reason=\"span_id\""),
        1
    );
    server.assert_counters_close();
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
