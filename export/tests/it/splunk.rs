//! Splunk's HTTP Event Collector, as documented: there is no Splunk to test with, so a stub holds to its answers.

use std::sync::Mutex;

use bytes::Bytes;
use schemas::Signal;
use serde_json::{Value, json};

use crate::support::backend::{Answer, Backend, Received};
use crate::support::telemetry::{from_json, one_log};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, eventually, header, metric, open_bus, publish,
};

/// The events of a request, as Splunk reads them: objects, one behind the other.
fn events(body: &[u8]) -> Vec<Value> {
    let events = serde_json::Deserializer::from_slice(body).into_iter();
    events.map(Result::unwrap).collect()
}

fn said(status: u16, body: Value) -> Answer {
    Answer::Http(status, vec![], Bytes::from(body.to_string()))
}

/// What the documentation says of a request with a token `hunter2`, which may write to the index `main` only.
fn collector(received: &Received, token: &str) -> Answer {
    assert_eq!(received.path, "/services/collector");
    match received.header("authorization") {
        "" => return said(401, json!({"text": "Token is required", "code": 2})),
        given if !given.starts_with("Splunk ") => {
            return said(401, json!({"text": "Invalid authorization", "code": 3}));
        }
        given if given != format!("Splunk {token}") => {
            return said(403, json!({"text": "Invalid token", "code": 4}));
        }
        _ => {}
    }
    let events = events(&received.body);
    if events.is_empty() {
        return said(400, json!({"text": "No data", "code": 5}));
    }
    for (number, event) in events.iter().enumerate() {
        let refused = |text: &str, code: u32| {
            said(
                400,
                json!({"text": text, "code": code, "invalid-event-number": number}),
            )
        };
        let fields = event["fields"].as_object();
        let is_flat = |value: &Value| match value {
            Value::Object(_) | Value::Null => false,
            Value::Array(all) => !all
                .iter()
                .any(|value| value.is_object() || value.is_array()),
            _ => true,
        };
        match &event["event"] {
            Value::Null => return refused("Event field is required", 12),
            Value::String(text) if text.is_empty() => {
                return refused("Event field cannot be blank", 13);
            }
            _ => {}
        }
        if !fields
            .into_iter()
            .flatten()
            .all(|(_, value)| is_flat(value))
        {
            return refused("Error in handling indexed fields", 15);
        }
        if !matches!(event["index"].as_str(), None | Some("main")) {
            return refused("Incorrect index", 7);
        }
    }
    said(200, json!({"text": "Success", "code": 0}))
}

fn backend(name: &str, scripted: &Backend, token: &str) -> String {
    format!(
        "{{name: {name}, signals: [logs], splunk_hec: {{endpoint: 'http://{}', token: {token}}}, {QUICK}}}",
        scripted.address
    )
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// Delivered at once, after a busy answer, or set aside: one by one.
#[test]
fn events_arrive_and_bad_ones_stand_alone() {
    let busy = Mutex::new(true);
    let scripted = Backend::start(move |received| {
        if std::mem::take(&mut *busy.lock().unwrap()) {
            return said(503, json!({"text": "Server is busy", "code": 9}));
        }
        collector(received, "hunter2")
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let deep = json!({"key": "deep", "value": {"arrayValue": {"values": [{"arrayValue": {"values": [{"intValue": "1"}]}}]}}});
    let record = |number: usize| match number {
        7 => json!({}),
        8 => {
            json!({"body": {"stringValue": "elsewhere"}, "attributes": [text("com.splunk.index", "other")]})
        }
        9 => {
            json!({"body": {"kvlistValue": {"values": [text("a", "b")]}}, "attributes": [deep, {"key": "none"}, text("a", "\u{0}")]})
        }
        number => json!({"body": {"stringValue": number.to_string()}}),
    };
    let records: Vec<_> = (0..20).map(record).collect();
    let request = json!({"resourceLogs": [{"resource": {"attributes": [text("service.name", "shop")]}, "scopeLogs": [{"logRecords": records}]}]});
    publish(
        &*bus,
        Signal::Logs,
        0,
        [from_json(Signal::Logs, request.to_string().as_bytes())],
    );
    let running = Running::start(&bus, &[backend("hec", &scripted, "hunter2")]);
    all_committed(&*bus, "hec", Signal::Logs);
    running.stop();

    let letters = dead_letters(&*bus);
    assert_eq!(letters.len(), 1);
    assert_eq!(header(&letters[0], "tailwater.dead.units"), "7..9");
    assert_eq!(metric(export::names::DELIVERED, "hec"), 18.0);
    // The last request with an event is the one that was taken.
    let received = scripted.received();
    let taken = received
        .iter()
        .filter(|received| matches!(collector(received, "hunter2"), Answer::Http(200, ..)));
    let mut bodies: Vec<_> = taken
        .flat_map(|received| events(&received.body))
        .map(|event| event["event"].to_string())
        .collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), 18);
    assert_eq!(received[0].header("content-encoding"), "gzip");
}

/// A token that is wrong loses nothing: everything waits.
#[test]
fn a_wrong_token_holds() {
    let scripted = Backend::start(|received| collector(received, "hunter2"));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for number in 0..10 {
        publish(&*bus, Signal::Logs, 0, [one_log(&number.to_string())]);
    }
    let running = Running::start(&bus, &[backend("hec-denied", &scripted, "wrong")]);
    eventually("it is held", || {
        metric(export::names::BREAKER_STATE, "hec-denied") == 2.0
    });
    let parts = || format!("{:?}", running.health.parts());
    eventually("it says why", || parts().contains("Invalid token (code 4)"));
    assert!(!parts().contains("wrong"), "{}", parts());
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let running = Running::start(&bus, &[backend("hec-denied", &scripted, "hunter2")]);
    all_committed(&*bus, "hec-denied", Signal::Logs);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
}
