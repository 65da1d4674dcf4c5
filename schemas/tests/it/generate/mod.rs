//! Random OTLP requests from a seed, as prost messages: every field of every message is set now and then.

mod metrics;
mod mutate;

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status,
    span::{Event, Link},
};

pub use metrics::metrics;
pub use mutate::mutate;

pub fn traces(rng: &mut Rng) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: many(rng, 4, |rng| ResourceSpans {
            resource: maybe(rng, resource),
            scope_spans: many(rng, 4, |rng| ScopeSpans {
                scope: maybe(rng, scope),
                spans: many(rng, 5, span),
                schema_url: text(rng),
            }),
            schema_url: text(rng),
        }),
    }
}

pub fn logs(rng: &mut Rng) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: many(rng, 4, |rng| ResourceLogs {
            resource: maybe(rng, resource),
            scope_logs: many(rng, 4, |rng| ScopeLogs {
                scope: maybe(rng, scope),
                log_records: many(rng, 5, log),
                schema_url: text(rng),
            }),
            schema_url: text(rng),
        }),
    }
}

pub fn span(rng: &mut Rng) -> Span {
    Span {
        trace_id: id(rng, 16),
        span_id: id(rng, 8),
        trace_state: text(rng),
        parent_span_id: id(rng, 8),
        flags: rng.u32(..),
        name: text(rng),
        kind: small(rng) as i32,
        start_time_unix_nano: number(rng),
        end_time_unix_nano: number(rng),
        attributes: attributes(rng),
        dropped_attributes_count: small(rng),
        events: many(rng, 3, |rng| Event {
            time_unix_nano: number(rng),
            name: text(rng),
            attributes: attributes(rng),
            dropped_attributes_count: small(rng),
        }),
        dropped_events_count: small(rng),
        links: many(rng, 3, |rng| Link {
            trace_id: id(rng, 16),
            span_id: id(rng, 8),
            trace_state: text(rng),
            attributes: attributes(rng),
            dropped_attributes_count: small(rng),
            flags: rng.u32(..),
        }),
        dropped_links_count: small(rng),
        status: maybe(rng, |rng| Status {
            message: text(rng),
            code: small(rng) as i32,
        }),
    }
}

pub fn log(rng: &mut Rng) -> LogRecord {
    LogRecord {
        time_unix_nano: number(rng),
        observed_time_unix_nano: number(rng),
        severity_number: small(rng) as i32,
        severity_text: text(rng),
        body: maybe(rng, |rng| value(rng, 3)),
        attributes: attributes(rng),
        dropped_attributes_count: small(rng),
        flags: small(rng),
        trace_id: id(rng, 16),
        span_id: id(rng, 8),
        event_name: text(rng),
    }
}

pub fn resource(rng: &mut Rng) -> Resource {
    Resource {
        attributes: attributes(rng),
        dropped_attributes_count: small(rng),
        entity_refs: many(rng, 2, |rng| EntityRef {
            schema_url: text(rng),
            r#type: text(rng),
            id_keys: many(rng, 3, text),
            description_keys: many(rng, 3, text),
        }),
    }
}

pub fn scope(rng: &mut Rng) -> InstrumentationScope {
    InstrumentationScope {
        name: text(rng),
        version: text(rng),
        attributes: attributes(rng),
        dropped_attributes_count: small(rng),
    }
}

pub fn attributes(rng: &mut Rng) -> Vec<KeyValue> {
    many(rng, 4, |rng| pair(rng, 3))
}

fn pair(rng: &mut Rng, depth: usize) -> KeyValue {
    KeyValue {
        key: text(rng),
        value: maybe(rng, |rng| value(rng, depth)),
        key_strindex: small(rng) as i32,
    }
}

pub fn value(rng: &mut Rng, depth: usize) -> AnyValue {
    let value = match rng.u8(..if depth == 0 { 7 } else { 9 }) {
        0 => None,
        1 => Some(Value::StringValue(text(rng))),
        2 => Some(Value::BoolValue(rng.bool())),
        3 => Some(Value::IntValue(number(rng) as i64)),
        4 => Some(Value::DoubleValue(double(rng))),
        5 => Some(Value::BytesValue(bytes(rng))),
        6 => Some(Value::StringValueStrindex(rng.i32(..))),
        7 => Some(Value::ArrayValue(ArrayValue {
            values: many(rng, 3, |rng| value(rng, depth - 1)),
        })),
        _ => Some(Value::KvlistValue(KeyValueList {
            values: many(rng, 3, |rng| pair(rng, depth - 1)),
        })),
    };
    AnyValue { value }
}

pub fn many<T>(rng: &mut Rng, below: usize, one: impl Fn(&mut Rng) -> T) -> Vec<T> {
    (0..rng.usize(..below)).map(|_| one(rng)).collect()
}

pub fn maybe<T>(rng: &mut Rng, one: impl Fn(&mut Rng) -> T) -> Option<T> {
    (rng.u8(..4) > 0).then(|| one(rng))
}

pub fn text(rng: &mut Rng) -> String {
    const TEXTS: [&str; 8] = [
        "",
        "a",
        "http.route",
        "checkout",
        "quote\" \\ slash / \u{1} \n",
        "żółw 🐢",
        "\u{feff}\u{2028}",
        "a value that is longer than one byte of length can say, so that it takes two bytes on the wire, which is the \
         point of it, and it goes on until it has more than 127 bytes",
    ];
    TEXTS[rng.usize(..TEXTS.len())].to_owned()
}

pub fn bytes(rng: &mut Rng) -> Vec<u8> {
    many(rng, 6, |rng| rng.u8(..))
}

pub fn id(rng: &mut Rng, length: usize) -> Vec<u8> {
    match rng.u8(..8) {
        0 => Vec::new(),
        1 => vec![0; length],
        2 => bytes(rng),
        _ => (0..length).map(|_| rng.u8(..)).collect(),
    }
}

pub fn small(rng: &mut Rng) -> u32 {
    match rng.u8(..8) {
        0 => rng.u32(..),
        1..4 => 0,
        _ => rng.u32(..5),
    }
}

pub fn number(rng: &mut Rng) -> u64 {
    match rng.u8(..4) {
        0 => 0,
        1 => rng.u64(..),
        2 => [u64::MAX, 1 << 63, (1 << 53) + 1, i64::MAX as u64][rng.usize(..4)],
        _ => 1_700_000_000_000_000_000 + rng.u64(..1_000_000_000),
    }
}

pub fn double(rng: &mut Rng) -> f64 {
    const DOUBLES: [f64; 12] = [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e21,
        -1e-7,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    match rng.u8(..3) {
        0 => rng.f64() * 1e6,
        _ => DOUBLES[rng.usize(..DOUBLES.len())],
    }
}
