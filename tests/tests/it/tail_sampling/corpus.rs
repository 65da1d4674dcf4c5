//! Traces over few keys and values, so that policies and traces meet; from a seed.

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

pub const KEYS: [&str; 5] = ["a", "http.path", "http.pith", "service.name", "retry"];
pub const TEXTS: [&str; 8] = [
    "", "GET", "/cart", "/cart/7", "ünï", "payment", "{x}", "٣\u{a0}",
];
const SPANS_A_REQUEST: usize = 40;
const START_NANO: u64 = 1_700_000_000_000_000_000;

/// Requests in which the spans of many traces are mixed.
pub fn requests(rng: &mut Rng, traces: usize) -> Vec<Vec<u8>> {
    let mut spans = Vec::new();
    for _ in 0..traces {
        let id = rng.u128(1..).to_be_bytes();
        for at in 0..rng.usize(1..9) {
            spans.push(span(rng, &id, at == 0));
        }
    }
    // Traces overlap, but not all with all.
    for at in 0..spans.len() {
        let other = (at + rng.usize(0..60)).min(spans.len() - 1);
        spans.swap(at, other);
    }
    spans
        .chunks(SPANS_A_REQUEST)
        .map(|spans| request(rng, spans).encode_to_vec())
        .collect()
}

fn request(rng: &mut Rng, spans: &[Span]) -> ExportTraceServiceRequest {
    let mut resource_spans = Vec::new();
    let mut rest = spans;
    while !rest.is_empty() {
        let (scopes, later) = rest.split_at(rng.usize(1..20).min(rest.len()));
        let half = rng.usize(0..scopes.len() + 1);
        let scope_spans = [&scopes[..half], &scopes[half..]].map(|spans| ScopeSpans {
            scope: Some(InstrumentationScope {
                name: pick(rng, &["http", "sql"]).into(),
                ..InstrumentationScope::default()
            }),
            spans: spans.to_vec(),
            ..ScopeSpans::default()
        });
        resource_spans.push(ResourceSpans {
            resource: Some(Resource {
                attributes: attributes(rng, 3),
                ..Resource::default()
            }),
            scope_spans: scope_spans.to_vec(),
            ..ResourceSpans::default()
        });
        rest = later;
    }
    ExportTraceServiceRequest { resource_spans }
}

fn span(rng: &mut Rng, trace_id: &[u8; 16], root: bool) -> Span {
    let start = match rng.usize(0..12) {
        0 => 0,
        _ => START_NANO + rng.u64(0..20) * 1_000_000,
    };
    let end = match rng.usize(0..12) {
        0 => 0,
        _ => start + rng.u64(0..30_000_000),
    };
    Span {
        trace_id: trace_id.to_vec(),
        span_id: rng.u64(1..).to_be_bytes().to_vec(),
        parent_span_id: if root { Vec::new() } else { vec![7; 8] },
        name: pick(rng, &["GET /cart", "POST /pay", "SELECT", "consume"]).into(),
        kind: rng.i32(0..6),
        trace_state: pick(
            rng,
            &[
                "", "", "a=1", "a=2,b=x", "b=x, a=1", "a=1,a=2", "A=1", "a=1,,",
            ],
        )
        .into(),
        flags: rng.u32(0..3),
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        attributes: attributes(rng, 4),
        status: rng.bool().then(|| Status {
            code: *pick_of(rng, &[0, 1, 1, 2, 3]),
            message: pick(rng, &["", "timeout", "refused"]).into(),
        }),
        events: (0..rng.usize(0..3))
            .map(|_| Event {
                name: pick(rng, &["exception", "message", ""]).into(),
                time_unix_nano: start,
                attributes: attributes(rng, 3),
                ..Event::default()
            })
            .collect(),
        links: (0..rng.usize(0..2)).map(|_| Link::default()).collect(),
        ..Span::default()
    }
}

fn attributes(rng: &mut Rng, most: usize) -> Vec<KeyValue> {
    (0..rng.usize(0..=most))
        .map(|_| KeyValue {
            key: pick(rng, &KEYS).into(),
            value: (rng.usize(0..15) > 0).then(|| AnyValue { value: value(rng) }),
            ..KeyValue::default()
        })
        .collect()
}

fn value(rng: &mut Rng) -> Option<Value> {
    Some(match rng.usize(0..12) {
        0..5 => Value::StringValue(pick(rng, &TEXTS).into()),
        5..8 => Value::IntValue(rng.i64(-3..4)),
        8..10 => Value::BoolValue(rng.bool()),
        10 => Value::DoubleValue(2.0),
        _ => Value::ArrayValue(ArrayValue { values: Vec::new() }),
    })
}

pub fn pick<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(0..of.len())]
}

fn pick_of<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(0..of.len())]
}
