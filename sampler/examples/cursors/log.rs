//! A log as it might be: traces of a shop, mixed.

use bytes::Bytes;
use fastrand::Rng;
use sampler::record::RawRecord;
use schemas::wire::{put_fixed64, put_len, put_varint_field};

use super::{OPEN_AT_ONCE, PARTITIONS, SPAN_BYTES, SPANS, START_MS, TRACES};

const RECORD_BYTES: usize = 250_000;
const SERVICES: usize = 12;

/// One partition's records: some hundred traces at a time, their spans in bursts.
pub fn log(rng: &mut Rng) -> Vec<RawRecord> {
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
