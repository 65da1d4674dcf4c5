//! Random spans.

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::one;
use super::words::TEXTS;

fn any(rng: &mut Rng, depth: u32) -> AnyValue {
    let value = match rng.u8(..if depth == 0 { 7 } else { 9 }) {
        0 => None,
        1 | 2 => Some(Any::StringValue(one(rng, TEXTS).to_owned())),
        3 => Some(Any::BoolValue(rng.bool())),
        4 => Some(Any::IntValue(rng.i64(-3..20))),
        5 => Some(Any::DoubleValue(f64::from(rng.i32(-4..8)) / 2.0)),
        6 => Some(Any::BytesValue((0..rng.u8(..4)).collect())),
        7 => Some(Any::ArrayValue(ArrayValue {
            values: (0..rng.u8(..4)).map(|_| any(rng, depth - 1)).collect(),
        })),
        _ => Some(Any::KvlistValue(KeyValueList {
            values: attributes(rng, depth - 1),
        })),
    };
    AnyValue { value }
}

/// No name twice: the reference's maps and its copies of them disagree about which counts.
fn attributes(rng: &mut Rng, depth: u32) -> Vec<KeyValue> {
    let mut names = ["a", "b", "c", "d", "e"];
    rng.shuffle(&mut names);
    names[..rng.usize(..6)]
        .iter()
        .map(|name| KeyValue {
            key: (*name).to_owned(),
            value: Some(any(rng, depth)),
            ..KeyValue::default()
        })
        .collect()
}

pub fn request(rng: &mut Rng) -> ExportTraceServiceRequest {
    let start = 1_700_000_000_000_000_000 + rng.u64(..10_000_000_000);
    let span = Span {
        trace_id: (1..17).collect(),
        span_id: (1..9).collect(),
        trace_state: one(rng, &["", "a=1,b=two", "a"]).to_owned(),
        parent_span_id: if rng.bool() {
            (1..9).collect()
        } else {
            Vec::new()
        },
        flags: rng.u32(..512),
        name: one(rng, TEXTS).to_owned(),
        kind: rng.i32(..6),
        start_time_unix_nano: start,
        end_time_unix_nano: start + rng.u64(..5_000_000_000),
        attributes: attributes(rng, 2),
        dropped_attributes_count: rng.u32(..3),
        events: vec![Event {
            time_unix_nano: start,
            name: one(rng, TEXTS).to_owned(),
            attributes: attributes(rng, 1),
            dropped_attributes_count: rng.u32(..3),
        }],
        dropped_events_count: rng.u32(..3),
        links: vec![Link::default(); rng.usize(..3)],
        dropped_links_count: rng.u32(..3),
        status: rng.bool().then(|| Status {
            message: one(rng, TEXTS).to_owned(),
            code: rng.i32(..3),
        }),
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: rng.bool().then(|| Resource {
                attributes: attributes(rng, 1),
                dropped_attributes_count: rng.u32(..3),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: rng.bool().then(|| InstrumentationScope {
                    name: one(rng, TEXTS).to_owned(),
                    version: "1.2".to_owned(),
                    attributes: attributes(rng, 1),
                    dropped_attributes_count: rng.u32(..3),
                }),
                spans: vec![span],
                schema_url: "s".to_owned(),
            }],
            schema_url: "r".to_owned(),
        }],
    }
}
