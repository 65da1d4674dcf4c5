//! `status`: who is to blame, by protocol, side and code.

use schemas::Signal;
use serde_json::{Value, json};

use crate::steps::{attribute, check, span, steps, traces};

const BOTH: &str = "steps: [{status: {http: true, grpc: true}}]\n";
const SERVER: u8 = 2;
const CLIENT: u8 = 3;

fn int(key: &str, value: i64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn with(kind: u8, status: u8, attributes: &[Value]) -> Value {
    let mut span = span(1, 0, "a", attributes);
    span["kind"] = json!(kind);
    if status != 0 {
        span["status"] = json!({"code": status});
    }
    traces(&[(&[], &[span])])
}

/// A span of that kind with the status `before` has `after` behind the step.
#[track_caller]
fn judged(yaml: &str, kind: u8, attributes: &[Value], before: u8, after: u8) {
    let request = with(kind, before, attributes);
    check(
        yaml,
        Signal::Traces,
        &request,
        &with(kind, after, attributes),
    );
}

#[test]
fn a_server_fails_from_500_on_and_a_client_from_400_on() {
    for key in ["http.response.status_code", "http.status_code"] {
        for (kind, code, after) in [
            (SERVER, 200, 0),
            (SERVER, 404, 0),
            (SERVER, 499, 0),
            (SERVER, 500, 2),
            (SERVER, 503, 2),
            (CLIENT, 302, 0),
            (CLIENT, 399, 0),
            (CLIENT, 400, 2),
            (CLIENT, 404, 2),
            (CLIENT, 500, 2),
            (1, 500, 0),
            (4, 500, 0),
        ] {
            judged(BOTH, kind, &[int(key, code)], 0, after);
            judged(BOTH, kind, &[attribute(key, &code.to_string())], 0, after);
        }
    }
}

/// The new name wins where a sender writes both, as with `OTEL_SEMCONV_STABILITY_OPT_IN=http/dup`.
#[test]
fn the_new_name_wins() {
    let both = [
        int("http.status_code", 500),
        int("http.response.status_code", 200),
    ];
    judged(BOTH, SERVER, &both, 0, 0);
    let both = [
        int("rpc.grpc.status_code", 13),
        attribute("rpc.response.status_code", "OK"),
    ];
    judged(BOTH, SERVER, &both, 0, 0);
}

#[test]
fn what_somebody_has_said_stays() {
    let failed = [int("http.response.status_code", 500)];
    judged(BOTH, SERVER, &failed, 1, 1);
    judged(BOTH, SERVER, &failed, 2, 2);
}

/// The message of a status without a code isn't lost.
#[test]
fn the_message_stays() {
    let status = |status: Value| {
        let mut request = with(CLIENT, 0, &[int("http.response.status_code", 404)]);
        request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["status"] = status;
        request
    };
    let before = status(json!({"message": "no such cart"}));
    let after = status(json!({"message": "no such cart", "code": 2}));
    check(BOTH, Signal::Traces, &before, &after);
}

#[test]
fn grpc_codes_are_judged_by_side() {
    let names = [
        ("OK", 0),
        ("CANCELLED", 1),
        ("UNKNOWN", 2),
        ("INVALID_ARGUMENT", 3),
        ("DEADLINE_EXCEEDED", 4),
        ("NOT_FOUND", 5),
        ("ALREADY_EXISTS", 6),
        ("PERMISSION_DENIED", 7),
        ("RESOURCE_EXHAUSTED", 8),
        ("FAILED_PRECONDITION", 9),
        ("ABORTED", 10),
        ("OUT_OF_RANGE", 11),
        ("UNIMPLEMENTED", 12),
        ("INTERNAL", 13),
        ("UNAVAILABLE", 14),
        ("DATA_LOSS", 15),
        ("UNAUTHENTICATED", 16),
    ];
    for (name, code) in names {
        let server = if [2, 4, 12, 13, 14, 15].contains(&code) {
            2
        } else {
            0
        };
        let client = if code == 0 { 0 } else { 2 };
        for said in [
            vec![int("rpc.grpc.status_code", code)],
            vec![attribute("rpc.grpc.status_code", &code.to_string())],
            vec![
                attribute("rpc.system.name", "grpc"),
                attribute("rpc.response.status_code", name),
            ],
            vec![attribute("rpc.response.status_code", &code.to_string())],
        ] {
            judged(BOTH, SERVER, &said, 0, server);
            judged(BOTH, CLIENT, &said, 0, client);
        }
    }
    for name in ["DeadlineExceeded", "Canceled"] {
        judged(
            BOTH,
            CLIENT,
            &[attribute("rpc.grpc.status_code", name)],
            0,
            2,
        );
    }
}

/// `-32602` of JSON-RPC, and what is no code at all.
#[test]
fn other_systems_are_left_alone() {
    let other = [
        attribute("rpc.system.name", "jsonrpc"),
        attribute("rpc.response.status_code", "-32602"),
    ];
    judged(BOTH, CLIENT, &other, 0, 0);
    judged(
        BOTH,
        CLIENT,
        &[attribute("rpc.grpc.status_code", "?")],
        0,
        0,
    );
    judged(BOTH, CLIENT, &[attribute("http.status_code", "4xx")], 0, 0);
}

#[test]
fn each_protocol_can_be_left_out() {
    let http = [int("http.response.status_code", 500)];
    let grpc = [int("rpc.grpc.status_code", 13)];
    let only = |key: &str| format!("steps: [{{status: {{{key}: false}}}}]\n");
    judged(&only("grpc"), SERVER, &http, 0, 2);
    judged(&only("grpc"), SERVER, &grpc, 0, 0);
    judged(&only("http"), SERVER, &http, 0, 0);
    judged(&only("http"), SERVER, &grpc, 0, 2);
    let report = steps("steps: [{status: {http: false, grpc: false}}]\n").unwrap_err();
    assert!(report.contains("steps[0].status"), "{report}");
    assert!(report.contains("does nothing"), "{report}");
}

/// Later steps see the status that was set, and earlier ones can correct it.
#[test]
fn the_status_is_that_of_the_span_from_then_on() {
    let yaml = r#"
steps:
  - transform: {trace_statements: ['set(span.attributes["http.response.status_code"], 500)']}
  - status: {}
  - filter: {trace_conditions: ['span.status.code != STATUS_CODE_ERROR']}
"#;
    let said = |code| [int("http.response.status_code", code)];
    check(
        yaml,
        Signal::Traces,
        &with(SERVER, 0, &said(200)),
        &with(SERVER, 2, &said(500)),
    );
}
