//! What redaction costs: CPU-seconds per million spans for one delete, one hash and three patterns, and for all packs of detectors.
//!
//! `cargo run --release -p tailwater-redact --example price [spans]`. The time is this thread's CPU time.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use redact::pii::{AskedPii, Pack, Pii};
use redact::{HashKey, Mask, Outcome, Redaction, Rewriter, Rules};
use schemas::Signal;

const SPANS_A_RECORD: usize = 500;
/// Many, so that what differs from span to span is new to the memo each time.
const RECORDS: usize = 100;

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}

fn number(key: &str, value: i64) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::IntValue(value)),
        }),
        ..KeyValue::default()
    }
}

/// An HTTP server's span with twelve attributes; each fifth mentions an e-mail address, all have a user and a token.
fn span(rng: &mut fastrand::Rng) -> Span {
    let (user, order) = (rng.u32(..100_000), rng.u32(..));
    let query = match rng.u8(..5) {
        0 => format!("mail=user{user}@shop.example"),
        _ => format!("page={}", rng.u8(..)),
    };
    Span {
        trace_id: (0..16).map(|_| rng.u8(..)).collect(),
        span_id: (0..8).map(|_| rng.u8(..)).collect(),
        parent_span_id: (0..8).map(|_| rng.u8(..)).collect(),
        name: "GET /api/orders/{id}".into(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + rng.u64(..1_000_000_000),
        end_time_unix_nano: 1_700_000_001_000_000_000 + rng.u64(..1_000_000_000),
        attributes: vec![
            text("http.request.method", "GET"),
            text("http.route", "/api/orders/{id}"),
            text("url.path", format!("/api/orders/{order}")),
            text("url.query", query),
            text("server.address", "orders.shop.svc.cluster.local"),
            text(
                "client.address",
                format!("10.0.{}.{}", rng.u8(..), rng.u8(..)),
            ),
            text(
                "user_agent.original",
                "Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0",
            ),
            text("network.protocol.version", "1.1"),
            number("http.response.status_code", 200),
            number("server.port", 8080),
            text("user.id", format!("user-{user}")),
            text(
                "http.request.header.authorization",
                format!("Bearer {:032x}", rng.u128(..)),
            ),
        ],
        ..Span::default()
    }
}

fn record(rng: &mut fastrand::Rng) -> Vec<u8> {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "orders"), text("host.name", "node-17")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: (0..SPANS_A_RECORD).map(|_| span(rng)).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

fn cpu_seconds() -> f64 {
    // /proc counts in hundredths of a second: fine for runs of seconds.
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn redaction(delete: bool, hash: bool, masks: usize) -> Redaction {
    let mut redaction = Redaction::default();
    if delete {
        redaction.delete = vec!["http.request.header.authorization".into()];
    }
    if hash {
        redaction.hash = vec!["user.id".into()];
        redaction.hash_key = HashKey(b"0123456789abcdef0123456789abcdef".to_vec());
    }
    let patterns = [
        ("email", r"[\w.+-]+@[\w-]+\.[\w.]+"),
        ("card", r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}\b"),
        ("token", r"eyJ[\w-]+\.[\w-]+\.[\w-]+"),
    ];
    redaction.masks = patterns[..masks]
        .iter()
        .map(|(name, pattern)| Mask {
            name: (*name).into(),
            pattern: (*pattern).into(),
            with: "****".into(),
        })
        .collect();
    redaction
}

/// All packs, as `enrich.pii` compiles them.
fn packs() -> AskedPii {
    AskedPii {
        packs: Pack::ALL.to_vec(),
        ..AskedPii::default()
    }
}

/// The ten values of a span of about 400 bytes, as they are searched when no memo knows them: what the engine costs alone.
fn engine(spans: usize, rng: &mut fastrand::Rng) {
    let pii = Pii::compile(&packs()).unwrap();
    let values: Vec<[String; 10]> = (0..1000)
        .map(|_| {
            [
                "GET".to_owned(),
                format!("/api/orders/{}/items/{}", rng.u32(..), rng.u16(..)),
                format!(
                    "page={}&size=50&sort=created_at&filter=status:open",
                    rng.u8(..)
                ),
                "orders.shop.svc.cluster.local".to_owned(),
                format!("{:032x}", rng.u128(..)),
                "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".to_owned(),
                "SELECT id, name, total FROM orders WHERE customer_id = ? AND status = ?"
                    .to_owned(),
                format!(
                    "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
                    rng.u32(..),
                    rng.u16(..),
                    rng.u16(..) >> 4,
                    rng.u16(..) >> 4,
                    rng.u64(..) >> 16
                ),
                format!("17{:017}", rng.u64(..) % 10u64.pow(17)),
                "order was placed by the checkout service".to_owned(),
            ]
        })
        .collect();
    let bytes: usize = values.iter().flatten().map(String::len).sum();
    let (mut done, mut found) = (0, 0);
    let start = cpu_seconds();
    for span in values.iter().cycle().take(spans) {
        for value in span {
            found += pii.find(b"", black_box(value.as_bytes())).len();
        }
        done += 1;
    }
    let seconds = cpu_seconds() - start;
    println!(
        "the engine alone, all packs, {} bytes in ten values: {:.2} microseconds a span, {found} found",
        bytes / values.len(),
        seconds / done as f64 * 1e6
    );
}

fn main() {
    let spans: usize = std::env::args()
        .nth(1)
        .map_or(1_000_000, |count| count.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(7);
    let records: Vec<Vec<u8>> = (0..RECORDS).map(|_| record(&mut rng)).collect();
    let bytes: usize = records.iter().map(Vec::len).sum();
    println!(
        "{spans} spans of {} bytes, {SPANS_A_RECORD} a record, 12 attributes, every fifth with an e-mail address",
        bytes / RECORDS / SPANS_A_RECORD
    );
    for (name, redaction) in [
        ("no rules", redaction(false, false, 0)),
        ("delete", redaction(true, false, 0)),
        ("delete and hash", redaction(true, true, 0)),
        ("one pattern", redaction(false, false, 1)),
        ("three patterns", redaction(false, false, 3)),
        ("delete, hash and three patterns", redaction(true, true, 3)),
        (
            "all packs",
            Redaction {
                pii: Some(packs()),
                ..Redaction::default()
            },
        ),
    ] {
        let rules = Rules::compile(&redaction).unwrap();
        let mut rewriter = Rewriter::new(rules.into());
        let (mut done, mut written) = (0, 0);
        let start = cpu_seconds();
        for record in records.iter().cycle() {
            if done >= spans {
                break;
            }
            let mut out = Vec::new();
            let result = rewriter
                .transform(Signal::Traces, black_box(record), &mut out)
                .unwrap();
            done += result.items;
            written += match result.outcome {
                Outcome::Changed => black_box(out).len(),
                Outcome::Unchanged => record.len(),
            };
        }
        let seconds = cpu_seconds() - start;
        println!(
            "{name:32} {:6.2} CPU-seconds per million spans, {} bytes a span out",
            seconds / done as f64 * 1e6,
            written / done
        );
    }
    engine(spans, &mut rng);
}
