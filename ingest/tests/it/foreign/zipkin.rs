//! Random spans of Zipkin, in both forms.

use std::collections::BTreeMap;

use fastrand::Rng;
use ingest::Format;
use prost::Message;
use serde_json::{Value, json};

use super::{any, compare, many, maybe};

#[derive(Clone, PartialEq, Message)]
struct Endpoint {
    #[prost(string, tag = "1")]
    service_name: String,
    #[prost(bytes = "vec", tag = "2")]
    ipv4: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    ipv6: Vec<u8>,
    #[prost(int32, tag = "4")]
    port: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Annotation {
    #[prost(fixed64, tag = "1")]
    timestamp: u64,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    parent_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    id: Vec<u8>,
    #[prost(int32, tag = "4")]
    kind: i32,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(fixed64, tag = "6")]
    timestamp: u64,
    #[prost(uint64, tag = "7")]
    duration: u64,
    #[prost(message, optional, tag = "8")]
    local_endpoint: Option<Endpoint>,
    #[prost(message, optional, tag = "9")]
    remote_endpoint: Option<Endpoint>,
    #[prost(message, repeated, tag = "10")]
    annotations: Vec<Annotation>,
    #[prost(btree_map = "string, string", tag = "11")]
    tags: BTreeMap<String, String>,
    #[prost(bool, tag = "12")]
    debug: bool,
    #[prost(bool, tag = "13")]
    shared: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Spans {
    #[prost(message, repeated, tag = "1")]
    spans: Vec<Span>,
}

const KEYS: &[&str] = &[
    "span.kind",
    "error",
    "otel.status_code",
    "otel.status_description",
    "http.status_code",
    "w3c.tracestate",
    "http.path",
    "peer.service",
    "network.local.address",
    "net.host.port",
    "otlp.link.1",
    "ключ",
    "",
];

/// Of the resource and the scope, which all spans of a service share there.
const RESOURCE_KEYS: &[&str] = &[
    "service.name",
    "host.name",
    "k8s.pod.name",
    "faas.id",
    "telemetry.auto.version",
    "opencensus.exporterversion",
    "otlp.service.name.source",
    "otel.scope.name",
    "otel.scope.version",
    "otel.library.name",
    "otel.library.version",
];

const TEXTS: &[&str] = &[
    "internal",
    "client",
    "true",
    "false",
    "Ok",
    "STATUS_CODE_OK",
    "STATUS_CODE_ERROR",
    "Error",
    "Unset",
    "200",
    "a=1",
    "значение",
    "\"quoted\"\n",
    "",
];

const ANNOTATIONS: &[&str] = &[
    "cs",
    "",
    "name|rest",
    "name|{}|0",
    "name|{\"k\":\"v|w\",\"n\":7,\"f\":1.5,\"one\":1.0,\"b\":true,\"nothing\":null,\"l\":[1]}|4294967295",
    "name|null|1",
    "|{\"big\":1e15}|0",
];

fn endpoint(rng: &mut Rng) -> Endpoint {
    Endpoint {
        service_name: any(rng, &["shop", "till", ""]).to_owned(),
        ipv4: maybe(rng, |rng| rng.u32(..).to_be_bytes().to_vec()).unwrap_or_default(),
        ipv6: maybe(rng, ipv6).unwrap_or_default(),
        port: if rng.bool() { rng.i32(0..65536) } else { 0 },
    }
}

fn ipv6(rng: &mut Rng) -> Vec<u8> {
    let mut groups = [0_u16; 8].map(|_| if rng.bool() { rng.u16(..) } else { 0 });
    if rng.u8(..5) == 0 {
        groups[..6].copy_from_slice(&[0, 0, 0, 0, 0, 0xffff]);
    }
    groups.into_iter().flat_map(u16::to_be_bytes).collect()
}

fn link(rng: &mut Rng) -> String {
    let ids = [
        "0102030405060708090a0b0c0d0e0f10|0102030405060708",
        "\"0102030405060708090a0b0c0d0e0f10\"|\"0102030405060708\"",
        "|",
    ];
    let attributes = ["{}", "null", "{\"k\":\"v|w\",\"n\":1}"];
    format!(
        "{}|a=1|{}|{}",
        any(rng, &ids),
        any(rng, &attributes),
        rng.u32(..)
    )
}

fn span(rng: &mut Rng, alone: bool) -> Span {
    let mut tags: BTreeMap<String, String> = many(rng, 6, |rng| {
        (any(rng, KEYS).to_owned(), any(rng, TEXTS).to_owned())
    })
    .into_iter()
    .collect();
    // Without a service the Collector loses them.
    let mut local_endpoint = maybe(rng, endpoint);
    let has_service = local_endpoint
        .as_ref()
        .is_some_and(|local| !local.service_name.is_empty());
    if alone && has_service {
        for _ in 0..rng.usize(..4) {
            tags.insert(
                any(rng, RESOURCE_KEYS).to_owned(),
                any(rng, TEXTS).to_owned(),
            );
        }
    }
    if !alone && let Some(local) = &mut local_endpoint {
        local.service_name = "shop".to_owned();
    }
    if rng.u8(..4) == 0 {
        tags.insert("otlp.link.0".to_owned(), link(rng));
    }
    // In pieces: what isn't a link stays a tag here, and is an error there.
    tags.entry("otlp.link.1".to_owned())
        .and_modify(|text| *text = "short".to_owned());
    if tags.contains_key("otlp.link.0") {
        tags.remove("otlp.link.1");
    }
    Span {
        trace_id: [rng.u64(..3).to_be_bytes(), rng.u64(1..).to_be_bytes()].concat(),
        parent_id: maybe(rng, |rng| rng.u64(..4).to_be_bytes().to_vec()).unwrap_or_default(),
        id: rng.u64(1..4).to_be_bytes().to_vec(),
        kind: rng.i32(0..6),
        name: any(rng, TEXTS).to_owned(),
        timestamp: match rng.u8(..8) {
            0 => 0,
            1 => rng.u64(..),
            _ => rng.u64(1_500_000_000_000_000..2_000_000_000_000_000),
        },
        duration: match rng.u8(..8) {
            0 => rng.u64(..),
            _ => rng.u64(..1 << 40),
        },
        local_endpoint,
        remote_endpoint: maybe(rng, endpoint),
        annotations: many(rng, 3, |rng| Annotation {
            timestamp: rng.u64(1..2_000_000_000_000_000),
            value: any(rng, ANNOTATIONS).to_owned(),
        }),
        tags,
        debug: rng.bool(),
        shared: rng.bool(),
    }
}

/// One span with everything, or several of one service without what they would share.
fn spans(rng: &mut Rng) -> Spans {
    let spans = match rng.bool() {
        true => vec![span(rng, true)],
        false => many(rng, 4, |rng| span(rng, false)),
    };
    Spans { spans }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Small ids may be short.
fn id_json(rng: &mut Rng, id: &[u8]) -> Value {
    let text = hex(id);
    json!(match rng.u8(..3) {
        0 if text.trim_start_matches('0').len() <= 16 => text[text.len() - 16..].to_owned(),
        1 =>
            text.trim_start_matches('0').to_owned()
                + if id.iter().all(|&byte| byte == 0) {
                    "0"
                } else {
                    ""
                },
        _ => text.to_uppercase(),
    })
}

fn endpoint_json(rng: &mut Rng, endpoint: &Endpoint) -> Value {
    let mut object = json!({"serviceName": endpoint.service_name, "port": endpoint.port});
    if let Ok(address) = <[u8; 4]>::try_from(&*endpoint.ipv4) {
        object["ipv4"] = json!(std::net::Ipv4Addr::from(address).to_string());
    }
    if let Ok(address) = <[u8; 16]>::try_from(&*endpoint.ipv6) {
        object["ipv6"] = json!(std::net::Ipv6Addr::from(address).to_string());
    }
    if rng.u8(..10) == 0 {
        object["ipv4"] = json!(any(
            rng,
            &["", "::1", "no address", "01.2.3.4", "::ffff:1.2.3.4"]
        ));
    }
    object
}

fn span_json(rng: &mut Rng, span: &Span) -> Value {
    let kinds = [
        "OTHER", "CLIENT", "SERVER", "PRODUCER", "CONSUMER", "client",
    ];
    let mut object = json!({
        "traceId": id_json(rng, &span.trace_id),
        "id": id_json(rng, &span.id),
        "kind": kinds[span.kind as usize],
        "name": span.name,
        "duration": span.duration,
        "tags": span.tags,
        "shared": span.shared,
        "another": [{"of": "nobody"}],
    });
    if !span.parent_id.is_empty() {
        object["parentId"] = id_json(rng, &span.parent_id);
    }
    if span.timestamp > 0 {
        let name = any(rng, &["timestamp", "TimeStamp"]);
        object[name] = json!(span.timestamp);
    }
    let ends = [
        ("localEndpoint", &span.local_endpoint),
        ("remoteEndpoint", &span.remote_endpoint),
    ];
    for (name, end) in ends {
        object[name] = match end {
            Some(end) => endpoint_json(rng, end),
            None => Value::Null,
        };
    }
    object["annotations"] = (span.annotations.iter())
        .map(|annotation| json!({"timestamp": annotation.timestamp, "value": annotation.value}))
        .collect();
    object
}

#[test]
fn spans_as_protobuf() {
    compare(Format::ZipkinProto, |rng| spans(rng).encode_to_vec());
}

#[test]
fn spans_in_json() {
    compare(Format::ZipkinJson, |rng| {
        let spans = spans(rng).spans;
        let list: Value = spans.iter().map(|span| span_json(rng, span)).collect();
        list.to_string().into_bytes()
    });
}
