//! Random spans of Jaeger, in both forms.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use ingest::Format;
use prost::Message;
use serde_json::{Map, Value, json};

use super::{any, compare, many, maybe};

#[derive(Clone, PartialEq, Message)]
struct Tag {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(int32, tag = "2")]
    v_type: i32,
    #[prost(string, tag = "3")]
    v_str: String,
    #[prost(bool, tag = "4")]
    v_bool: bool,
    #[prost(int64, tag = "5")]
    v_int64: i64,
    #[prost(double, tag = "6")]
    v_float64: f64,
    #[prost(bytes = "vec", tag = "7")]
    v_binary: Vec<u8>,
}

/// A `Timestamp` or a `Duration`.
#[derive(Clone, PartialEq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Log {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Time>,
    #[prost(message, repeated, tag = "2")]
    fields: Vec<Tag>,
}

#[derive(Clone, PartialEq, Message)]
struct Reference {
    #[prost(bytes = "vec", optional, tag = "1")]
    trace_id: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    span_id: Option<Vec<u8>>,
    #[prost(int32, tag = "3")]
    ref_type: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Process {
    #[prost(string, tag = "1")]
    service_name: String,
    #[prost(message, repeated, tag = "2")]
    tags: Vec<Tag>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", optional, tag = "1")]
    trace_id: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    span_id: Option<Vec<u8>>,
    #[prost(string, tag = "3")]
    operation_name: String,
    #[prost(message, repeated, tag = "4")]
    references: Vec<Reference>,
    #[prost(uint32, tag = "5")]
    flags: u32,
    #[prost(message, optional, tag = "6")]
    start_time: Option<Time>,
    #[prost(message, optional, tag = "7")]
    duration: Option<Time>,
    #[prost(message, repeated, tag = "8")]
    tags: Vec<Tag>,
    #[prost(message, repeated, tag = "9")]
    logs: Vec<Log>,
    #[prost(message, optional, tag = "10")]
    process: Option<Process>,
    #[prost(string, tag = "11")]
    process_id: String,
    #[prost(string, repeated, tag = "12")]
    warnings: Vec<String>,
}

const KEYS: &[&str] = &[
    "span.kind",
    "error",
    "otel.status_code",
    "otel.status_description",
    "http.status_code",
    "http.status_message",
    "w3c.tracestate",
    "otel.scope.name",
    "otel.scope.version",
    "event",
    "hostname",
    "host.name",
    "jaeger.version",
    "opencensus.exporterversion",
    "service.name",
    "ключ",
    "k",
    "",
];

const TEXTS: &[&str] = &[
    "client",
    "server",
    "producer",
    "consumer",
    "internal",
    "Ok",
    "error",
    "404",
    "500",
    "200",
    "399",
    "+503",
    "5_00",
    "a=1,b=2",
    "true",
    "значение",
    "\"quoted\"\n",
    "",
];

const INTEGERS: [i64; 10] = [200, 399, 400, 404, 499, 503, 99, -1, i64::MIN, i64::MAX];

fn tag(rng: &mut Rng) -> Tag {
    let v_type = *rng.choice(&[0, 0, 0, 1, 2, 2, 3, 4, 7, -1]).unwrap();
    // Of other types than its own, most have nothing.
    let has = |rng: &mut Rng, kind| v_type == kind || rng.u8(..20) == 0;
    Tag {
        key: any(rng, KEYS).to_owned(),
        v_str: if has(rng, 0) {
            any(rng, TEXTS).to_owned()
        } else {
            String::new()
        },
        v_bool: has(rng, 1) && rng.bool(),
        v_int64: if has(rng, 2) {
            *rng.choice(&INTEGERS).unwrap()
        } else {
            0
        },
        v_float64: if has(rng, 3) {
            f64::from(rng.i32(..)) / 8.0
        } else {
            0.0
        },
        v_binary: if has(rng, 4) {
            many(rng, 5, |rng| rng.u8(..))
        } else {
            Vec::new()
        },
        v_type,
    }
}

fn trace_id(rng: &mut Rng) -> Vec<u8> {
    let low = rng.u64(1..4).to_be_bytes();
    match rng.u8(..4) {
        0 => low.to_vec(),
        high => [u64::from(high - 1).to_be_bytes(), low].concat(),
    }
}

fn span_id(rng: &mut Rng) -> Vec<u8> {
    rng.u64(..4).to_be_bytes().to_vec()
}

fn time(rng: &mut Rng) -> Time {
    Time {
        seconds: match rng.u8(..20) {
            0 => rng.i64(-70_000_000_000..300_000_000_000),
            _ => rng.i64(0..4_000_000_000),
        },
        nanos: match rng.u8(..50) {
            0 => rng.i32(..),
            _ => rng.i32(0..1_000_000_000),
        },
    }
}

fn duration(rng: &mut Rng) -> Time {
    let sign = if rng.u8(..10) == 0 { -1 } else { 1 };
    Time {
        seconds: sign * rng.i64(0..10_000_000_000),
        nanos: (sign as i32) * rng.i32(0..1_000_000_000),
    }
}

fn span(rng: &mut Rng) -> Span {
    let process = maybe(rng, |rng| Process {
        service_name: any(rng, &["shop", "", "OTLPResourceNoServiceName"]).to_owned(),
        tags: many(rng, 6, tag),
    });
    Span {
        trace_id: Some(trace_id(rng)),
        span_id: Some(span_id(rng)),
        operation_name: any(rng, TEXTS).to_owned(),
        references: many(rng, 4, |rng| Reference {
            trace_id: Some(trace_id(rng)),
            span_id: Some(span_id(rng)),
            ref_type: rng.i32(0..2),
        }),
        flags: rng.u32(..4),
        // Without a start the Collector's begins in the year 2339.
        start_time: Some(time(rng)),
        duration: maybe(rng, duration),
        tags: many(rng, 12, tag),
        logs: many(rng, 3, |rng| Log {
            timestamp: Some(time(rng)),
            fields: many(rng, 4, tag),
        }),
        process,
        process_id: any(rng, TEXTS).to_owned(),
        warnings: many(rng, 2, |rng| any(rng, TEXTS).to_owned()),
    }
}

/// Under its name in one of two styles.
fn put(rng: &mut Rng, object: &mut Map<String, Value>, name: &str, value: Value) {
    let mut style = String::new();
    let camel = rng.bool();
    for (index, part) in name.split('_').enumerate() {
        match (index, camel) {
            (0, _) => style += part,
            (_, false) => style += &format!("_{part}"),
            (_, true) => style += &(part[..1].to_uppercase() + &part[1..]),
        }
    }
    object.insert(style, value);
}

fn tag_json(rng: &mut Rng, tag: &Tag) -> Value {
    let mut object = Map::new();
    let names = ["STRING", "BOOL", "INT64", "FLOAT64", "BINARY"];
    let kind = match names.get(tag.v_type as usize) {
        Some(name) if rng.bool() => json!(name),
        _ => json!(tag.v_type),
    };
    put(rng, &mut object, "key", json!(tag.key));
    put(rng, &mut object, "v_type", kind);
    put(rng, &mut object, "v_str", json!(tag.v_str));
    put(rng, &mut object, "v_bool", json!(tag.v_bool));
    let integer = match rng.bool() {
        true => json!(tag.v_int64),
        false => json!(tag.v_int64.to_string()),
    };
    put(rng, &mut object, "v_int64", integer);
    put(rng, &mut object, "v_float64", json!(tag.v_float64));
    put(
        rng,
        &mut object,
        "v_binary",
        json!(STANDARD.encode(&tag.v_binary)),
    );
    Value::Object(object)
}

fn tags_json(rng: &mut Rng, tags: &[Tag]) -> Value {
    tags.iter().map(|tag| tag_json(rng, tag)).collect()
}

/// Of the years that four digits can say; `None`: no time at all.
fn time_json(rng: &mut Rng, time: &Time) -> Value {
    let days = time.seconds.div_euclid(86_400);
    let second = time.seconds.rem_euclid(86_400);
    // Counted year by year, unlike what is tested.
    let (mut year, mut left) = (1970, days);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |year| 365 + i64::from(leap(year));
    while left < 0 {
        year -= 1;
        left += length(year);
    }
    while left >= length(year) {
        left -= length(year);
        year += 1;
    }
    let months = [
        31,
        28 + i64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while left >= months[month] {
        left -= months[month];
        month += 1;
    }
    let zone = any(rng, &["Z", "+00:00"]);
    json!(format!(
        "{year:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}{zone}",
        month + 1,
        left + 1,
        second / 3600,
        second / 60 % 60,
        second % 60,
        time.nanos
    ))
}

fn duration_json(duration: &Time) -> Value {
    let sign = if duration.seconds < 0 || duration.nanos < 0 {
        "-"
    } else {
        ""
    };
    json!(format!(
        "{sign}{}.{:09}s",
        duration.seconds.abs(),
        duration.nanos.abs()
    ))
}

fn span_json(rng: &mut Rng, span: &Span) -> Vec<u8> {
    let mut object = Map::new();
    let id = |id: &Option<Vec<u8>>| json!(STANDARD.encode(id.as_deref().unwrap_or_default()));
    put(rng, &mut object, "trace_id", id(&span.trace_id));
    put(rng, &mut object, "span_id", id(&span.span_id));
    put(
        rng,
        &mut object,
        "operation_name",
        json!(span.operation_name),
    );
    let references = span.references.iter().map(|reference| {
        let mut object = Map::new();
        let kind = match rng.bool() {
            true => json!(reference.ref_type),
            false => json!(["CHILD_OF", "FOLLOWS_FROM"][reference.ref_type as usize]),
        };
        put(rng, &mut object, "trace_id", id(&reference.trace_id));
        put(rng, &mut object, "span_id", id(&reference.span_id));
        put(rng, &mut object, "ref_type", kind);
        Value::Object(object)
    });
    let references = references.collect();
    put(rng, &mut object, "references", references);
    put(rng, &mut object, "flags", json!(span.flags));
    if let Some(start) = &span.start_time {
        let start = time_json(rng, start);
        put(rng, &mut object, "start_time", start);
    }
    if let Some(duration) = &span.duration {
        put(rng, &mut object, "duration", duration_json(duration));
    }
    let tags = tags_json(rng, &span.tags);
    put(rng, &mut object, "tags", tags);
    let logs = span.logs.iter().map(|log| {
        let timestamp = log.timestamp.as_ref().map(|time| time_json(rng, time));
        json!({"timestamp": timestamp, "fields": tags_json(rng, &log.fields)})
    });
    let logs = logs.collect();
    put(rng, &mut object, "logs", logs);
    if let Some(process) = &span.process {
        let mut inner = Map::new();
        put(rng, &mut inner, "service_name", json!(process.service_name));
        let tags = tags_json(rng, &process.tags);
        put(rng, &mut inner, "tags", tags);
        put(rng, &mut object, "process", Value::Object(inner));
    }
    put(rng, &mut object, "process_id", json!(span.process_id));
    put(rng, &mut object, "warnings", json!(span.warnings));
    Value::Object(object).to_string().into_bytes()
}

#[test]
fn spans_as_protobuf() {
    compare(Format::JaegerProto, |rng| span(rng).encode_to_vec());
}

#[test]
fn spans_in_json() {
    compare(Format::JaegerJson, |rng| {
        let span = span(rng);
        span_json(rng, &span)
    });
}
