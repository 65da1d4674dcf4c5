//! Tenants through the whole pipeline: whose trace is kept by which policy, what of it leaves, where it goes, and what is said of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::wait_until;
use tests::world::World;

const WITHIN: Duration = Duration::from_secs(60);
/// Of every tenant.
const TRACE: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// Sends a trace of one span, with everybody's trace id.
fn send(process: &Tailwater, tenant: Option<&str>, name: &str, is_error: bool) {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = json!({
        "traceId": TRACE, "spanId": "0102030405060708", "name": name, "kind": 2,
        "status": {"code": if is_error { 2 } else { 0 }},
        "startTimeUnixNano": "1780000000000000000", "endTimeUnixNano": "1780000000001000000",
        "attributes": [text("customer.name", "Ann"), text("card", "4111"), text("http.route", "/checkout")],
    });
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string();
    let tenant = tenant.map_or(String::new(), |name| format!("x-scope-orgid: {name}\r\n"));
    let mut socket = TcpStream::connect(("127.0.0.1", process.http)).unwrap();
    write!(
        socket,
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         {tenant}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Names of the spans that a file holds, sorted, and all that it holds.
fn exported(world: &World, file: &str) -> (Vec<String>, String) {
    let text = std::fs::read_to_string(world.path(file)).unwrap_or_default();
    let mut names = Vec::new();
    for line in text.lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        for resource in request["resourceSpans"].as_array().into_iter().flatten() {
            for scope in resource["scopeSpans"].as_array().into_iter().flatten() {
                let spans = scope["spans"].as_array().into_iter().flatten();
                names.extend(spans.map(|span| span["name"].as_str().unwrap().to_owned()));
            }
        }
    }
    names.sort_unstable();
    (names, text)
}

fn configure(world: &mut World) {
    world.set_decision_wait(1000);
    let config = &mut world.config;
    config["ingest"]["tenant_header"] = json!("x-scope-orgid");
    config["sampler"]["policies"] = json!([
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
    ]);
    config["enrich"] = json!({"redact": {"delete": ["card"]}});
    config["export"]["backends"] = json!([
        {"name": "kept", "file": {"path": "kept.jsonl"}},
        {"name": "shops", "file": {"path": "shops.jsonl"}},
    ]);
    config["tenants"] = json!({
        "shop": {
            "policies": [{"name": "checkout", "type": "string_attribute",
                "string_attribute": {"key": "http.route", "values": ["/checkout"]}}],
            "redact": {"delete": ["customer.name"]},
            "backends": ["shops"],
        },
        "default": {"backends": ["kept"]},
    });
}

#[test]
fn each_tenant_is_treated_as_its_own() {
    check(World::embedded());
}

#[test]
fn each_tenant_is_treated_as_its_own_on_kafka() {
    if let Ok(broker) = Broker::shared() {
        check(World::kafka(broker));
    }
}

fn check(mut world: World) {
    configure(&mut world);
    let mut process = world.process("run", "all");
    process.start_and_wait();
    send(&process, Some("failing"), "of failing", true);
    send(&process, Some("quiet"), "of quiet", false);
    send(&process, None, "of nobody", false);
    send(&process, Some("shop"), "of shop", false);
    wait_until("both kept traces to be exported", WITHIN, || {
        let count = |file| exported(&world, file).0.len();
        count("kept.jsonl") >= 1 && count("shops.jsonl") >= 1
    });
    wait_until("everything to be accounted for", WITHIN, || {
        let metrics = process.metrics();
        let spans = |outcome| {
            let labels = [("outcome", outcome)];
            metrics.sum("tailwater_sampler_tenant_spans_total", &labels)
        };
        spans("consumed") == 4.0 && spans("kept") + spans("dropped") == 4.0
    });

    // One trace id in four tenants is four traces: nobody's error keeps another's.
    let (kept, text) = exported(&world, "kept.jsonl");
    assert_eq!(kept, ["of failing"]);
    assert!(
        text.contains("customer.name") && !text.contains("4111"),
        "{text}"
    );
    let (shops, text) = exported(&world, "shops.jsonl");
    assert_eq!(shops, ["of shop"]);
    assert!(
        !text.contains("customer.name") && !text.contains("4111"),
        "{text}"
    );

    let metrics = process.metrics();
    for (tenant, kept, dropped) in [
        ("failing", 1.0, 0.0),
        ("quiet", 0.0, 1.0),
        ("default", 0.0, 1.0),
        ("shop", 1.0, 0.0),
    ] {
        let spans = |outcome| {
            let labels = [("tenant", tenant), ("outcome", outcome)];
            metrics.sum("tailwater_sampler_tenant_spans_total", &labels)
        };
        assert_eq!(
            (spans("consumed"), spans("kept"), spans("dropped")),
            (1.0, kept, dropped),
            "{tenant}"
        );
        let pending = metrics.sum(
            "tailwater_sampler_tenant_pending_spans",
            &[("tenant", tenant)],
        );
        assert_eq!(pending, 0.0, "{tenant}");
    }
    let skipped = |backend, tenant| {
        let labels = [
            ("backend", backend),
            ("tenant", tenant),
            ("outcome", "skipped"),
        ];
        process
            .metrics()
            .sum("tailwater_export_tenant_items_total", &labels)
    };
    wait_until("skipped items to be counted", WITHIN, || {
        skipped("kept", "shop") == 1.0 && skipped("shops", "failing") == 1.0
    });

    let (_, said) = process.get(&format!("/why/{TRACE}")).unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    let entries = said["entries"].as_array().unwrap();
    let policy_of = |tenant: Value| {
        let mut entries = entries.iter();
        let entry = entries.find(|entry| entry["tenant"] == tenant).unwrap();
        entry["policy"].clone()
    };
    assert_eq!(policy_of(json!("shop")), "shop/checkout");
    assert_eq!(policy_of(json!("failing")), "errors");
    assert_eq!(policy_of(Value::Null), Value::Null);
    assert_eq!(process.stop(), 0, "{}", process.log_text());
}
