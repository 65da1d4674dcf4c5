//! One trace, grown on the service graph.

use fastrand::Rng;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::attributes;
use crate::shop::{FRONTEND, HEALTH_CHECK, SERVICES, Work};

/// What is special about a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Character {
    Plain,
    /// At least one span has status ERROR and an exception.
    Error,
    /// Lasts more than two seconds.
    Slow,
    /// A single span of a probe.
    HealthCheck,
}

/// A span with the service and instance that report it.
#[derive(Clone, Debug)]
pub struct Reported {
    pub service: usize,
    pub instance: usize,
    pub span: Span,
}

/// Instances of each service.
pub const INSTANCES: usize = 4;
const MILLISECOND: u64 = 1_000_000;

/// Grows a trace of about `size` spans that starts at `start` (nanoseconds since the Unix epoch).
///
/// Spans nest: a child lies within its parent. The first one is the root.
pub fn grow(character: Character, size: usize, start: u64, rng: &mut Rng) -> Vec<Reported> {
    let mut trace_id = vec![0; 16];
    rng.fill(&mut trace_id);
    trace_id[0] |= 1;
    let mut trace = Growing {
        trace_id,
        rng,
        spans: Vec::with_capacity(size),
    };
    if character == Character::HealthCheck {
        let service = trace.rng.usize(0..SERVICES.len());
        trace.add(
            None,
            service,
            HEALTH_CHECK,
            SpanKind::Server,
            (start, start + MILLISECOND),
        );
        return trace.spans;
    }
    let length = match character {
        Character::Slow => trace.rng.u64(2100..9000),
        _ => trace.rng.u64(20..900),
    };
    let root_work = SERVICES[FRONTEND].serves[trace.rng.usize(0..SERVICES[FRONTEND].serves.len())];
    trace.add(
        None,
        FRONTEND,
        root_work,
        SpanKind::Server,
        (start, start + length * MILLISECOND),
    );
    while trace.spans.len() < size {
        trace.branch();
    }
    if character == Character::Error {
        trace.fail();
    }
    trace.spans
}

struct Growing<'a> {
    trace_id: Vec<u8>,
    rng: &'a mut Rng,
    spans: Vec<Reported>,
}

impl Growing<'_> {
    /// Adds a call to another service (two spans), or a piece of the service's own work, below a recent span.
    fn branch(&mut self) {
        let recent = self.spans.len().min(8);
        let parent = self.spans.len() - 1 - self.rng.usize(0..recent);
        let service = self.spans[parent].service;
        let times = self.within(parent);
        let calls = SERVICES[service].calls;
        if !calls.is_empty() && self.rng.u8(0..10) < 5 {
            let callee = calls[self.rng.usize(0..calls.len())];
            let work = SERVICES[callee].serves[self.rng.usize(0..SERVICES[callee].serves.len())];
            let client = self.add(Some(parent), service, work, SpanKind::Client, times);
            let times = self.within(client);
            self.add(Some(client), callee, work, SpanKind::Server, times);
        } else {
            let work = SERVICES[service].does[self.rng.usize(0..SERVICES[service].does.len())];
            let kind = match work {
                Work::Database(..) => SpanKind::Client,
                Work::Message(_) => SpanKind::Producer,
                _ => SpanKind::Internal,
            };
            self.add(Some(parent), service, work, kind, times);
        }
    }

    /// A stretch of time within a span.
    fn within(&mut self, parent: usize) -> (u64, u64) {
        let span = &self.spans[parent].span;
        let length = span.end_time_unix_nano - span.start_time_unix_nano;
        let start = span.start_time_unix_nano + self.rng.u64(0..length / 2 + 1);
        (start, start + self.rng.u64(0..length / 2 + 1))
    }

    fn add(
        &mut self,
        parent: Option<usize>,
        service: usize,
        work: Work,
        kind: SpanKind,
        times: (u64, u64),
    ) -> usize {
        let mut span_id = vec![0; 8];
        self.rng.fill(&mut span_id);
        span_id[0] |= 1;
        let client = kind == SpanKind::Client || kind == SpanKind::Producer;
        let span = Span {
            trace_id: self.trace_id.clone(),
            span_id,
            parent_span_id: parent
                .map(|parent| self.spans[parent].span.span_id.clone())
                .unwrap_or_default(),
            name: name(work),
            kind: kind as i32,
            flags: 0x101,
            start_time_unix_nano: times.0,
            end_time_unix_nano: times.1,
            attributes: attributes::of(work, client, 200, self.rng),
            ..Span::default()
        };
        // One instance of a service handles a whole trace.
        let instance = usize::from(self.trace_id[1]) % INSTANCES;
        self.spans.push(Reported {
            service,
            instance,
            span,
        });
        self.spans.len() - 1
    }

    /// An error somewhere below, which its callers see as well.
    fn fail(&mut self) {
        let mut at = self.rng.usize(0..self.spans.len());
        let event = attributes::exception(self.spans[at].span.end_time_unix_nano, self.rng);
        self.spans[at].span.events.push(event);
        loop {
            let span = &mut self.spans[at].span;
            span.status = Some(Status {
                code: 2,
                message: "upstream did not answer in time".to_owned(),
            });
            for attribute in &mut span.attributes {
                if attribute.key == "http.response.status_code" {
                    *attribute = attributes::number("http.response.status_code", 503);
                }
            }
            let parent = span.parent_span_id.clone();
            let Some(above) = self
                .spans
                .iter()
                .position(|other| other.span.span_id == parent)
            else {
                return;
            };
            if self.rng.u8(0..10) == 0 {
                return;
            }
            at = above;
        }
    }
}

fn name(work: Work) -> String {
    match work {
        Work::Http(method, route) => format!("{method} {route}"),
        Work::Rpc(service, method) => format!("{service}/{method}"),
        Work::Database(_, operation, table) => format!("{operation} {table}"),
        Work::Message(destination) => format!("send {destination}"),
        Work::Internal(name) => name.to_owned(),
    }
}
