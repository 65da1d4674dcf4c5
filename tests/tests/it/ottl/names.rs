//! `set_semconv_span_name`: the name that the Collector's function gives a span, and the one that ours does.

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use ottl::Context;
use prost::Message;
use tests::Deadline;

use super::statements::{ours, plain, theirs};
use super::{Answer, Reference, number, seed};

/// Every attribute that the function asks for, and some that it doesn't.
const KEYS: &[&str] = &[
    "http.request.method",
    "http.method",
    "http.route",
    "url.template",
    "url.path",
    "rpc.system.name",
    "rpc.system",
    "rpc.method",
    "rpc.grpc.method",
    "rpc.service",
    "rpc.grpc.service",
    "db.system.name",
    "db.system",
    "db.query.summary",
    "db.operation.name",
    "db.operation",
    "db.namespace",
    "db.name",
    "db.collection.name",
    "db.stored_procedure.name",
    "server.address",
    "server.port",
    "messaging.system",
    "messaging.operation.name",
    "messaging.operation",
    "messaging.destination.temporary",
    "messaging.destination.anonymous",
    "messaging.destination.template",
    "messaging.destination.name",
    "messaging.destination",
    "original",
];

fn value(rng: &mut Rng) -> Option<Value> {
    Some(match rng.u8(..12) {
        0 => Value::StringValue(String::new()),
        1 => Value::IntValue(rng.i64(-5..9000)),
        2 | 3 => Value::BoolValue(rng.bool()),
        4 => Value::DoubleValue(rng.f64()),
        5 => Value::BytesValue(vec![rng.u8(..); 3]),
        6 => return None,
        _ => Value::StringValue(["GET", "/a/{b}", "grpc", "x.Y", "orders"][rng.usize(..5)].into()),
    })
}

fn request(rng: &mut Rng) -> ExportTraceServiceRequest {
    // About one family of attributes, so that later conventions get their turn.
    let family = ["http", "rpc", "db", "messaging", "s"][rng.usize(..5)];
    let likely = |key: &str| key.starts_with(family) || key.starts_with("server");
    let mut attributes = Vec::new();
    for key in KEYS {
        let odds = if likely(key) { 2 } else { 12 };
        if rng.u8(..odds) == 0 {
            attributes.push(KeyValue {
                key: (*key).into(),
                value: Some(AnyValue { value: value(rng) }),
                ..KeyValue::default()
            });
        }
    }
    let span = Span {
        name: ["", "as it came", "GET"][rng.usize(..3)].into(),
        kind: match rng.u8(..5) {
            0 => rng.i32(0..7),
            _ => rng.i32(2..6),
        },
        attributes,
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

#[test]
fn names_by_the_conventions_are_those_of_the_reference() {
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let seed = seed();
    println!("OTTL_SEED={seed}");
    let _deadline = Deadline::of_this_test();
    let mut rng = Rng::with_seed(seed);
    let cases = number("OTTL_CASES", 4000);
    let mut changed = 0;
    for case in 0..cases {
        let before = request(&mut rng);
        let bytes = before.encode_to_vec();
        let statement = [
            r#"set_semconv_span_name("1.37.0")"#,
            r#"set_semconv_span_name("1.40.0", "original")"#,
            r#"set_semconv_span_name(semconv_version="1.38", original_span_name_attribute="original")"#,
        ][rng.usize(..3)];
        let theirs = theirs(&mut reference, Context::Span, statement, &bytes);
        let ours = ours(Context::Span, statement, &bytes);
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
            panic!("case {case}: {before:?} is refused");
        };
        let plain = |request: &[u8]| plain(Context::Span, request).expect("a request");
        let ours = plain(&ours);
        assert_eq!(ours, plain(&theirs), "case {case}: {statement}");
        changed += u64::from(ours != plain(&bytes));
    }
    println!("{cases} spans: {changed} with another name");
    assert!(changed > cases / 8, "{changed} of {cases}");
}

#[test]
fn what_the_reference_refuses_is_refused() {
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let _deadline = Deadline::of_this_test();
    let bytes = request(&mut Rng::with_seed(1)).encode_to_vec();
    for statement in [
        r#"set_semconv_span_name()"#,
        r#"set_semconv_span_name("1.36.0")"#,
        r#"set_semconv_span_name("2.0.0")"#,
        r#"set_semconv_span_name("latest")"#,
        r#"set_semconv_span_name(1.37)"#,
        r#"set_semconv_span_name("1.37.0", "")"#,
        r#"set_semconv_span_name("1.37.0", "a", "b")"#,
    ] {
        let theirs = theirs(&mut reference, Context::Span, statement, &bytes);
        let ours = ours(Context::Span, statement, &bytes);
        assert!(
            matches!(theirs, Err(Answer::Refused(_))),
            "{statement}: {theirs:?}"
        );
        assert!(
            matches!(ours, Err(Answer::Refused(_))),
            "{statement}: {ours:?}"
        );
    }
}
