//! Telemetry counted item by item: which spans, log records and metrics, how often, and with what content.

use std::collections::HashMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use schemas::Signal;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub type TraceId = [u8; 16];
pub type SpanId = [u8; 8];

/// What was seen at one place of the pipeline.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub traces: HashMap<TraceId, Trace>,
    /// By a hash of the resource and the item.
    pub logs: HashMap<u64, u32>,
    pub metrics: HashMap<u64, u32>,
}

#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub spans: HashMap<SpanId, Seen>,
    pub error: bool,
    pub start_unix_nano: u64,
    pub end_unix_nano: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub times: u32,
    /// A hash of the resource's attributes and the span, its trace state aside: the sampler may write its threshold there.
    pub content: u64,
}

impl Trace {
    pub fn add(&mut self, span: &Span, content: u64) {
        self.error |= is_error(span);
        self.start_unix_nano = match self.start_unix_nano {
            0 => span.start_time_unix_nano,
            start => start.min(span.start_time_unix_nano),
        };
        self.end_unix_nano = self.end_unix_nano.max(span.end_time_unix_nano);
        let id = span.span_id.as_slice().try_into().unwrap();
        let seen = self.spans.entry(id).or_default();
        seen.times += 1;
        seen.content = content;
    }

    pub fn length_ms(&self) -> u64 {
        (self.end_unix_nano - self.start_unix_nano) / 1_000_000
    }

    /// Spans, each as often as it was seen.
    pub fn times(&self) -> u64 {
        self.spans.values().map(|seen| u64::from(seen.times)).sum()
    }
}

pub fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == 2)
}

impl Tally {
    /// Counts an export request in protobuf.
    pub fn add(&mut self, signal: Signal, request: &[u8]) {
        match signal {
            Signal::Traces => each_span(request, |trace, span, content| {
                self.traces.entry(trace).or_default().add(span, content);
            }),
            Signal::Logs => {
                let request = ExportLogsServiceRequest::decode(request).expect("logs");
                for resource in &request.resource_logs {
                    let seed = seed(&resource.resource);
                    for log in resource.scope_logs.iter().flat_map(|s| &s.log_records) {
                        *self.logs.entry(hash(log, seed)).or_default() += 1;
                    }
                }
            }
            Signal::Metrics => {
                let request = ExportMetricsServiceRequest::decode(request).expect("metrics");
                for resource in &request.resource_metrics {
                    let seed = seed(&resource.resource);
                    for metric in resource.scope_metrics.iter().flat_map(|s| &s.metrics) {
                        *self.metrics.entry(hash(metric, seed)).or_default() += 1;
                    }
                }
            }
        }
    }

    /// What a `file` backend has written so far: whole lines of OTLP JSON.
    pub fn of_file(path: &std::path::Path) -> Self {
        let mut tally = Self::default();
        let text = std::fs::read(path).unwrap_or_default();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let head = String::from_utf8_lossy(&line[..line.len().min(40)]);
            let signal = Signal::ALL
                .into_iter()
                .find(|signal| head.starts_with(&format!("{{\"{}\"", json_key(*signal))));
            match (line.ends_with(b"\n"), signal) {
                (true, Some(signal)) => {
                    let request = schemas::json::to_protobuf(signal, line).expect("OTLP JSON");
                    tally.add(signal, &request);
                }
                (true, None) => panic!("not a line of OTLP JSON: {head}"),
                (false, _) => {}
            }
        }
        tally
    }

    pub fn merge(&mut self, other: &Self) {
        for (id, trace) in &other.traces {
            let ours = self.traces.entry(*id).or_default();
            for (span, seen) in &trace.spans {
                let has = ours.spans.entry(*span).or_default();
                has.times += seen.times;
                has.content = seen.content;
            }
            ours.error |= trace.error;
            ours.start_unix_nano = match ours.start_unix_nano {
                0 => trace.start_unix_nano,
                start => start.min(trace.start_unix_nano),
            };
            ours.end_unix_nano = ours.end_unix_nano.max(trace.end_unix_nano);
        }
        for (item, times) in &other.logs {
            *self.logs.entry(*item).or_default() += times;
        }
        for (item, times) in &other.metrics {
            *self.metrics.entry(*item).or_default() += times;
        }
    }

    /// Items, each as often as it was seen.
    pub fn count(&self, signal: Signal) -> u64 {
        let sum = |items: &HashMap<u64, u32>| items.values().copied().map(u64::from).sum();
        match signal {
            Signal::Traces => self.traces.values().map(Trace::times).sum(),
            Signal::Logs => sum(&self.logs),
            Signal::Metrics => sum(&self.metrics),
        }
    }
}

/// Each span of a request, with its trace and a hash of its content.
pub fn each_span(request: &[u8], mut each: impl FnMut(TraceId, &Span, u64)) {
    let mut request = ExportTraceServiceRequest::decode(request).expect("spans");
    for resource in &mut request.resource_spans {
        let seed = seed(&resource.resource);
        for span in resource.scope_spans.iter_mut().flat_map(|s| &mut s.spans) {
            span.trace_state.clear();
            let trace = span.trace_id.as_slice().try_into().expect("a trace id");
            each(trace, span, hash(span, seed));
        }
    }
}

fn json_key(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "resourceSpans",
        Signal::Logs => "resourceLogs",
        Signal::Metrics => "resourceMetrics",
    }
}

/// Equal messages have equal hashes: prost writes fields in order, whatever the order they came in.
fn hash(item: &impl Message, seed: u64) -> u64 {
    xxh3_64_with_seed(&item.encode_to_vec(), seed)
}

fn seed(resource: &Option<impl Message>) -> u64 {
    resource.as_ref().map_or(0, |resource| hash(resource, 0))
}
