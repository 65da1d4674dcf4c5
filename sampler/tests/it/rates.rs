//! Policies about operations and about more than one trace, as a user meets them: from the configuration to the verdict.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use runtime::config::Problems;
use sampler::RawConfig;
use sampler::partition::Partition;
use sampler::policy::{Policies, RawPolicy};
use sampler::position::Start;
use sampler::record::RawRecord;
use schemas::decisions::{Decision, Verdict};
use serde_json::{Value as Json, json};

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}

/// A span of a service. Numbered spans are children; 0 is the root. It starts so many milliseconds late.
fn span(number: u8, service: &str, name: &str, start_ms: u64) -> (String, Span) {
    let span = Span {
        span_id: vec![number + 1; 8],
        parent_span_id: if number == 0 { Vec::new() } else { vec![1; 8] },
        name: name.into(),
        start_time_unix_nano: (1000 + start_ms) * 1_000_000,
        end_time_unix_nano: (1005 + start_ms) * 1_000_000,
        ..Span::default()
    };
    (service.to_owned(), span)
}

/// A partition that decides one trace after the other.
struct Bench {
    partition: Partition,
    offset: u64,
    now_ms: u64,
}

impl Bench {
    fn new(policies: Json) -> Self {
        Self::with(policies, "as_sent")
    }

    /// With what operations are called.
    fn with(policies: Json, names: &str) -> Self {
        let raw: Vec<RawPolicy> = serde_json::from_value(policies).unwrap();
        let names = serde_json::from_value(json!(names)).unwrap();
        let mut problems = Problems::new();
        let compiled = Policies::compile_with(&raw, false, names, "policies", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let options = RawConfig::default().validate("", &mut problems).options;
        let start = Start {
            clock_emit_ms: 1_000_000,
            ..Start::default()
        };
        Self {
            partition: Partition::new(0, Arc::new(compiled), options, start, 0),
            offset: 0,
            now_ms: 1_000_000,
        }
    }

    fn decide(&mut self, id: [u8; 16], spans: &[(String, Span)]) -> Decision {
        let resource_spans = spans.iter().map(|(service, span)| ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", service)],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![Span {
                    trace_id: id.to_vec(),
                    ..span.clone()
                }],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        });
        let request = ExportTraceServiceRequest {
            resource_spans: resource_spans.collect(),
        };
        self.partition.observe(RawRecord {
            offset: self.offset,
            timestamp_ms: self.now_ms,
            tenant: None,
            value: Bytes::from(request.encode_to_vec()),
        });
        self.offset += 1;
        self.partition.tick(self.now_ms + 30_000);
        let batch = self.partition.take().decisions;
        let [entry] = &batch.entries[..] else {
            panic!("{} verdicts", batch.entries.len());
        };
        entry.clone()
    }

    fn keeps(&mut self, id: [u8; 16], spans: &[(String, Span)]) -> bool {
        self.decide(id, spans).verdict == Verdict::Keep
    }
}

/// An id whose randomness is this share of the most there is.
fn id(number: u8, randomness: f64) -> [u8; 16] {
    let mut id = [number; 16];
    let value = (randomness * 2_f64.powi(56)) as u64;
    id[8..].copy_from_slice(&value.to_be_bytes());
    id
}

fn percentages() -> Json {
    json!([{"name": "o", "type": "per_operation", "per_operation": {
        "rules": [
            {"operation": "GET /healthz*", "percentage": 0},
            {"service": "payment", "percentage": 100},
            {"service": "web-*", "route": "/login", "percentage": 50},
        ],
        "default_percentage": 10}}])
}

#[test]
fn the_first_rule_that_matches_the_root_says_the_percentage() {
    let mut bench = Bench::new(percentages());
    let mut login = span(0, "web-1", "GET", 0);
    login.1.attributes.push(text("http.route", "/login"));
    // (trace, share of traces that are kept)
    let cases = [
        (vec![span(0, "payment", "GET /healthz/live", 0)], 0.0),
        (vec![span(0, "payment", "pay", 0)], 1.0),
        (vec![login], 0.5),
        (vec![span(0, "web-1", "GET", 0)], 0.1),
        // The root counts, wherever it stands.
        (
            vec![span(1, "payment", "pay", 5), span(0, "web-1", "GET", 0)],
            0.1,
        ),
        (
            vec![span(0, "web-1", "GET", 9), span(1, "payment", "pay", 5)],
            0.1,
        ),
        // Without one, the span that starts first.
        (
            vec![span(1, "web-1", "GET", 5), span(2, "payment", "pay", 0)],
            1.0,
        ),
        (
            vec![span(2, "payment", "pay", 0), span(1, "web-1", "GET", 5)],
            1.0,
        ),
    ];
    let mut number = 0;
    for (spans, share) in cases {
        for (randomness, kept) in [
            (0.999, share > 0.0),
            (1.0 - share - 1e-6, false),
            (1.0 - share, true),
        ] {
            if (0.0..1.0).contains(&randomness) {
                number += 1;
                let entry = bench.decide(id(number, randomness), &spans);
                let keeps = entry.verdict == Verdict::Keep;
                assert_eq!(keeps, kept, "{share} at {randomness}: {spans:?}");
                let threshold = ((1.0 - share) * 2_f64.powi(56)).round() as u64;
                assert!(!kept || entry.threshold == threshold, "{share}");
            }
        }
    }
}

#[test]
fn randomness_comes_from_upstream_where_there_is_one() {
    let mut bench = Bench::new(percentages());
    let mut random = span(0, "web-1", "GET", 0);
    random.1.trace_state = "ot=rv:ffffffffffffff".into();
    assert!(bench.keeps(id(1, 0.0), &[random.clone()]));
    random.1.trace_state = "ot=rv:00000000000001".into();
    assert!(!bench.keeps(id(2, 0.999), &[random]));
}

/// What upstream left is kept at the rate of the budget, and the threshold says both.
#[test]
fn a_throughput_is_of_what_upstream_left() {
    let mut bench = Bench::new(json!([{"name": "t", "type": "throughput",
        "throughput": {"traces_per_second": 1, "keys": ["operation"], "initial_percentage": 50}}]));
    for (number, randomness, kept) in [(1, 0.74, false), (2, 0.76, true)] {
        let mut half = span(0, "web", "GET", 0);
        half.1.trace_state = "ot=th:8".into();
        let entry = bench.decide(id(number, randomness), &[half]);
        assert_eq!(entry.verdict == Verdict::Keep, kept);
        assert!(!kept || entry.threshold == 0xc0_0000_0000_0000);
    }
}

fn with_exception(mut span: (String, Span), kind: &str) -> (String, Span) {
    span.1.events.push(Event {
        name: "exception".into(),
        attributes: vec![text("exception.type", kind)],
        ..Event::default()
    });
    span
}

#[test]
fn a_shape_is_new_once_whatever_the_order_and_number_of_spans() {
    let mut bench = Bench::new(json!([{"name": "n", "type": "novelty"}]));
    let (web, cart) = (span(0, "web", "GET", 0), span(1, "cart", "add", 1));
    let mut failed = cart.clone();
    failed.1.status = Some(Status {
        code: 2,
        ..Status::default()
    });
    let cases = [
        (vec![web.clone(), cart.clone()], true),
        (
            vec![cart.clone(), web.clone(), cart.clone(), cart.clone()],
            false,
        ),
        (vec![web.clone()], true),
        (vec![web.clone(), span(1, "cart", "remove", 1)], true),
        (vec![web.clone(), failed.clone()], true),
        (vec![failed.clone(), web.clone()], false),
        (
            vec![web.clone(), with_exception(failed.clone(), "Timeout")],
            true,
        ),
        (
            vec![web.clone(), with_exception(failed.clone(), "Refused")],
            true,
        ),
        (
            vec![with_exception(failed.clone(), "Timeout"), web.clone()],
            false,
        ),
    ];
    for (number, (spans, new)) in (1..).zip(cases) {
        assert_eq!(bench.keeps(id(number, 0.0), &spans), new, "case {number}");
    }
    bench.now_ms += 900_000;
    assert!(bench.keeps(id(99, 0.0), &[web]));
}

#[test]
fn a_floor_counts_what_any_policy_keeps() {
    let mut bench = Bench::new(json!([
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": 100}},
        {"name": "f", "type": "floor", "floor": {"keys": ["root.service.name", "http.route"], "traces": 2}},
    ]));
    let mut slow = span(0, "web", "GET", 0);
    slow.1.end_time_unix_nano += 1_000_000_000;
    let (fast, other) = (span(0, "web", "GET", 0), span(0, "cart", "add", 0));
    let mut routed = fast.clone();
    routed.1.attributes.push(text("http.route", "/"));
    let cases = [
        (&slow, true),
        (&fast, true),
        (&fast, false),
        (&slow, true),
        (&other, true),
        (&routed, true),
    ];
    for (number, (span, kept)) in (1..).zip(cases) {
        assert_eq!(
            bench.keeps(id(number, 0.0), std::slice::from_ref(span)),
            kept,
            "case {number}"
        );
    }
}

#[test]
fn an_outlier_is_longer_than_its_operation_usually_is() {
    let mut bench = Bench::new(json!([{"name": "o", "type": "latency_outlier",
        "latency_outlier": {"percentile": 90, "min_samples": 10}}]));
    let of = |name: &str, ms: u64| {
        let mut span = span(0, "web", name, 0);
        span.1.end_time_unix_nano = span.1.start_time_unix_nano + ms * 1_000_000;
        [span]
    };
    for number in 1..21 {
        assert!(!bench.keeps(id(number, 0.0), &of("quick", 10)), "{number}");
        assert!(
            !bench.keeps(id(100 + number, 0.0), &of("slow", 1000)),
            "{number}"
        );
    }
    for (number, (name, ms, kept)) in (200..).zip([
        ("quick", 10, false),
        ("quick", 12, true),
        ("slow", 12, false),
        ("slow", 1200, true),
        ("new", 99, false),
    ]) {
        assert_eq!(
            bench.keeps(id(number, 0.0), &of(name, ms)),
            kept,
            "{name} {ms}"
        );
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let policies = json!([
        {"name": "a", "type": "per_operation", "per_operation": {"rules": [{"percentage": 101}, {"service": "x"}]}},
        {"name": "b", "type": "throughput", "throughput": {"spans_per_second": 5, "bytes_per_second": 1, "weight": 1.5, "max_keys": 0,
            "initial_percentage": -1, "interval": "1h"}},
        {"name": "c", "type": "throughput", "throughput": {"keys": ["root."], "method": "windowed", "window": "1h"}},
        {"name": "d", "type": "latency_outlier", "latency_outlier": {"percentile": 100, "factor": 0, "min_samples": 0, "interval": "1h", "keys": []}},
        {"name": "e", "type": "novelty", "novelty": {"first": 0, "interval": "2h"}},
        {"name": "f", "type": "floor", "floor": {"traces": 0, "interval": "1ms"}},
        {"name": "g", "type": "floor"},
    ]);
    let raw: Vec<RawPolicy> = serde_json::from_value(policies).unwrap();
    let mut problems = Problems::new();
    Policies::compile(&raw, false, "p", &mut problems);
    let mut paths: Vec<_> = problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    paths.sort_unstable();
    let expected = [
        "p[0].per_operation.default_percentage",
        "p[0].per_operation.rules[0]",
        "p[0].per_operation.rules[0].percentage",
        "p[0].per_operation.rules[1].percentage",
        "p[1].throughput.bytes_per_second",
        "p[1].throughput.initial_percentage",
        "p[1].throughput.interval",
        "p[1].throughput.keys",
        "p[1].throughput.max_keys",
        "p[1].throughput.weight",
        "p[2].throughput",
        "p[2].throughput.keys[0]",
        "p[2].throughput.window",
        "p[3].latency_outlier.factor",
        "p[3].latency_outlier.interval",
        "p[3].latency_outlier.keys",
        "p[3].latency_outlier.min_samples",
        "p[3].latency_outlier.percentile",
        "p[4].novelty.first",
        "p[4].novelty.interval",
        "p[5].floor.interval",
        "p[5].floor.keys",
        "p[5].floor.traces",
        "p[6].floor",
    ];
    assert_eq!(paths, expected, "{problems:?}");
}

/// An id in a name makes each trace new, unless operations are told apart without ids.
#[test]
fn operations_without_ids_are_few() {
    let policies = json!([
        {"name": "n", "type": "novelty"},
        {"name": "o", "type": "per_operation", "per_operation": {
            "rules": [{"operation": "GET /pay/{id}", "percentage": 100}], "default_percentage": 0,
        }},
    ]);
    let request = |id: u8, path: &str| {
        let (service, mut root) = span(0, "shop", &format!("GET {path}{id}"), 0);
        root.kind = 2;
        root.attributes = vec![
            text("http.request.method", "GET"),
            text("url.path", &format!("{path}{id}")),
        ];
        [(service, root)]
    };
    let kept = |names: &str, path: &str| -> Vec<bool> {
        let mut bench = Bench::with(policies.clone(), names);
        let decided = (1..5).map(|id| bench.decide([id; 16], &request(id, path)));
        decided
            .map(|decision| decision.verdict != Verdict::Drop)
            .collect()
    };
    assert_eq!(kept("as_sent", "/carts/"), [true; 4]);
    assert_eq!(kept("normalized", "/carts/"), [true, false, false, false]);
    assert_eq!(kept("normalized", "/pay/"), [true; 4]);
}
