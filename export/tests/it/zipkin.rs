//! Zipkin itself: every id arrives, and one span that it can't have stops nobody.

use schemas::Signal;
use serde_json::json;
use tests::zipkin::Zipkin;

use crate::support::backend::{Backend, http};
use crate::support::telemetry::{from_json, spans};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, header, metric, open_bus, publish,
};

const SPANS: u64 = 2000;

#[test]
fn zipkin_has_every_span() {
    let Ok(zipkin) = Zipkin::start() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for first in (0..SPANS).step_by(40) {
        publish(
            &*bus,
            Signal::Traces,
            (first / 40 % 2) as u32,
            [spans(first..first + 40, 0)],
        );
    }
    // Hard to write; one without ids, which Zipkin can't have.
    let hard = "\u{0}\"\\\n\u{2028}ü\u{10ffff}";
    let pair = |key: &str, value: serde_json::Value| json!({"key": key, "value": value});
    let span = json!({
        "traceId": "ffffffffffffffffffffffffffffffff", "spanId": "ffffffffffffffff", "name": hard, "kind": 3,
        "startTimeUnixNano": "1705314600000000000", "endTimeUnixNano": "1705314600150000000", "status": {"code": 2},
        "attributes": [pair("k", json!({"stringValue": hard})), pair("k", json!({"intValue": "1"})), pair("", json!({"boolValue": true})),
            pair("net.peer.ip", json!({"stringValue": "::1"})), pair("nan", json!({"doubleValue": "NaN"}))],
        "events": [{"name": "e", "attributes": [pair("x", json!({"stringValue": hard}))]}],
        "links": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708"}]
    });
    let request =
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "no ids"}, span]}]}]});
    publish(
        &*bus,
        Signal::Traces,
        0,
        [from_json(Signal::Traces, request.to_string().as_bytes())],
    );
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: zipkin, signals: [traces], zipkin: {{endpoint: '{}'}}}}",
            zipkin.endpoint()
        )],
    );
    all_committed(&*bus, "zipkin", Signal::Traces);
    running.stop();
    let letters = dead_letters(&*bus);
    assert_eq!(letters.len(), 1);
    assert_eq!(header(&letters[0], "tailwater.dead.units"), "0..1");
    assert!(header(&letters[0], "tailwater.dead.reason").contains("without a valid trace id"));

    // It answers before it has stored them.
    let of_trace = |trace: u64| zipkin.trace(&format!("{trace:016x}"));
    for trace in 1..=SPANS / 4 {
        crate::support::eventually("the trace is there", || of_trace(trace).len() == 4);
        let mut ids: Vec<_> = of_trace(trace)
            .iter()
            .map(|span| span["id"].to_string())
            .collect();
        ids.sort_unstable();
        let expected = (4 * (trace - 1)..4 * trace).map(|id| format!("\"{:016x}\"", id + 1));
        assert_eq!(ids, expected.collect::<Vec<_>>());
    }
    let found = zipkin.trace(&"f".repeat(32));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["tags"]["k"], "1");
    assert_eq!(found[0]["tags"]["error"], "true");
    assert_eq!(found[0]["name"], hard.to_lowercase());
    assert_eq!(found[0]["remoteEndpoint"]["ipv6"], "::1");
}

/// Answers that a Zipkin that is well doesn't give.
#[test]
fn a_busy_zipkin_is_asked_again() {
    let scripted = Backend::start(|received| http(if received.repeated == 0 { 503 } else { 202 }));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..3, 0)]);
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: zipkin-busy, signals: [traces], zipkin: {{endpoint: 'http://{}/api/v2/spans'}}, {QUICK}}}",
            scripted.address
        )],
    );
    all_committed(&*bus, "zipkin-busy", Signal::Traces);
    running.stop();
    let received = scripted.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].path, "/api/v2/spans");
    assert_eq!(received[0].header("content-type"), "application/json");
    assert_eq!(received[0].header("content-encoding"), "gzip");
    assert_eq!(metric(export::names::DELIVERED, "zipkin-busy"), 3.0);
}
