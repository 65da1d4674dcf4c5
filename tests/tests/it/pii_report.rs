//! What the commands say about stored telemetry: where personal data is (`pii-report`), and which traces hold somebody's hash (`find`).

use std::time::Duration;

use load::{Compression, Protocol, Request};
use schemas::Signal;
use serde_json::{Value, json};
use tests::process::Tailwater;
use tests::sending::{options, send_all, traffic};
use tests::wait_until;
use tests::world::World;

const WITHIN: Duration = Duration::from_secs(120);
const EMAIL: &str = "ann.miller@mail.example.com";
const CARD: &str = "4111 1111 1111 1111";
const IBAN: &str = "DE89370400440532013000";
/// Traces with personal data: 40 of them, in half of which it is.
const TRACES: u8 = 40;

fn key() -> &'static str {
    "a secret of sixteen bytes or more"
}

/// A request of JSON, as ingest takes it.
fn request(signal: Signal, items: usize, json: &Value) -> Request {
    let bytes = schemas::json::to_protobuf(signal, json.to_string().as_bytes()).unwrap();
    Request {
        signal,
        bytes: bytes.into(),
        items,
        due: Duration::ZERO,
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn trace_id(number: u8) -> String {
    format!("{:02x}{}", number + 1, "ab".repeat(15))
}

/// Spans of 40 traces, all errors, so that they are kept; log records; a metric.
fn personal() -> Vec<Request> {
    let spans: Vec<_> = (0..TRACES)
        .map(|number| {
            let mut attributes = vec![text("plain", "nothing to see")];
            if number % 2 == 0 {
                attributes.push(text("user.email", EMAIL));
            }
            json!({
                "traceId": trace_id(number), "spanId": "0102030405060708", "name": format!("pay with {CARD}"),
                "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000001",
                "attributes": attributes, "status": {"code": 2},
                "events": [{"name": "sent", "attributes": [text("message", &format!("mail to {EMAIL}"))]}],
            })
        })
        .collect();
    let resource =
        json!({"attributes": [text("service.name", "billing"), text("host.ip", "192.0.2.4")]});
    let logs = [
        json!({"body": {"stringValue": format!("transfer to {IBAN}")}}),
        json!({"body": {"kvlistValue": {"values": [text("owner", EMAIL)]}}}),
        json!({"body": {"stringValue": "nothing"}}),
    ];
    let metric = json!({"name": "calls", "gauge": {"dataPoints": [{"asInt": "1", "attributes": [text("caller", EMAIL)]}]}});
    vec![
        request(
            Signal::Traces,
            usize::from(TRACES),
            &json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}),
        ),
        request(
            Signal::Logs,
            3,
            &json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": logs}]}]}),
        ),
        request(
            Signal::Metrics,
            1,
            &json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]}),
        ),
    ]
}

/// A bus with traffic of the shop and personal data, which went through all stages; the process is stopped.
fn filled(enrich: Value) -> (World, Tailwater) {
    let mut world = World::embedded();
    world.set_decision_wait(500);
    world.config["enrich"] = enrich;
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let (shop, sent) = traffic(7, 2000);
    let to = || options(process.grpc_endpoint(), Protocol::Grpc, Compression::None);
    send_all(vec![(shop, to()), (personal(), to())]);
    wait_until("everything to be decided and exported", WITHIN, || {
        let metrics = process.metrics();
        let of = |name: &str| metrics.sum(name, &[]) as u64;
        let kept = of(sampler::names::KEPT);
        let others = sent.count(Signal::Logs) + sent.count(Signal::Metrics) + 4;
        kept + of(sampler::names::DROPPED) == sent.count(Signal::Traces) + u64::from(TRACES)
            && of(export::names::DELIVERED) == kept + others
    });
    assert_eq!(process.stop(), 0, "it drains");
    (world, process)
}

fn report(process: &Tailwater, args: &[&str]) -> Value {
    let args = [&["pii-report", "--format", "json"], args].concat();
    let (code, printed, said) = process.command(&args);
    assert_eq!(code, 0, "{said}");
    for value in [EMAIL, CARD, IBAN, "ann.miller"] {
        assert!(!printed.contains(value), "{value} in {printed}");
    }
    serde_json::from_str(&printed).unwrap()
}

/// The row of the service `billing` for a path and a detector.
#[track_caller]
fn row<'r>(report: &'r Value, signal: &str, path: &str, detector: &str) -> &'r Value {
    let is_it = |row: &&Value| {
        row["service"] == "billing"
            && row["signal"] == signal
            && row["path"] == path
            && row["detector"] == detector
    };
    let rows = report["rows"].as_array().unwrap();
    let found = rows.iter().find(is_it);
    found.unwrap_or_else(|| panic!("no {signal} {path} {detector} in {report:#}"))
}

#[test]
fn a_report_says_where_personal_data_is() {
    let (_world, process) = filled(json!({}));
    let all = report(&process, &["--sample", "100%"]);
    let traces = u64::from(TRACES);
    for (signal, path, detector, findings, items, share) in [
        ("traces", "span name", "pan", traces, traces, 1.0),
        ("traces", "user.email", "email", traces / 2, traces / 2, 0.5),
        ("traces", "event message", "email", traces, traces, 1.0),
        ("logs", "body", "iban", 1, 1, 1.0 / 3.0),
        ("logs", "body.owner", "email", 1, 1, 1.0 / 3.0),
        ("metrics", "caller", "email", 1, 1, 1.0),
    ] {
        let row = row(&all, signal, path, detector);
        assert_eq!(row["findings"], findings, "{row}");
        assert_eq!(row["items"], items, "{row}");
        assert!(
            (row["share"].as_f64().unwrap() - share).abs() < 1e-9,
            "{row}"
        );
        assert!(
            row["first_seen"].as_str() <= row["last_seen"].as_str(),
            "{row}"
        );
        assert_eq!(row["action"], Value::Null, "nothing is configured: {row}");
    }
    assert_eq!(
        row(&all, "traces", "resource host.ip", "ipv4")["items"],
        traces
    );
    // Customers of the shop have addresses.
    let rows = all["rows"].as_array().unwrap();
    let of_shop = rows.iter().any(|row| {
        row["service"] != "billing" && row["path"] == "client.address" && row["detector"] == "ipv4"
    });
    assert!(of_shop, "{all:#}");
    let suggested = all["suggestion"].as_str().unwrap();
    assert!(
        suggested.contains("packs: [") && suggested.contains("ipv4: {exclude: ["),
        "{suggested}"
    );
    // What is suggested is a configuration.
    process.configure(&with_suggestion(&process, suggested));
    let (code, _, said) = process.command(&["check"]);
    assert_eq!(code, 0, "{said}");

    // The same part each time, and no more of it than asked for.
    let part = |_| report(&process, &["--sample", "30%"])["rows"].clone();
    let (one, two) = (part(0), part(1));
    assert_eq!(one, two);
    assert!(one.as_array().unwrap().len() <= rows.len());
    let few = report(&process, &["--sample", "100%", "--rows-max", "2"]);
    assert_eq!(few["rows"].as_array().unwrap().len(), 2);
    assert!(few["findings_without_row"].as_u64().unwrap() > 0);
    let logs = report(
        &process,
        &["--sample", "100%", "--signals", "logs", "--packs", "gdpr"],
    );
    assert_eq!(logs["items"]["traces"], 0);
    assert_eq!(row(&logs, "logs", "body", "iban")["findings"], 1);

    // As it was suggested, all is found and counted, and nothing more is to be done.
    let (code, table, said) = process.command(&["pii-report", "--sample", "100%"]);
    assert_eq!(code, 0, "{said}");
    let line = table.lines().find(|line| line.contains("span name"));
    let words: Vec<_> = line.expect("a row").split_whitespace().collect();
    assert_eq!(
        words[..6],
        ["billing", "traces", "span", "name", "pan", "report"]
    );
    assert!(table.contains("41** **** **** **11"), "{table}");
    assert!(
        !table.contains(EMAIL) && !table.contains("enrich:"),
        "{table}"
    );
    assert!(!table.contains("host.ip"), "it is excluded now: {table}");
}

/// The suggestion as a part of the process's configuration.
fn with_suggestion(process: &Tailwater, suggested: &str) -> String {
    let mut config = process.configuration();
    config.as_object_mut().unwrap().remove("enrich");
    let lines: Vec<_> = (config.as_object().unwrap().iter())
        .map(|(key, value)| format!("{key}: {value}\n"))
        .collect();
    lines.concat() + suggested
}

#[test]
fn a_hash_leads_to_its_traces_and_nothing_is_left_in_clean() {
    let (world, process) = filled(json!({"pii": {
        "packs": ["pci", "gdpr"],
        "keys": [{"id": "k1", "key": key()}],
        "detectors": {"email": {"action": "hash"}},
    }}));
    let clean = report(
        &process,
        &[
            "--sample", "100%", "--topics", "clean", "--packs", "pci,gdpr",
        ],
    );
    assert_eq!(clean["rows"], json!([]), "{clean:#}");
    assert!(clean["items"]["traces"].as_u64().unwrap() >= u64::from(TRACES));

    let file = world.path("values");
    std::fs::write(&file, format!("{}\n", EMAIL.to_uppercase())).unwrap();
    let file = file.to_str().unwrap();
    let (code, printed, said) = process.command(&["find", "--json", "--value-file", file]);
    assert_eq!(code, 0, "{said}");
    let lines: Vec<Value> = (printed.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let hash = lines[0]["hash"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("k1:") && hash.len() == 19);
    assert!(lines.iter().all(|line| line["hash"] == *hash), "{printed}");
    let of = |signal: &str| {
        lines
            .iter()
            .filter(|line| line["signal"] == signal)
            .collect::<Vec<_>>()
    };
    let mut traces: Vec<_> = of("traces")
        .iter()
        .map(|line| line["trace_id"].clone())
        .collect();
    traces.sort_by_key(Value::to_string);
    let expected: Vec<_> = (0..TRACES).map(|number| json!(trace_id(number))).collect();
    assert_eq!(traces, expected, "each trace, once");
    for signal in ["logs", "metrics"] {
        let found = of(signal);
        let [record] = &found[..] else {
            panic!("{printed}")
        };
        assert!(record["offset"].is_u64() && record["trace_id"].is_null());
        let topic = record["topic"].as_str().unwrap();
        assert!(topic.ends_with(&format!("{signal}.clean")), "{topic}");
    }

    let (code, by_hash, _) = process.command(&["find", "--hmac", &hash]);
    assert_eq!(code, 0);
    assert_eq!(by_hash.lines().count(), lines.len());
    let (code, printed, _) = process.command(&["find", "--hmac", "k1:0123456789abcdef"]);
    assert_eq!((code, printed.as_str()), (1, ""));
    // A value in the wrong place isn't repeated.
    let (code, _, said) = process.command(&["find", "--hmac", EMAIL]);
    assert_eq!(code, 2);
    assert!(!said.contains(EMAIL), "{said}");
}
