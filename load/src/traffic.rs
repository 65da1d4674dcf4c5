//! Many traces at once, interleaved into requests as a collector agent would send them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use schemas::Signal;
use serde::Serialize;

use crate::attributes;
use crate::logs;
use crate::metrics;
use crate::shop::SERVICES;
use crate::trace::{self, Character, Reported};

/// What the traffic is made of; shares are of traces, but for `late` and `duplicate`, which are of spans and requests.
#[derive(Clone, Debug, Serialize)]
pub struct Mix {
    pub error: f64,
    pub slow: f64,
    pub health_check: f64,
    /// Spans that arrive late. Never of error or slow traces, so that a sampler without rescue can keep those whole.
    pub late: f64,
    /// How late at most, in seconds of traffic time; at least 5.
    pub late_seconds_max: u64,
    /// Requests that are sent twice, as after a lost answer.
    pub duplicate: f64,
    /// Trace sizes are log-normal: median 10, mean 26, p99 250 with the defaults.
    pub median_spans: f64,
    pub sigma: f64,
    pub spans_max: usize,
    pub spans_per_request: usize,
    /// Traffic time advances by one second every so many spans.
    pub spans_per_second: f64,
    pub signals: Vec<&'static str>,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            error: 0.023,
            slow: 0.01,
            health_check: 0.05,
            late: 0.001,
            late_seconds_max: 120,
            duplicate: 0.0005,
            median_spans: 10.0,
            sigma: 1.384,
            spans_max: 5000,
            spans_per_request: 250,
            spans_per_second: 20_000.0,
            signals: vec!["traces"],
        }
    }
}

/// One export request.
#[derive(Clone, Debug)]
pub struct Request {
    pub signal: Signal,
    /// The `Export…ServiceRequest` in protobuf.
    pub bytes: Bytes,
    pub items: usize,
    /// When it is due, in traffic time since the start.
    pub due: Duration,
}

/// What was generated so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    pub traces: u64,
    pub spans: u64,
    /// Sent twice, on top of `spans`.
    pub duplicate_spans: u64,
    pub late_spans: u64,
    pub error_traces: u64,
    pub slow_traces: u64,
    pub health_checks: u64,
    pub log_records: u64,
    pub metrics: u64,
    pub requests: u64,
    pub bytes: u64,
    #[serde(skip)]
    pub error_trace_ids: Vec<[u8; 16]>,
}

/// Generates requests until `spans` spans were made (and their late ones are out).
pub struct Traffic {
    mix: Mix,
    rng: Rng,
    spans: u64,
    start_unix_nano: u64,
    /// Traffic time of the next trace, in nanoseconds since the start.
    next_trace: u64,
    waiting: BinaryHeap<Reverse<Waiting>>,
    batch: Vec<Reported>,
    ready: Vec<Request>,
    next_metrics: u64,
    summary: Summary,
}

/// A span that will be sent at `due`; ordered by it.
struct Waiting {
    due: u64,
    sequence: u64,
    reported: Box<Reported>,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.sequence) == (other.due, other.sequence)
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}

const SECOND: u64 = 1_000_000_000;

impl Traffic {
    /// Traffic of `spans` spans from `seed`; span times begin at `start_unix_nano`.
    pub fn new(mix: Mix, seed: u64, spans: u64, start_unix_nano: u64) -> Self {
        Self {
            mix,
            rng: Rng::with_seed(seed),
            spans,
            start_unix_nano,
            next_trace: 0,
            waiting: BinaryHeap::new(),
            batch: Vec::new(),
            ready: Vec::new(),
            next_metrics: SECOND,
            summary: Summary::default(),
        }
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn wants(&self, signal: Signal) -> bool {
        self.mix.signals.contains(&signal.name())
    }

    fn new_trace(&mut self) {
        let roll = self.rng.f64();
        let mix = &self.mix;
        let character = match roll {
            _ if roll < mix.error => Character::Error,
            _ if roll < mix.error + mix.slow => Character::Slow,
            _ if roll < mix.error + mix.slow + mix.health_check => Character::HealthCheck,
            _ => Character::Plain,
        };
        let normal = (-2.0 * (1.0 - self.rng.f64()).ln()).sqrt()
            * (std::f64::consts::TAU * self.rng.f64()).cos();
        let size = (self.mix.median_spans.ln() + self.mix.sigma * normal)
            .exp()
            .round()
            .max(1.0) as usize;
        let start = self.start_unix_nano + self.next_trace;
        let spans = trace::grow(
            character,
            size.min(self.mix.spans_max),
            start,
            &mut self.rng,
        );
        self.summary.traces += 1;
        match character {
            Character::Error => {
                self.summary.error_traces += 1;
                self.summary
                    .error_trace_ids
                    .extend(<[u8; 16]>::try_from(&spans[0].span.trace_id[..]).ok());
            }
            Character::Slow => self.summary.slow_traces += 1,
            Character::HealthCheck => self.summary.health_checks += 1,
            Character::Plain => {}
        }
        if self.wants(Signal::Logs) && (character == Character::Error || self.rng.u8(0..8) == 0) {
            let (bytes, items) = logs::request(&spans, &mut self.rng);
            self.summary.log_records += items as u64;
            self.push(Signal::Logs, bytes, items, self.next_trace);
        }
        let mean = (self.mix.median_spans.ln() + self.mix.sigma * self.mix.sigma / 2.0).exp();
        let gap = -(1.0 - self.rng.f64()).ln() * mean / self.mix.spans_per_second;
        for reported in spans {
            // A span is exported up to a second after its end, by a batch processor.
            let mut due =
                reported.span.end_time_unix_nano - self.start_unix_nano + self.rng.u64(0..SECOND);
            if character == Character::Plain && self.rng.f64() < self.mix.late {
                due += self
                    .rng
                    .u64(5 * SECOND..=self.mix.late_seconds_max.max(5) * SECOND);
                self.summary.late_spans += 1;
            }
            self.summary.spans += 1;
            self.waiting.push(Reverse(Waiting {
                due,
                sequence: self.summary.spans,
                reported: Box::new(reported),
            }));
        }
        self.next_trace += (gap * SECOND as f64) as u64;
    }

    fn flush(&mut self, due: u64) {
        let batch = std::mem::take(&mut self.batch);
        let items = batch.len();
        let bytes = encode(batch);
        if self.rng.f64() < self.mix.duplicate {
            self.summary.duplicate_spans += items as u64;
            self.push(Signal::Traces, bytes.clone(), items, due);
        }
        self.push(Signal::Traces, bytes, items, due);
    }

    fn push(&mut self, signal: Signal, bytes: Bytes, items: usize, due: u64) {
        self.summary.requests += 1;
        self.summary.bytes += bytes.len() as u64;
        self.ready.push(Request {
            signal,
            bytes,
            items,
            due: Duration::from_nanos(due),
        });
    }
}

impl Iterator for Traffic {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        loop {
            if let Some(request) = self.ready.pop() {
                return Some(request);
            }
            let due = self.waiting.peek().map(|waiting| waiting.0.due);
            if self.summary.spans < self.spans && due.is_none_or(|due| due >= self.next_trace) {
                self.new_trace();
                if self.wants(Signal::Metrics) && self.next_trace >= self.next_metrics {
                    let (bytes, items) =
                        metrics::request(self.start_unix_nano, self.next_metrics, &mut self.rng);
                    self.summary.metrics += items as u64;
                    self.push(Signal::Metrics, bytes, items, self.next_metrics);
                    self.next_metrics += SECOND;
                }
                continue;
            }
            match self.waiting.pop() {
                Some(Reverse(waiting)) => {
                    self.batch.push(*waiting.reported);
                    if self.batch.len() >= self.mix.spans_per_request {
                        self.flush(waiting.due);
                    }
                }
                None if self.batch.is_empty() => return None,
                None => self.flush(self.next_trace),
            }
        }
    }
}

/// One request with each resource once, in order of service.
fn encode(batch: Vec<Reported>) -> Bytes {
    let mut groups: BTreeMap<(usize, usize), Vec<_>> = BTreeMap::new();
    for reported in batch {
        groups
            .entry((reported.service, reported.instance))
            .or_default()
            .push(reported.span);
    }
    let resource_spans = groups
        .into_iter()
        .map(|((service, instance), spans)| ResourceSpans {
            resource: Some(attributes::resource(&SERVICES[service], instance)),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: format!("io.opentelemetry.{}", SERVICES[service].language),
                    version: "2.9.0".to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                schema_url: String::new(),
            }],
            schema_url: "https://opentelemetry.io/schemas/1.30.0".to_owned(),
        });
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
    .encode_to_vec()
    .into()
}
