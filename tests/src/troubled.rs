//! Traffic in which something always goes wrong: errors that come long after their trace was decided, and errors that link to
//! traces which nobody has decided yet.
//!
//! Plain traffic has neither, so `late_errors: rescue` and `linked: keep` would have nothing to do.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use load::Request;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use schemas::Signal;

use crate::tally::is_error;

/// One trace in so many has a late error,
const LATE_ERROR_EVERY: u32 = 20;
/// so long after the request it belongs to.
const LATE_BY: Duration = Duration::from_secs(4);
/// One error in so many links to another trace.
const LINK_EVERY: u32 = 2;

/// Requests with trouble added.
pub struct Troubled<I> {
    requests: I,
    /// The one that is next after those of `late` that are due before it.
    next: Option<Request>,
    late: VecDeque<Request>,
    seen: HashSet<Vec<u8>>,
    rng: Rng,
}

impl<I: Iterator<Item = Request>> Troubled<I> {
    pub fn new(requests: I, seed: u64) -> Self {
        Self {
            requests,
            next: None,
            late: VecDeque::new(),
            seen: HashSet::new(),
            rng: Rng::with_seed(seed),
        }
    }

    fn trouble(&mut self, request: Request) -> Request {
        if request.signal != Signal::Traces {
            return request;
        }
        let mut spans = ExportTraceServiceRequest::decode(&*request.bytes).expect("spans");
        let mut fresh: Vec<Vec<u8>> = Vec::new();
        for resource in &spans.resource_spans {
            for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                if !self.seen.insert(span.trace_id.clone()) {
                    continue;
                }
                fresh.push(span.trace_id.clone());
                if self.rng.u32(0..LATE_ERROR_EVERY) == 0 {
                    let late = late_error(span, resource, request.due, &mut self.rng);
                    self.late.push_back(late);
                }
            }
        }
        let all = spans.resource_spans.iter_mut();
        let all = all.flat_map(|resource| &mut resource.scope_spans);
        for span in all.flat_map(|scope| &mut scope.spans) {
            // To a trace that has just begun.
            let target = self.rng.choice(&fresh);
            if let Some(target) = target.filter(|target| **target != span.trace_id)
                && is_error(span)
                && self.rng.u32(0..LINK_EVERY) == 0
            {
                span.links.push(Link {
                    trace_id: target.clone(),
                    span_id: vec![1; 8],
                    ..Link::default()
                });
            }
        }
        Request {
            bytes: spans.encode_to_vec().into(),
            ..request
        }
    }
}

/// A request of its own for one more span of this trace.
fn late_error(span: &Span, resource: &ResourceSpans, due: Duration, rng: &mut Rng) -> Request {
    let span = Span {
        span_id: rng.u64(1..).to_le_bytes().to_vec(),
        parent_span_id: span.span_id.clone(),
        status: Some(Status {
            code: 2,
            ..Status::default()
        }),
        ..span.clone()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: resource.resource.clone(),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    Request {
        signal: Signal::Traces,
        bytes: request.encode_to_vec().into(),
        items: 1,
        due: due + LATE_BY,
    }
}

impl<I: Iterator<Item = Request>> Iterator for Troubled<I> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.next.is_none() {
            self.next = self.requests.next();
        }
        let due = self.next.as_ref().map(|next| next.due);
        let late = self.late.front();
        if late.is_some_and(|late| due.is_none_or(|due| late.due <= due)) {
            return self.late.pop_front();
        }
        let next = self.next.take()?;
        Some(self.trouble(next))
    }
}
