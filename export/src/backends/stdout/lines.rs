//! A batch as lines for the terminal: one for each trace that has spans in it, each log record, each metric.
//!
//! `12:01:07.123  checkout  POST /orders  482ms  17 spans  ERROR  4bf92f3577b34da6a3ce929d0e0e4736`

use std::collections::HashMap;
use std::fmt::Write;

use bytes::Bytes;
use schemas::Signal;
use schemas::otlp::{AnyValue, Item, Items, LogView, SpanView, StatusCode};
use schemas::wire::{Fields, Value, WireError};

use crate::records::batch::Batch;
use crate::transport::body::Payload;

/// Names and bodies are cut here, to keep a line a line.
const TEXT_CHARS_MAX: usize = 80;

pub fn encode(signal: Signal, batch: &Batch) -> Result<Payload, String> {
    let mut out = String::new();
    let mut traces = Traces::default();
    for (index, entry) in batch.entries.iter().enumerate() {
        let mut add = |item: Item<'_>| match signal {
            Signal::Traces => traces.add(&item),
            Signal::Logs => log(&item, entry.record.timestamp_ms, &mut out),
            Signal::Metrics => metric(&item, entry.record.timestamp_ms, &mut out),
        };
        Items::new(&entry.record.value)
            .try_for_each(|item| add(item?))
            .map_err(|error| format!("{} can't be shown: {error}", batch.place_of(index)))?;
    }
    traces.write(&mut out);
    Ok(Payload::new([Bytes::from(out)]))
}

/// What is known of the traces of a batch, in the order of their first span.
#[derive(Default)]
struct Traces {
    index: HashMap<Vec<u8>, usize>,
    traces: Vec<Trace>,
}

struct Trace {
    id: Vec<u8>,
    service: String,
    /// Of the root span, or of the earliest one that is here.
    name: String,
    has_root: bool,
    start: u64,
    end: u64,
    spans: usize,
    errors: usize,
}

impl Traces {
    fn add(&mut self, item: &Item<'_>) -> Result<(), WireError> {
        let span = SpanView::parse(item.body)?;
        let index = match self.index.get(span.trace_id) {
            Some(index) => *index,
            None => {
                self.traces.push(Trace {
                    id: span.trace_id.to_vec(),
                    service: String::new(),
                    name: String::new(),
                    has_root: false,
                    start: u64::MAX,
                    end: 0,
                    spans: 0,
                    errors: 0,
                });
                self.index
                    .insert(span.trace_id.to_vec(), self.traces.len() - 1);
                self.traces.len() - 1
            }
        };
        let trace = &mut self.traces[index];
        let is_root = span.is_root() && !trace.has_root;
        if is_root || (!trace.has_root && span.start_unix_nano < trace.start) {
            trace.name = text(span.name);
            trace.service = service(item)?;
            trace.has_root = is_root;
        }
        trace.start = trace.start.min(span.start_unix_nano);
        trace.end = trace.end.max(span.end_unix_nano);
        trace.spans += 1;
        trace.errors += usize::from(span.status == StatusCode::Error);
        Ok(())
    }

    fn write(&self, out: &mut String) {
        for trace in &self.traces {
            let name = match trace.has_root {
                true => trace.name.clone(),
                false => format!("… {}", trace.name),
            };
            let spans = match trace.spans {
                1 => "1 span".to_owned(),
                more => format!("{more} spans"),
            };
            let _ = writeln!(
                out,
                "{}  {}  {name}  {}  {spans}  {}  {}",
                time(trace.start),
                trace.service,
                duration(trace.end.saturating_sub(trace.start)),
                if trace.errors > 0 { "ERROR" } else { "ok" },
                hex(&trace.id),
            );
        }
    }
}

fn log(item: &Item<'_>, received_ms: u64, out: &mut String) -> Result<(), WireError> {
    let log = LogView::parse(item.body)?;
    let mut body = String::new();
    let mut severity = String::new();
    for field in Fields::new(item.body) {
        match (field?.number, field?.value) {
            (3, Value::Len(text_)) => severity = text(text_),
            (5, Value::Len(message)) => body = value(AnyValue::parse(message)?),
            _ => {}
        }
    }
    if severity.is_empty() {
        // Four steps each: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
        const NAMES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
        let step = usize::try_from(log.severity_number - 1).unwrap_or(usize::MAX) / 4;
        severity = NAMES.get(step).copied().unwrap_or("-").to_owned();
    }
    let at = match log.time_unix_nano {
        0 => received_ms * 1_000_000,
        time => time,
    };
    let _ = write!(out, "{}  {}  {severity}  {body}", time(at), service(item)?);
    if let Some(trace_id) = log.valid_trace_id() {
        let _ = write!(out, "  {}", hex(trace_id));
    }
    out.push('\n');
    Ok(())
}

/// `Metric {name = 1, unit = 3, gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10, summary = 11}`; data
/// points are field 1 of each.
fn metric(item: &Item<'_>, received_ms: u64, out: &mut String) -> Result<(), WireError> {
    let (mut name, mut unit, mut kind, mut points) = (String::new(), String::new(), "metric", 0);
    for field in Fields::new(item.body) {
        let field = field?;
        let Value::Len(bytes) = field.value else {
            continue;
        };
        match field.number {
            1 => name = text(bytes),
            3 => unit = text(bytes),
            5 | 7 | 9 | 10 | 11 => {
                kind = match field.number {
                    5 => "gauge",
                    7 => "sum",
                    9 => "histogram",
                    10 => "exponential histogram",
                    _ => "summary",
                };
                for point in Fields::new(bytes) {
                    points += usize::from(point?.number == 1);
                }
            }
            _ => {}
        }
    }
    let unit = if unit.is_empty() {
        unit
    } else {
        format!(" ({unit})")
    };
    let points = match points {
        1 => "1 point".to_owned(),
        more => format!("{more} points"),
    };
    let at = time(received_ms * 1_000_000);
    let _ = writeln!(
        out,
        "{at}  {}  {name}{unit}  {kind}  {points}",
        service(item)?
    );
    Ok(())
}

fn service(item: &Item<'_>) -> Result<String, WireError> {
    for attribute in item.resource.attributes() {
        let attribute = attribute?;
        if attribute.key == b"service.name" {
            return Ok(value(attribute.value));
        }
    }
    Ok("-".to_owned())
}

fn value(value: AnyValue<'_>) -> String {
    match value {
        AnyValue::Empty => "-".to_owned(),
        AnyValue::String(bytes) => text(bytes),
        AnyValue::Bool(value) => value.to_string(),
        AnyValue::Int(value) => value.to_string(),
        AnyValue::Double(value) => value.to_string(),
        AnyValue::Array(_) => "[…]".to_owned(),
        AnyValue::Kvlist(_) => "{…}".to_owned(),
        AnyValue::Bytes(bytes) => format!("{} bytes", bytes.len()),
    }
}

/// Foreign text may hold line breaks and escape sequences; a terminal sees neither.
fn text(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(4 * TEXT_CHARS_MAX)];
    let text = String::from_utf8_lossy(cut);
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = chars.by_ref().take(TEXT_CHARS_MAX).collect();
    if chars.next().is_some() || cut.len() < bytes.len() {
        shown.push('…');
    }
    if shown.is_empty() {
        shown.push('-');
    }
    shown
}

/// The time of day, UTC.
fn time(unix_nano: u64) -> String {
    let ms = unix_nano / 1_000_000;
    let (s, m, h) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    format!("{:02}:{:02}:{:02}.{:03}", h % 24, m % 60, s % 60, ms % 1000)
}

/// Three or so figures: `850µs`, `42ms`, `1.25s`, `3m 20s`.
fn duration(nanos: u64) -> String {
    match nanos {
        0..1_000_000 => format!("{}µs", nanos / 1000),
        1_000_000..1_000_000_000 => format!("{}ms", nanos / 1_000_000),
        1_000_000_000..60_000_000_000 => format!("{:.2}s", nanos as f64 / 1e9),
        _ => format!(
            "{}m {}s",
            nanos / 60_000_000_000,
            nanos / 1_000_000_000 % 60
        ),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests;
