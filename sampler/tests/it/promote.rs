//! What is promoted gets onto every kept span of its trace: late ones, after a restart, and after other keys are configured.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use runtime::config::Problems;
use sampler::output::Output;
use sampler::partition::Partition;
use sampler::position::{Position, Start};
use sampler::reconfigure::Reconfiguration;
use sampler::record::RawRecord;
use sampler::{Config, RawConfig};
use schemas::decisions::DecisionBatch;
use serde_json::{Value, json};

const NOW_MS: u64 = 1_780_000_000_000;
const WAIT_MS: u64 = 1000;
const TTL_MS: u64 = 10_000;

fn config(promote: Value) -> Config {
    let section = json!({
        "decision_wait": "1s", "decision_cache_ttl": "10s", "late_errors": "rescue", "promote": promote,
        "policies": [{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}],
    });
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut problems = Problems::new();
    let mut config = raw.validate("sampler", &mut problems);
    config.options.bus.stamps = true;
    assert!(problems.is_empty(), "{problems:?}");
    config
}

/// A partition with its log and what it wrote.
struct World {
    partition: Partition,
    raw: Vec<RawRecord>,
    decisions: Vec<Bytes>,
    position: Option<(u64, String)>,
    /// By span id, the attributes of what was kept.
    kept: Vec<(u8, Vec<(String, Any)>)>,
}

impl World {
    fn new(promote: Value) -> Self {
        let Config {
            policies, options, ..
        } = config(promote);
        let start = Start {
            clock_emit_ms: NOW_MS,
            ..Start::default()
        };
        Self {
            partition: Partition::new(0, policies, options, start, 1 << 20),
            raw: Vec::new(),
            decisions: Vec::new(),
            position: None,
            kept: Vec::new(),
        }
    }

    fn span(&mut self, after_ms: u64, span: Span) {
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let record = RawRecord {
            offset: self.raw.len() as u64,
            timestamp_ms: NOW_MS + after_ms,
            tenant: None,
            value: Bytes::from(request.encode_to_vec()),
        };
        self.raw.push(record.clone());
        self.partition.observe(record);
        self.epoch();
    }

    /// It is so late, and an epoch is over.
    fn tick(&mut self, after_ms: u64) {
        self.partition.tick(NOW_MS + after_ms);
        self.epoch();
    }

    fn epoch(&mut self) {
        self.partition.emit(usize::MAX);
        while let Some(missing) = self.partition.missing_for_rescue() {
            let records = self.raw[missing.start as usize..missing.end as usize].to_vec();
            self.partition.supply_rescue(records, missing.end);
            self.partition.emit(usize::MAX);
        }
        let Output {
            decisions,
            sampled,
            position,
            ..
        } = self.partition.take();
        if !decisions.entries.is_empty() {
            self.decisions.push(decisions.encode());
        }
        self.position = Some(position);
        for (_, value) in sampled {
            let request = ExportTraceServiceRequest::decode(value).unwrap();
            let scopes = (request.resource_spans.into_iter()).flat_map(|all| all.scope_spans);
            for span in scopes.flat_map(|scope| scope.spans) {
                let value = |pair: KeyValue| (pair.key, pair.value.unwrap().value.unwrap());
                let attributes = span.attributes.into_iter().map(value).collect();
                self.kept.push((span.span_id[0], attributes));
            }
        }
    }

    /// Another process takes over, with these keys.
    fn restart(&mut self, promote: Value) {
        let (emit, metadata) = self.position.clone().unwrap();
        let start = Position::parse(&metadata).unwrap().start(emit);
        let Config {
            policies, options, ..
        } = config(promote);
        self.partition = Partition::new(0, policies, options, start, 1 << 20);
        for value in &self.decisions {
            let batch = DecisionBatch::decode(value).unwrap();
            self.partition.restore(&batch);
        }
        for record in &self.raw[emit as usize..] {
            self.partition.observe(record.clone());
        }
    }

    fn reconfigure(&mut self, promote: Value) {
        let Config {
            policies, options, ..
        } = config(promote);
        let change = Reconfiguration { policies, options };
        self.partition.reconfigure(&change);
    }

    fn take_kept(&mut self) -> Vec<(u8, Vec<(String, Any)>)> {
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_by_key(|(id, _)| *id);
        kept
    }
}

/// A span of trace `trace`; 1 is the root.
fn span(trace: u8, n: u8, attributes: Vec<(String, Any)>) -> Span {
    let pair = |(key, value)| KeyValue {
        key,
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![n; 8],
        parent_span_id: if n == 1 { Vec::new() } else { vec![1; 8] },
        start_time_unix_nano: 1_000_000_000 + u64::from(n),
        end_time_unix_nano: 1_100_000_000,
        attributes: attributes.into_iter().map(pair).collect(),
        ..Span::default()
    }
}

fn failed(span: Span) -> Span {
    Span {
        status: Some(Status {
            code: 2,
            ..Status::default()
        }),
        ..span
    }
}

fn text(key: &str, text: &str) -> (String, Any) {
    (key.to_owned(), Any::StringValue(text.to_owned()))
}

#[test]
fn every_kept_span_gets_what_the_root_has_late_ones_and_after_a_restart_too() {
    let promote = json!(["tenant.id", "beta", "ratio", "attempt"]);
    let mut world = World::new(promote.clone());
    let values = vec![
        text("tenant.id", "acme"),
        ("beta".to_owned(), Any::BoolValue(true)),
        ("ratio".to_owned(), Any::DoubleValue(0.5)),
        ("attempt".to_owned(), Any::IntValue(-3)),
    ];
    let own = vec![text("x", "y"), text("tenant.id", "other")];
    world.span(0, span(1, 2, own.clone()));
    world.span(1, failed(span(1, 1, values.clone())));
    world.span(2, span(1, 3, Vec::new()));
    // What was known before the crash, and nobody knows any more.
    world.restart(promote.clone());
    world.tick(WAIT_MS);
    let with_own = [&own[..], &values[1..]].concat();
    let expected = [(1, values.clone()), (2, with_own), (3, values.clone())];
    assert_eq!(world.take_kept(), expected);
    world.span(WAIT_MS + 5, span(1, 4, Vec::new()));
    assert_eq!(world.take_kept(), [(4, values.clone())]);
    world.restart(promote.clone());
    // So late that the verdict is written once more; then from there alone.
    world.span(WAIT_MS + TTL_MS, span(1, 5, Vec::new()));
    assert_eq!(world.take_kept(), [(5, values.clone())]);
    world.decisions.remove(0);
    world.restart(promote);
    world.span(WAIT_MS + TTL_MS + TTL_MS, span(1, 6, Vec::new()));
    assert_eq!(world.take_kept(), [(6, values)]);
}

/// The root came before the verdict was drop: its values are known by the log alone.
#[test]
fn what_a_late_error_brings_back_gets_it_too() {
    for restarts in [false, true] {
        let promote = json!(["tenant.id"]);
        let mut world = World::new(promote.clone());
        let values = vec![text("tenant.id", "acme")];
        world.span(0, span(1, 1, values.clone()));
        world.span(1, span(1, 2, Vec::new()));
        world.tick(WAIT_MS);
        assert_eq!(world.take_kept(), []);
        if restarts {
            world.restart(promote.clone());
        }
        world.span(WAIT_MS + 10, failed(span(1, 3, Vec::new())));
        if restarts {
            world.restart(promote);
        }
        world.tick(3 * WAIT_MS);
        let expected: Vec<_> = (1..=3).map(|n| (n, values.clone())).collect();
        assert_eq!(world.take_kept(), expected, "restarts: {restarts}");
    }
}

/// A verdict keeps what it has; an open trace keeps what both configurations promote.
#[test]
fn other_keys_hold_for_traces_that_are_undecided() {
    let mut world = World::new(json!(["tenant.id", "user"]));
    let values = vec![text("tenant.id", "acme"), text("user", "ann")];
    let tenant = values[..1].to_vec();
    world.span(0, failed(span(1, 1, values.clone())));
    world.tick(WAIT_MS);
    world.span(WAIT_MS + 1, failed(span(2, 1, values.clone())));
    world.take_kept();
    world.reconfigure(json!(["new", "tenant.id"]));
    world.span(WAIT_MS + 2, span(1, 2, Vec::new()));
    world.span(WAIT_MS + 3, span(2, 3, Vec::new()));
    world.tick(3 * WAIT_MS);
    let expected = [(1, values.clone()), (2, values.clone()), (3, tenant)];
    assert_eq!(world.take_kept(), expected);
    world.reconfigure(json!([]));
    world.span(3 * WAIT_MS + 1, failed(span(3, 1, values.clone())));
    world.span(3 * WAIT_MS + 1, span(3, 2, Vec::new()));
    world.span(3 * WAIT_MS + 1, span(1, 3, Vec::new()));
    world.tick(5 * WAIT_MS);
    let expected = [(1, values.clone()), (2, Vec::new()), (3, values)];
    assert_eq!(world.take_kept(), expected);
}
