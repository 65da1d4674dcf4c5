//! What a span costs the two cursors, and what an undecided trace costs in memory: the core alone, one thread, no bus.
//!
//! `cargo run --release -p tailwater-sampler --example cursors`

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use fastrand::Rng;
use runtime::config::Problems;
use sampler::RawConfig;
use sampler::partition::{Options, Partition, RawRecord, Start};
use sampler::policy::{Policies, RawPolicy, RawStringAttribute};
use schemas::wire::{put_fixed64, put_len, put_varint_field};

const PARTITIONS: usize = 16;
const SPANS: usize = 1_000_000;
const TRACES: usize = 45_000;
const SPAN_BYTES: usize = 400;
const RECORD_BYTES: usize = 250_000;
const OPEN_AT_ONCE: usize = 400;
const SERVICES: usize = 12;
const START_MS: u64 = 1_700_000_000_000;

fn main() {
    let mut rng = Rng::with_seed(7);
    let logs: Vec<_> = (0..PARTITIONS).map(|_| log(&mut rng)).collect();
    let spans: usize = SPANS / PARTITIONS * PARTITIONS;
    let bytes: usize = logs.iter().flatten().map(|record| record.value.len()).sum();
    let records: usize = logs.iter().map(Vec::len).sum();
    println!(
        "{spans} spans of {SPAN_BYTES} B in {records} records of {} kB, {TRACES} traces, {PARTITIONS} partitions, {OPEN_AT_ONCE} traces \
         mixed at a time in each",
        bytes / records / 1000
    );
    for attributes in [false, true] {
        measure(&logs, spans, attributes);
    }
}

fn measure(logs: &[Vec<RawRecord>], spans: usize, attributes: bool) {
    let (policies, options) = configuration(attributes);
    let start = Start {
        clock_emit_ms: START_MS,
        ..Start::default()
    };
    let resident = resident_bytes();
    let mut partitions: Vec<_> = (0..PARTITIONS as u32)
        .map(|number| Partition::new(number, policies.clone(), options.clone(), start, 1 << 30))
        .collect();
    let begun = Instant::now();
    for (partition, log) in partitions.iter_mut().zip(logs) {
        for record in log {
            partition.observe(record.clone());
        }
    }
    let observe = begun.elapsed();
    let open: usize = partitions.iter().map(Partition::open_traces).sum();
    let window: usize = partitions.iter().map(Partition::window_bytes).sum();
    let grown = resident_bytes().saturating_sub(resident);
    let begun = Instant::now();
    for partition in &mut partitions {
        partition.tick(START_MS + 3_600_000);
    }
    let decide = begun.elapsed();
    let begun = Instant::now();
    let mut kept = 0;
    let mut output = 0;
    for partition in &mut partitions {
        loop {
            partition.emit(1 << 20);
            let taken = partition.take();
            if !taken.moved {
                break;
            }
            kept += taken.counts.kept_spans;
            output += taken
                .sampled
                .iter()
                .map(|(_, value)| value.len())
                .sum::<usize>();
        }
    }
    let emit = begun.elapsed();
    let per_span = |time: std::time::Duration| time.as_nanos() as f64 / spans as f64;
    println!(
        "{} policies: observe {:.0} ns, decide {:.0} ns, emit {:.0} ns a span; {:.1} % kept, {:.1} MB written",
        policies.names().len(),
        per_span(observe),
        per_span(decide),
        per_span(emit),
        kept as f64 * 100.0 / spans as f64,
        output as f64 / 1e6,
    );
    println!(
        "{open} open traces: {:.1} MB by account ({} B a trace), {:.1} MB more resident",
        window as f64 / 1e6,
        window / open,
        grown as f64 / 1e6
    );
}

/// The default policies with fewer of the rest, and perhaps ten that look at attributes.
fn configuration(attributes: bool) -> (Arc<Policies>, Options) {
    let mut raw = RawConfig::default();
    if let Some(probabilistic) = &mut raw.policies[2].probabilistic {
        probabilistic.sampling_percentage = 5.0;
    }
    if attributes {
        raw.policies.extend((0..10).map(|number| RawPolicy {
            name: format!("attribute {number}"),
            kind: "string_attribute".into(),
            string_attribute: Some(RawStringAttribute {
                key: format!("attribute.{number}"),
                values: vec!["no such value".into()],
                ..RawStringAttribute::default()
            }),
            ..RawPolicy::default()
        }));
    }
    let mut problems = Problems::new();
    let config = raw.validate("sampler", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let options = Options {
        partitions: PARTITIONS as u32,
        ..config.options
    };
    (config.policies, options)
}

/// One partition's records: some hundred traces at a time, their spans in bursts.
fn log(rng: &mut Rng) -> Vec<RawRecord> {
    let spans = SPANS / PARTITIONS;
    let mean = SPANS / TRACES;
    let mut open: Vec<[u8; 16]> = (0..OPEN_AT_ONCE).map(|_| id(rng)).collect();
    let mut records = Vec::new();
    let mut scopes: Vec<Vec<u8>> = vec![Vec::new(); SERVICES];
    let (mut written, mut bytes) = (0, 0);
    while written < spans {
        let at = rng.usize(0..open.len());
        let service = rng.usize(0..SERVICES);
        for _ in 0..rng.usize(1..4) {
            if written == spans {
                break;
            }
            let body = span(rng, &open[at], written as u64);
            put_len(&mut scopes[service], 2, &body);
            bytes += body.len();
            written += 1;
            if rng.usize(0..mean) == 0 {
                open[at] = id(rng);
            }
        }
        if bytes >= RECORD_BYTES || written == spans {
            records.push(record(records.len() as u64, &mut scopes));
            bytes = 0;
        }
    }
    records
}

fn record(offset: u64, scopes: &mut [Vec<u8>]) -> RawRecord {
    let mut value = Vec::new();
    for (service, scope) in scopes.iter_mut().enumerate() {
        if scope.is_empty() {
            continue;
        }
        let (mut resource, mut resource_spans) = (Vec::new(), Vec::new());
        put_len(
            &mut resource,
            1,
            &attribute("service.name", &format!("service-{service}")),
        );
        put_len(
            &mut resource,
            1,
            &attribute(
                "k8s.pod.name",
                &format!("service-{service}-7f9c6d5b4-x2x9z"),
            ),
        );
        put_len(&mut resource_spans, 1, &resource);
        put_len(&mut resource_spans, 2, scope);
        put_len(&mut value, 1, &resource_spans);
        scope.clear();
    }
    RawRecord {
        offset,
        timestamp_ms: START_MS + offset,
        tenant: None,
        value: Bytes::from(value),
    }
}

fn id(rng: &mut Rng) -> [u8; 16] {
    rng.u128(..).to_le_bytes()
}

fn span(rng: &mut Rng, trace: &[u8; 16], number: u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(SPAN_BYTES + 16);
    put_len(&mut body, 1, trace);
    put_len(&mut body, 2, &number.to_be_bytes());
    if rng.u32(0..22) != 0 {
        put_len(&mut body, 4, &[1; 8]);
    }
    put_len(&mut body, 5, b"GET /api/products/{id}");
    put_varint_field(&mut body, 6, 2);
    let start = START_MS * 1_000_000 + rng.u64(0..100_000_000);
    put_fixed64(&mut body, 7, start);
    put_fixed64(&mut body, 8, start + rng.u64(0..50_000_000));
    for (key, value) in [
        ("http.request.method", "GET"),
        ("url.path", "/api/products/0PUK6V6EV0"),
        ("http.response.status_code", "200"),
        ("network.peer.address", "10.244.0.17"),
        ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
    ] {
        put_len(&mut body, 9, &attribute(key, value));
    }
    let padding = SPAN_BYTES.saturating_sub(body.len() + 20);
    put_len(&mut body, 9, &attribute("note", &"x".repeat(padding)));
    if rng.u32(0..2000) == 0 {
        put_len(&mut body, 15, &[0x18, 2]);
    }
    body
}

fn attribute(key: &str, value: &str) -> Vec<u8> {
    let (mut pair, mut any) = (Vec::new(), Vec::new());
    put_len(&mut any, 1, value.as_bytes());
    put_len(&mut pair, 1, key.as_bytes());
    put_len(&mut pair, 2, &any);
    pair
}

/// Linux only; 0 elsewhere.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}
