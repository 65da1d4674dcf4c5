//! Its section, and the translation: some spans by hand, many against the Collector's own, and there and back.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use fastrand::Rng;
use schemas::Signal;
use serde_json::{Map, Value, json};
use tests::translators::Translators;

use super::spans;
use crate::config::tests::{check_problem, check_warning, valid};
use crate::records::batch::Batch;
use crate::records::entry::Entry;

fn request(json: &Value) -> Vec<u8> {
    schemas::json::to_protobuf(Signal::Traces, json.to_string().as_bytes()).unwrap()
}

fn encode(request: &[u8]) -> Result<Vec<u8>, String> {
    let entry = Entry::new(bus::Fetched {
        topic: "t".into(),
        partition: 0,
        offset: 1,
        timestamp_ms: 0,
        headers: vec![],
        value: Bytes::copy_from_slice(request),
    });
    spans::encode(&Batch::from_iter([entry]))
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

#[test]
fn a_span_with_everything() {
    let json = json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "shop"), text("host.name", "h"), text("k", "of the resource")]},
        "scopeSpans": [{"scope": {"name": "lib", "version": "1"}, "spans": [{
            "traceId": "00000000000000000102030405060708", "spanId": "0102030405060708", "parentSpanId": "0001020304050607",
            "traceState": "a=b", "name": "GET /", "kind": 3,
            "startTimeUnixNano": "1705314600000000501", "endTimeUnixNano": "1705314600150000000",
            "attributes": [text("k", "of the span"), text("net.peer.ip", "::1"), {"key": "net.peer.port", "value": {"intValue": "80"}},
                text("net.host.ip", "10.0.0.1"), {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}}],
            "status": {"code": 2, "message": "no"},
            "events": [{"timeUnixNano": "1705314600000001000", "name": "e"},
                {"timeUnixNano": "1705314600000002000", "name": "f", "attributes": [text("x", "y")], "droppedAttributesCount": 3}],
            "links": [{"traceId": "100f0e0d0c0b0a090807060504030201", "spanId": "0807060504030201", "traceState": "c=d"}]
        }]}]
    }]});
    let written: Value = serde_json::from_slice(&encode(&request(&json)).unwrap()).unwrap();
    assert_eq!(
        written,
        json!([{
            "traceId": "0102030405060708", "id": "0102030405060708", "parentId": "0001020304050607", "name": "GET /", "kind": "CLIENT",
            "timestamp": 1_705_314_600_000_001_u64, "duration": 149_999,
            "localEndpoint": {"serviceName": "shop", "ipv4": "10.0.0.1"}, "remoteEndpoint": {"ipv6": "::1", "port": 80},
            "annotations": [{"timestamp": 1_705_314_600_000_001_u64, "value": "e"},
                {"timestamp": 1_705_314_600_000_002_u64, "value": "f|{\"x\":\"y\"}|3"}],
            "tags": {"host.name": "h", "k": "of the span", "otel.scope.name": "lib", "otel.scope.version": "1",
                "otel.library.name": "lib", "otel.library.version": "1", "list": "[1]",
                "w3c.tracestate": "a=b", "error": "true", "otel.status_code": "STATUS_CODE_ERROR", "otel.status_description": "no",
                "otlp.link.0": "100f0e0d0c0b0a090807060504030201|0807060504030201|c=d|{}|0"}
        }])
    );
}

/// What Zipkin can't have, or would lose.
#[test]
fn hard_spans() {
    let of = |span: Value| {
        let json = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
        encode(&request(&json))
            .map(|json| serde_json::from_slice::<Value>(&json).unwrap()[0].clone())
    };
    let ids = |more: Value| {
        let mut span =
            json!({"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708"});
        span.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        span
    };
    let error = of(json!({"spanId": "0102030405060708"})).unwrap_err();
    assert_eq!(
        error,
        "t/0 at offset 1: a span without a valid trace id, which Zipkin needs"
    );
    let error =
        of(json!({"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0000000000000000"}))
            .unwrap_err();
    assert!(
        error.ends_with("a span without a valid span id, which Zipkin needs"),
        "{error}"
    );
    let bare = of(ids(json!({}))).unwrap();
    assert_eq!(
        bare,
        json!({"traceId": "0102030405060708090a0b0c0d0e0f10", "id": "0102030405060708", "tags": {},
            "localEndpoint": {"serviceName": "OTLPResourceNoServiceName"}})
    );
    // It ends before it begins.
    let backwards = of(ids(
        json!({"startTimeUnixNano": "5000", "endTimeUnixNano": "4000"}),
    ))
    .unwrap();
    assert_eq!(
        (&backwards["timestamp"], &backwards["duration"]),
        (&json!(5), &Value::Null)
    );
    let short = of(ids(
        json!({"startTimeUnixNano": "5000", "endTimeUnixNano": "5001"}),
    ))
    .unwrap();
    assert_eq!(short["duration"], 1);
    let odd = of(ids(json!({"attributes": [text("net.peer.ip", "no address"), text("net.peer.port", "99999"), text("error", "x")]}))).unwrap();
    assert_eq!(
        odd["tags"],
        json!({"net.peer.ip": "no address", "net.peer.port": "99999"})
    );
    assert_eq!(odd["remoteEndpoint"], Value::Null);
}

const KEYS: &[&str] = &[
    "service.name",
    "peer.service",
    "service.peer.name",
    "net.peer.ip",
    "net.peer.port",
    "net.host.ip",
    "net.host.port",
    "network.peer.address",
    "network.local.address",
    "server.address",
    "server.port",
    "faas.name",
    "k8s.deployment.name",
    "process.executable.name",
    "error",
    "otel.status_code",
    "otel.library.name",
    "otel.scope.name",
    "span.kind",
    "w3c.tracestate",
    "http.route",
    "ключ",
    "k",
    "<&>",
];
const TEXTS: &[&str] = &[
    "",
    "shop",
    "10.0.0.1",
    "::1",
    "true",
    "a|b",
    "\"quoted\"\n",
    "<b>&",
    "значение",
];

fn any<'v>(rng: &mut Rng, values: &[&'v str]) -> &'v str {
    values[rng.usize(..values.len())]
}

/// Attributes with different keys, since Go's maps and ours differ on others; ports and addresses as they should be.
fn attributes(rng: &mut Rng) -> Value {
    let mut keys = KEYS.to_vec();
    rng.shuffle(&mut keys);
    let mut pairs = Vec::new();
    for key in keys.into_iter().take(rng.usize(..10)) {
        let value = match key {
            key if key.ends_with(".ip") || key.ends_with(".address") => {
                json!({"stringValue": any(rng, &["10.0.0.1", "fe80::1"])})
            }
            key if key.ends_with("port") => json!({"intValue": rng.u16(1..).to_string()}),
            key if key.ends_with("name") || key.ends_with("service") => {
                json!({"stringValue": any(rng, &["shop", "cart"])})
            }
            _ => match rng.u8(..8) {
                0 => json!({"boolValue": rng.bool()}),
                1 => json!({"intValue": rng.i64(..).to_string()}),
                2 => json!({"doubleValue": f64::from(rng.i32(..)) / 8.0 + 0.0625}),
                3 => json!({"bytesValue": "/wA="}),
                4 => {
                    json!({"arrayValue": {"values": [{"stringValue": any(rng, TEXTS)}, {"intValue": "1"}]}})
                }
                5 => json!({"kvlistValue": {"values": [text("a", any(rng, TEXTS))]}}),
                _ => json!({"stringValue": any(rng, TEXTS)}),
            },
        };
        pairs.push(json!({"key": key, "value": value}));
    }
    json!(pairs)
}

fn random(rng: &mut Rng) -> Value {
    let id =
        |rng: &mut Rng, digits: usize| format!("{:032x}", rng.u128(1..))[32 - digits..].to_owned();
    let start = match rng.u8(..5) {
        0 => 0,
        _ => 1_700_000_000_000_000_000 + rng.u64(..1 << 40),
    };
    let end = match rng.u8(..) {
        ..50 => 0,
        bits => start + rng.u64(..1 << (bits % 33 + 1)),
    };
    let count = |rng: &mut Rng| rng.usize(..3);
    let events = (0..count(rng)).map(|_| {
        let time = 1_700_000_000_000_000_000 + rng.u64(..1 << 40);
        json!({"timeUnixNano": time.to_string(), "name": any(rng, TEXTS), "attributes": attributes(rng), "droppedAttributesCount": rng.u8(..2)})
    });
    let events: Vec<_> = events.collect();
    let links = (0..count(rng)).map(|_| {
        json!({"traceId": id(rng, 32), "spanId": id(rng, 16), "traceState": any(rng, &["", "a=b"]), "attributes": attributes(rng)})
    });
    let links: Vec<_> = links.collect();
    let low = rng.bool();
    let trace_id = match low {
        true => format!("{}{}", "0".repeat(16), id(rng, 16)),
        false => id(rng, 32),
    };
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(rng)},
        "scopeSpans": [{"scope": {"name": any(rng, &["", "lib"]), "version": any(rng, &["", "1"])}, "spans": [{
            "traceId": trace_id, "spanId": id(rng, 16), "parentSpanId": any(rng, &["", "0102030405060708"]),
            "traceState": any(rng, &["", "a=b"]), "name": any(rng, TEXTS), "kind": rng.u8(..6),
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(), "attributes": attributes(rng),
            "status": {"code": rng.u8(..3), "message": any(rng, TEXTS)}, "events": events, "links": links
        }]}]
    }]})
}

/// Names without case, and JSON within texts as JSON.
fn plain(span: &Value) -> Value {
    let Value::Object(span) = span else {
        panic!("{span}");
    };
    let mut plain = Map::new();
    let mut span = span.clone();
    if !span.contains_key("remoteEndpoint") {
        // The Collector drops a port that stands alone.
        span["tags"]
            .as_object_mut()
            .unwrap()
            .remove("net.peer.port");
    }
    for (key, value) in &span {
        let value = match (key.as_str(), value) {
            ("name", Value::String(name)) => json!(name.to_lowercase()),
            ("localEndpoint" | "remoteEndpoint", end) => {
                serde_json::from_str(&end.to_string().to_lowercase()).unwrap()
            }
            ("tags", Value::Object(tags)) => tags
                .iter()
                .map(|(key, text)| (key.clone(), parts(text)))
                .collect(),
            ("annotations", Value::Array(all)) => all
                .iter()
                .map(|one| json!([one["timestamp"], parts(&one["value"])]))
                .collect(),
            (_, value) => value.clone(),
        };
        // What is empty may be absent.
        if value != json!("") && value != json!({}) {
            plain.insert(key.clone(), value);
        }
    }
    plain.into()
}

fn parts(text: &Value) -> Value {
    let text = text.as_str().unwrap();
    if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
        return json;
    }
    let (Some(from), Some(to)) = (text.find("|{"), text.rfind("}|")) else {
        return json!(text);
    };
    match serde_json::from_str::<Value>(&text[from + 1..=to]) {
        Ok(json) => json!([text[..from], json, text[to + 1..]]),
        Err(_) => json!(text),
    }
}

fn seed() -> u64 {
    let given = std::env::var("TAILWATER_SEED").ok();
    given.map_or(20_261_130, |seed| seed.parse().unwrap())
}

#[test]
fn spans_become_what_the_collector_makes_of_them() {
    let Ok(mut reference) = Translators::start() else {
        return;
    };
    let seed = seed();
    println!("TAILWATER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    for number in 0..2000 {
        let json = random(&mut rng);
        let request = request(&json);
        let theirs = reference.translate("to_zipkin_json", &request).unwrap();
        let theirs = theirs.unwrap_or_else(|error| panic!("{error}: {json}"));
        let theirs: Vec<Value> = serde_json::from_slice(&theirs).unwrap();
        let ours: Vec<Value> = serde_json::from_slice(&encode(&request).unwrap()).unwrap();
        let plain = |spans: &[Value]| spans.iter().map(plain).collect::<Vec<_>>();
        assert_eq!(plain(&ours), plain(&theirs), "{number}: {json}");
    }
}

/// Ingest reads what export wrote: what Zipkin has a place for comes back.
#[test]
fn there_and_back() {
    let json = json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "shop"), text("host.name", "h")]},
        "scopeSpans": [{"scope": {"name": "lib", "version": "1"}, "spans": [{
            "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "parentSpanId": "0001020304050607",
            "traceState": "a=b", "name": "GET /", "kind": 1, "startTimeUnixNano": "1705314600000000000", "endTimeUnixNano": "1705314600150000000",
            "attributes": [text("k", "v|\"ü")], "status": {"code": 2, "message": "no"},
            "events": [{"timeUnixNano": "1705314600000001000", "name": "e"},
                {"timeUnixNano": "1705314600000002000", "name": "f", "attributes": [text("x", "y|z")], "droppedAttributesCount": 3}],
            "links": [{"traceId": "100f0e0d0c0b0a090807060504030201", "spanId": "0807060504030201", "traceState": "c=d",
                "attributes": [text("l", "m")], "droppedAttributesCount": 1}]
        }]}]
    }]});
    let written = encode(&request(&json)).unwrap();
    let back = ingest::Format::ZipkinJson
        .to_otlp(Signal::Traces, &written.into())
        .unwrap();
    let mut line = Vec::new();
    schemas::json::from_protobuf(Signal::Traces, &back, &mut line).unwrap();
    let mut again = Vec::new();
    schemas::json::from_protobuf(Signal::Traces, &request(&json), &mut again).unwrap();
    let value = |line: &[u8]| serde_json::from_slice::<Value>(line).unwrap();
    assert_eq!(value(&line), value(&again));
}

#[test]
fn problems_carry_their_path() {
    let at = "export.backends[0]";
    check_problem(
        "signals: [traces, logs], zipkin: {endpoint: 'http://h/api/v2/spans'}",
        &format!("{at}.signals: this kind takes traces only, no logs"),
    );
    check_problem(
        "zipkin: {endpoint: 'http://h/x', compression: zstd}",
        &format!("{at}.zipkin.compression: Zipkin reads no zstd"),
    );
    check_warning(
        "zipkin: {endpoint: 'http://h:9411'}",
        Some((
            "zipkin.endpoint",
            "takes spans at http://h:9411/api/v2/spans",
        )),
    );
    check_warning("zipkin: {endpoint: 'http://h:9411/x'}", None);
    let config = valid("backends: [{name: a, zipkin: {endpoint: 'http://h/x'}}]");
    assert_eq!(config.backends[0].signals, [Signal::Traces]);
}
