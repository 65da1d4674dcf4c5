//! Random spans.

use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::one;
use super::values::{attributes, resource, scope};
use super::words::TEXTS;

pub(super) fn request(rng: &mut Rng) -> ExportTraceServiceRequest {
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
            resource: resource(rng),
            scope_spans: vec![ScopeSpans {
                scope: scope(rng),
                spans: vec![span],
                schema_url: "s".to_owned(),
            }],
            schema_url: "r".to_owned(),
        }],
    }
}
