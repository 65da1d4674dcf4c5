//! OTLP JSON against prost: both ways on random requests, and rule by rule on written ones.

use crate::generate::mutate;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message;
use schemas::Signal;
use schemas::json::{from_protobuf, to_protobuf};
use schemas::otlp::check_request;
use schemas::wire::{self, WireError};

/// Through JSON and back, as prost writes it.
fn there_and_back<M: Message + Default>(
    signal: Signal,
    request: &[u8],
) -> Result<Vec<u8>, WireError> {
    let mut json = b"before".to_vec();
    if let Err(error) = from_protobuf(signal, request, &mut json) {
        assert_eq!(json, b"before", "what was written before stays");
        return Err(error);
    }
    let json = &json[b"before".len()..];
    assert!(!json.contains(&b'\n'));
    let back = to_protobuf(signal, json)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(json)));
    Ok(M::decode(&*back).unwrap().encode_to_vec())
}

fn json_of(signal: Signal, request: &[u8]) -> String {
    let mut json = Vec::new();
    from_protobuf(signal, request, &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

/// A sound request comes back as it was; of a damaged one, what prost reads, or an error.
fn check<M: Message + Default>(rng: &mut Rng, signal: Signal, request: M) {
    let mut request = request.encode_to_vec();
    assert_eq!(there_and_back::<M>(signal, &request).as_ref(), Ok(&request));
    for _ in 0..4 {
        mutate(rng, &mut request);
        let result = there_and_back::<M>(signal, &request);
        if check_request(signal, &request).is_ok() {
            let back = result.unwrap();
            let model = M::decode(&*request).unwrap().encode_to_vec();
            // As JSON again: it has one NaN, protobuf has many.
            assert_eq!(json_of(signal, &back), json_of(signal, &model));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_request_survives_json(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let traces = crate::generate::traces(rng);
        check::<ExportTraceServiceRequest>(rng, Signal::Traces, traces);
        let logs = crate::generate::logs(rng);
        check::<ExportLogsServiceRequest>(rng, Signal::Logs, logs);
        let metrics = crate::generate::metrics(rng);
        check::<ExportMetricsServiceRequest>(rng, Signal::Metrics, metrics);
    }

    #[test]
    fn damaged_json_is_read_or_an_error(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let mut json = Vec::new();
        from_protobuf(Signal::Metrics, &crate::generate::metrics(rng).encode_to_vec(), &mut json).unwrap();
        mutate(rng, &mut json);
        if let Ok(request) = to_protobuf(Signal::Metrics, &json) {
            prop_assert_eq!(check_request(Signal::Metrics, &request), Ok(()));
        }
    }
}

/// A request with one span of these fields.
fn span(fields: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#)
}

fn read_span(fields: &str) -> Result<Span, String> {
    let request =
        to_protobuf(Signal::Traces, span(fields).as_bytes()).map_err(|e| e.to_string())?;
    let mut request = ExportTraceServiceRequest::decode(&*request).unwrap();
    Ok(request.resource_spans[0].scope_spans[0].spans.remove(0))
}

fn read_value(json: &str) -> Result<Option<Value>, String> {
    let span = read_span(&format!(r#""attributes":[{{"key":"k","value":{json}}}]"#))?;
    Ok(span.attributes[0]
        .value
        .clone()
        .and_then(|value| value.value))
}

fn error(fields: &str) -> String {
    read_span(fields).unwrap_err()
}

const SPAN: &str = "resourceSpans[0].scopeSpans[0].spans[0]";

#[test]
fn ids_are_hex_of_either_case_and_nothing_else() {
    let id: Vec<u8> = (0xa0..0xb0).collect();
    let lower = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
    for text in [
        lower,
        &lower.to_uppercase(),
        "a0A1a2A3a4A5a6A7a8A9aAabAcadaeaF",
    ] {
        let span = read_span(&format!(
            r#""traceId":"{text}","links":[{{"traceId":"{text}","spanId":"A0a1"}}]"#
        ))
        .unwrap();
        assert_eq!(span.trace_id, id);
        assert_eq!(span.links[0].trace_id, id);
        assert_eq!(span.links[0].span_id, [0xa0, 0xa1]);
    }
    assert_eq!(
        error(r#""traceId":"oKGio6SlpqeoqaqrrK2urw==""#),
        format!(
            "{SPAN}.traceId: expected a hex string (OTLP JSON has ids in hex, not base64), \
             found the string \"oKGio6SlpqeoqaqrrK2urw==\""
        )
    );
    assert!(
        error(r#""links":[{"spanId":"abc"}]"#).starts_with(&format!("{SPAN}.links[0].spanId: "))
    );
    assert!(error(r#""spanId":"0xa0a1a2a3""#).starts_with(&format!("{SPAN}.spanId: ")));
    assert!(error(r#""spanId":7"#).ends_with("found 7"));
}

#[test]
fn empty_ids_are_absent() {
    let span = read_span(r#""spanId":"","parentSpanId":"""#).unwrap();
    assert_eq!(span, Span::default());
}

#[test]
fn enums_are_integers() {
    let span = read_span(r#""kind":2,"status":{"code":2}"#).unwrap();
    assert_eq!((span.kind, span.status.unwrap().code), (2, 2));
    assert_eq!(read_span(r#""kind":77"#).unwrap().kind, 77);
    assert_eq!(
        error(r#""kind":"SPAN_KIND_SERVER""#),
        format!(
            "{SPAN}.kind: expected an integer (OTLP JSON has no enum names), \
             found the string \"SPAN_KIND_SERVER\""
        )
    );
    assert!(error(r#""status":{"code":"2"}"#).starts_with(&format!("{SPAN}.status.code: ")));
}

#[test]
fn unknown_fields_are_ignored_at_every_level() {
    let unknown = r#""x":{"name":[1,{"a":null}],"b":"\u00e9"},"end_time_unix_nano":5"#;
    let json = format!(
        r#"{{{unknown},"resourceSpans":[{{{unknown},"resource":{{{unknown}}},"scopeSpans":[{{{unknown},"scope":{{{unknown}}},
        "spans":[{{{unknown},"name":"n","attributes":[{{{unknown},"key":"k","value":{{{unknown},"intValue":1}}}}],
        "events":[{{{unknown}}}],"status":{{{unknown}}}}}]}}]}}]}}"#
    );
    let request = to_protobuf(Signal::Traces, json.as_bytes()).unwrap();
    let request = ExportTraceServiceRequest::decode(&*request).unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(span.name, "n");
    assert_eq!(span.end_time_unix_nano, 5, "snake_case is known");
    assert_eq!(
        span.attributes[0].value,
        Some(AnyValue {
            value: Some(Value::IntValue(1))
        })
    );
}

#[test]
fn integers_are_strings_or_numbers_within_their_range() {
    let time = |json: &str| {
        read_span(&format!(r#""startTimeUnixNano":{json}"#)).map(|s| s.start_time_unix_nano)
    };
    for json in ["1544712660300000000", r#""1544712660300000000""#] {
        assert_eq!(time(json), Ok(1_544_712_660_300_000_000));
    }
    for json in ["18446744073709551615", r#""18446744073709551615""#] {
        assert_eq!(time(json), Ok(u64::MAX));
    }
    for json in ["1e3", r#""1e3""#, "1000.0"] {
        assert_eq!(time(json), Ok(1_000));
    }
    for json in [
        "-1",
        r#""-1""#,
        "18446744073709551616",
        "0.5",
        r#""""#,
        r#"" 1""#,
        r#""+1""#,
        r#""inf""#,
        "true",
        "[]",
        "{}",
    ] {
        assert!(time(json).is_err(), "{json}");
    }
    for json in ["-9223372036854775808", r#""-9223372036854775808""#] {
        assert_eq!(
            read_value(&format!(r#"{{"intValue":{json}}}"#)),
            Ok(Some(Value::IntValue(i64::MIN)))
        );
    }
    assert!(read_value(r#"{"intValue":9223372036854775808}"#).is_err());
    assert_eq!(read_span(r#""flags":4294967295"#).unwrap().flags, u32::MAX);
    assert!(read_span(r#""flags":4294967296"#).is_err());
}

#[test]
fn values_of_every_kind() {
    let cases = [
        (r#"{}"#, None),
        (r#"null"#, None),
        (r#"{"stringValue":null}"#, None),
        (
            r#"{"stringValue":""}"#,
            Some(Value::StringValue(String::new())),
        ),
        (
            r#"{"stringValue":"\u017c\ud83d\ude00"}"#,
            Some(Value::StringValue("ż😀".to_owned())),
        ),
        (r#"{"boolValue":false}"#, Some(Value::BoolValue(false))),
        (r#"{"intValue":"0"}"#, Some(Value::IntValue(0))),
        (r#"{"doubleValue":0}"#, Some(Value::DoubleValue(0.0))),
        (
            r#"{"doubleValue":"Infinity"}"#,
            Some(Value::DoubleValue(f64::INFINITY)),
        ),
        (
            r#"{"doubleValue":"-Infinity"}"#,
            Some(Value::DoubleValue(f64::NEG_INFINITY)),
        ),
        (r#"{"doubleValue":"1.5"}"#, Some(Value::DoubleValue(1.5))),
        (r#"{"bytesValue":""}"#, Some(Value::BytesValue(vec![]))),
        (
            r#"{"bytesValue":"+/8="}"#,
            Some(Value::BytesValue(vec![0xfb, 0xff])),
        ),
        (
            r#"{"bytesValue":"-_8"}"#,
            Some(Value::BytesValue(vec![0xfb, 0xff])),
        ),
        (
            r#"{"arrayValue":{}}"#,
            Some(Value::ArrayValue(Default::default())),
        ),
        (
            r#"{"kvlistValue":{"values":[]}}"#,
            Some(Value::KvlistValue(Default::default())),
        ),
    ];
    for (json, value) in cases {
        assert_eq!(read_value(json), Ok(value), "{json}");
    }
    let nan = read_value(r#"{"doubleValue":"NaN"}"#).unwrap();
    assert!(matches!(nan, Some(Value::DoubleValue(value)) if value.is_nan()));
    let nested = r#"{"arrayValue":{"values":[{},{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":1}]}}}]}}]}}"#;
    let Ok(Some(Value::ArrayValue(array))) = read_value(nested) else {
        panic!("no array");
    };
    assert_eq!(array.values.len(), 2);
    for json in [
        r#"{"doubleValue":"nan"}"#,
        r#"{"doubleValue":"1e999"}"#,
        r#"{"bytesValue":"*"}"#,
        r#"{"boolValue":"true"}"#,
        r#"{"stringValue":1}"#,
        r#"{"arrayValue":[]}"#,
        r#"{"arrayValue":{"values":{}}}"#,
        r#"{"arrayValue":{"values":[null]}}"#,
    ] {
        assert!(read_value(json).is_err(), "{json}");
    }
}

#[test]
fn what_is_not_json_is_said_with_line_and_column() {
    let cases = [
        ("", "EOF while parsing a value at line 1 column 0"),
        (
            "[]",
            "invalid type: sequence, expected an OTLP JSON object at line 1 column 0",
        ),
        ("{} x", "trailing characters at line 1 column 4"),
        (
            "{\"resourceSpans\":[{]}",
            "key must be a string at line 1 column 20",
        ),
    ];
    for (json, message) in cases {
        let error = to_protobuf(Signal::Traces, json.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(to_protobuf(Signal::Traces, b"{}").unwrap(), b"");
    assert_eq!(
        to_protobuf(Signal::Logs, br#"{"resourceLogs":null}"#).unwrap(),
        b""
    );
}

/// What the Collector's own JSON looks like, read and written back.
#[test]
fn names_and_forms_are_those_of_the_specification() {
    let traces = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],"entityRefs":[{"schemaUrl":"u","type":"service","idKeys":["service.name"],"descriptionKeys":["d"]}]},"scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","traceState":"ot=th:8","parentSpanId":"eee19b7ec3c1b173","name":"GET /","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","attributes":[{"key":"n","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":0.1}}],"droppedAttributesCount":1,"events":[{"timeUnixNano":"1","name":"e"}],"links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","flags":256}],"status":{"message":"m","code":2},"flags":257}],"schemaUrl":"s"}],"schemaUrl":"r"}]}"#;
    let logs = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","severityNumber":9,"severityText":"INFO","body":{"kvlistValue":{"values":[{"key":"b","value":{"bytesValue":"AQI="}}]}},"flags":1,"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","observedTimeUnixNano":"2","eventName":"n"}]}]}]}"#;
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","description":"d","unit":"1","gauge":{"dataPoints":[{"timeUnixNano":"1","exemplars":[{"timeUnixNano":"1","spanId":"eee19b7ec3c1b174","traceId":"5b8efff798038103d269b633813fc60c","asInt":"3"}],"asInt":"-3"}]}},{"name":"s","sum":{"dataPoints":[{"asDouble":0.0,"attributes":[{"key":"k"}],"flags":1}],"aggregationTemporality":2,"isMonotonic":true}},{"name":"h","histogram":{"dataPoints":[{"startTimeUnixNano":"1","count":"3","sum":0.0,"bucketCounts":["1","2"],"explicitBounds":[0.5],"min":-1.0,"max":"Infinity"}],"aggregationTemporality":1}},{"name":"e","exponentialHistogram":{"dataPoints":[{"count":"3","scale":-2,"zeroCount":"1","positive":{"offset":-1,"bucketCounts":["1","0","1"]},"negative":{},"zeroThreshold":0.25}]}},{"name":"q","summary":{"dataPoints":[{"count":"1","sum":2.5,"quantileValues":[{"quantile":0.5,"value":"NaN"}]}]},"metadata":[{"key":"m"}]}]}]}]}"#;
    for (signal, json) in [
        (Signal::Traces, traces),
        (Signal::Logs, logs),
        (Signal::Metrics, metrics),
    ] {
        let request = to_protobuf(signal, json.as_bytes()).unwrap();
        assert_eq!(json_of(signal, &request), json);
    }
}

/// Spans are changed by appending fields: JSON shows what holds.
#[test]
fn appended_fields_hold() {
    let mut body = Vec::new();
    wire::put_len(&mut body, 5, b"before");
    wire::put_len(&mut body, 9, &[]);
    wire::put_len(&mut body, 15, &[0x12, 1, b'm']);
    wire::put_len(&mut body, 5, b"after");
    wire::put_len(&mut body, 9, &[]);
    wire::put_len(&mut body, 15, &[0x18, 2]);
    let mut request = body;
    for field in [2, 2, 1] {
        let mut outer = Vec::new();
        wire::put_len(&mut outer, field, &request);
        request = outer;
    }
    assert_eq!(
        json_of(Signal::Traces, &request),
        span(r#""name":"after","attributes":[{},{}],"status":{"message":"m","code":2}"#)
    );
}

/// A value in `depth` arrays, as protobuf.
fn nested(depth: usize) -> Vec<u8> {
    let mut value = Vec::new();
    for _ in 0..depth {
        for field in [1, 5] {
            let mut outer = Vec::new();
            wire::put_len(&mut outer, field, &value);
            value = outer;
        }
    }
    for field in [2, 6, 2, 2, 1] {
        let mut outer = Vec::new();
        wire::put_len(&mut outer, field, &value);
        value = outer;
    }
    value
}

#[test]
fn depth_is_limited_both_ways() {
    let deep = |depth: usize| {
        let open = r#"{"arrayValue":{"values":["#.repeat(depth);
        read_value(&format!("{open}{{}}{}", "]}}".repeat(depth)))
    };
    assert!(deep(30).is_ok());
    for depth in [50, 100_000] {
        assert!(deep(depth).unwrap_err().ends_with("nested too deep"));
    }
    // What is ignored is not followed.
    let ignored = format!(
        r#"{{"x":{}{}}}"#,
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    );
    assert_eq!(to_protobuf(Signal::Logs, ignored.as_bytes()).unwrap(), b"");

    for depth in [0, 30, 46, 47, 48, 49, 50, 5_000] {
        let request = nested(depth);
        let sound = ExportLogsServiceRequest::decode(&*request).is_ok();
        assert_eq!(
            check_request(Signal::Logs, &request).is_ok(),
            sound,
            "{depth}"
        );
        assert_eq!(
            from_protobuf(Signal::Logs, &request, &mut Vec::new()).is_ok(),
            sound,
            "{depth}"
        );
    }
}
