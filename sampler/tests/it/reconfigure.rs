//! Another configuration for a partition that runs: what was gathered stays, what nobody asked for is unknown, numbers follow names.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use runtime::config::Problems;
use sampler::output::Output;
use sampler::partition::Partition;
use sampler::position::Position;
use sampler::position::Start;
use sampler::reconfigure::Reconfiguration;
use sampler::record::RawRecord;
use sampler::{Config, RawConfig};
use schemas::decisions::{EntryKind, Verdict};
use serde_json::{Value, json};

const NOW_MS: u64 = 1_780_000_000_000;

fn config(section: Value) -> Config {
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("sampler", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config
}

fn partition(section: Value) -> Partition {
    let config = config(section);
    let start = Start {
        clock_emit_ms: NOW_MS,
        ..Start::default()
    };
    Partition::new(0, config.policies, config.options, start, 1 << 20)
}

fn reconfigure(partition: &mut Partition, section: Value) {
    let Config {
        policies, options, ..
    } = config(section);
    partition.reconfigure(&Reconfiguration { policies, options });
}

/// One span of trace `n`, with an attribute `k`, lasting so long.
fn observe(partition: &mut Partition, offset: u64, n: u8, k: &str, error: bool, length_ms: u64) {
    let attribute = KeyValue {
        key: "k".to_owned(),
        value: Some(AnyValue {
            value: Some(Any::StringValue(k.to_owned())),
        }),
        ..KeyValue::default()
    };
    let span = Span {
        trace_id: vec![n; 16],
        span_id: vec![n; 8],
        start_time_unix_nano: 1_000_000_000,
        end_time_unix_nano: 1_000_000_000 + length_ms * 1_000_000,
        attributes: vec![attribute],
        status: error.then(|| Status {
            code: 2,
            ..Status::default()
        }),
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    partition.observe(RawRecord {
        offset,
        timestamp_ms: NOW_MS + offset,
        tenant: None,
        value: Bytes::from(request.encode_to_vec()),
    });
}

fn take(partition: &mut Partition) -> Output {
    partition.emit(usize::MAX);
    partition.take()
}

/// First byte of the trace id, and the policy that kept it.
fn verdicts(output: &Output) -> Vec<(u8, Option<String>)> {
    let batch = &output.decisions;
    let mut verdicts: Vec<_> = (batch.entries.iter())
        .filter(|entry| entry.kind == EntryKind::Decided)
        .map(|entry| {
            let policy = entry
                .policy
                .map(|at| batch.policies[usize::from(at)].clone());
            assert_eq!(entry.verdict == Verdict::Keep, policy.is_some());
            (entry.trace_id[0], policy)
        })
        .collect();
    verdicts.sort();
    verdicts
}

fn errors() -> Value {
    json!({"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}})
}

fn slow(threshold_ms: u64) -> Value {
    json!({"name": format!("slow-{threshold_ms}"), "type": "latency", "latency": {"threshold_ms": threshold_ms}})
}

fn with(value: &str) -> Value {
    json!({"name": format!("with-{value}"), "type": "string_attribute", "string_attribute": {"key": "k", "values": [value]}})
}

#[test]
fn what_was_gathered_stays_and_what_is_new_is_unknown() {
    let before = json!({"policies": [slow(5000), with("a"), errors()]});
    let mut partition = partition(before);
    observe(&mut partition, 0, 1, "-", true, 10);
    observe(&mut partition, 1, 2, "a", false, 10);
    observe(&mut partition, 2, 3, "b", false, 10);
    observe(&mut partition, 3, 4, "-", false, 300);
    take(&mut partition);
    // In another order, one more before them, one gone, another threshold, and half the wait.
    let after = json!({"policies": [with("b"), errors(), slow(200)], "decision_wait": "15s"});
    reconfigure(&mut partition, after);
    observe(&mut partition, 4, 5, "b", false, 10);
    observe(&mut partition, 5, 6, "a", false, 10);
    partition.tick(NOW_MS + 16_000);
    let output = take(&mut partition);
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(
        verdicts(&output),
        [
            (1, name("errors")),
            // Its policy is gone.
            (2, None),
            // It had `b` before anybody asked for it.
            (3, None),
            // Durations are known of every trace.
            (4, name("slow-200")),
            (5, name("with-b")),
            (6, None),
        ]
    );
    assert_eq!(output.decisions.policies, ["with-b", "errors", "slow-200"]);
    assert_eq!(output.counts.decider.verdicts, [(1, 0), (1, 0), (1, 0)]);
    assert_eq!(output.counts.decider.unmatched, 3);
}

#[test]
fn generations_tell_configurations_apart() {
    let first = json!({"policies": [errors()]});
    let mut partition = partition(first.clone());
    let mut generations = Vec::new();
    for (offset, section) in (0..).zip([first.clone(), json!({"policies": [with("a")]}), first]) {
        reconfigure(&mut partition, section);
        observe(&mut partition, offset, 1 + offset as u8, "-", false, 1);
        partition.tick(NOW_MS + 60_000 * (1 + offset));
        let output = take(&mut partition);
        let position = Position::parse(&output.position.1).unwrap();
        assert_eq!(position.generation, output.decisions.generation);
        generations.push(output.decisions.generation);
    }
    assert_eq!(generations[0], generations[2]);
    assert_ne!(generations[0], generations[1]);
}

/// A late span's log entry names the policy by its new number, or none when it is gone.
#[test]
fn verdicts_that_hold_follow_their_policies() {
    let section = |policies: Value| json!({"policies": policies, "decision_wait": "1s", "decision_cache_ttl": "4s"});
    let mut partition = partition(section(json!([with("a"), errors()])));
    observe(&mut partition, 0, 1, "-", true, 10);
    observe(&mut partition, 1, 2, "a", false, 10);
    partition.tick(NOW_MS + 2000);
    take(&mut partition);
    reconfigure(&mut partition, section(json!([slow(1), errors()])));
    for (offset, n) in [(4000, 1), (4001, 2)] {
        observe(&mut partition, offset, n, "-", false, 10);
    }
    observe(&mut partition, 4002, 3, "-", false, 10);
    let batch = take(&mut partition).decisions;
    let extended: Vec<_> = (batch.entries.iter())
        .filter(|entry| entry.kind == EntryKind::Extended)
        .map(|entry| {
            let policy = entry
                .policy
                .map(|at| batch.policies[usize::from(at)].as_str());
            (entry.trace_id[0], entry.verdict, policy)
        })
        .collect();
    let expected = [(1, Verdict::Keep, Some("errors")), (2, Verdict::Keep, None)];
    assert_eq!(extended, expected);
}

/// What policies remember from trace to trace stays: which shapes were there, what is usual, and what is left of a budget.
#[test]
fn what_policies_remember_stays() {
    let novelty = json!({"name": "new", "type": "novelty", "novelty": {"interval": "1h"}});
    let outlier = json!({"name": "unusual", "type": "latency_outlier", "latency_outlier": {"keys": ["k"], "min_samples": 3, "interval": "30m"}});
    let limit = json!({"name": "few", "type": "rate_limiting", "rate_limiting": {"spans_per_second": 1, "burst_capacity": 2}});
    let cases = [
        (novelty, vec![(1, Some("new")), (2, None)], (None, 10)),
        (
            outlier,
            vec![(1, None), (2, None), (3, None)],
            (Some("unusual"), 500),
        ),
        (
            limit,
            vec![(1, Some("few")), (2, Some("few")), (3, None)],
            (None, 10),
        ),
    ];
    for (policy, before, (after, length_ms)) in cases {
        let mut partition = partition(json!({"policies": [policy.clone()]}));
        for &(n, _) in &before {
            observe(&mut partition, u64::from(n), n, "-", false, 10);
        }
        partition.tick(NOW_MS + 30_100);
        let expected: Vec<_> = (before.iter())
            .map(|&(n, policy)| (n, policy.map(str::to_owned)))
            .collect();
        assert_eq!(verdicts(&take(&mut partition)), expected);
        reconfigure(&mut partition, json!({"policies": [with("b"), policy]}));
        observe(&mut partition, 100, 100, "-", false, length_ms);
        partition.tick(NOW_MS + 30_200);
        let expected = [(100, after.map(str::to_owned))];
        assert_eq!(verdicts(&take(&mut partition)), expected);
    }
}

/// A shorter wait makes a trace due at once whose last span, an error, came after the new deadline. It is no late error when its partition is read again.
#[test]
fn what_a_shorter_wait_closes_is_not_reopened_by_its_own_spans() {
    let section = |wait: &str| json!({"decision_wait": wait, "late_errors": "rescue", "policies": [slow(5000)]});
    let mut before = partition(section("30s"));
    observe(&mut before, 0, 1, "-", false, 10);
    observe(&mut before, 12_000, 1, "-", true, 10);
    before.take();
    reconfigure(&mut before, section("10s"));
    before.tick(NOW_MS + 12_001);
    let output = before.take();
    assert_eq!(verdicts(&output), [(1, None)]);

    let (emit, metadata) = &output.position;
    let start = Position::parse(metadata).unwrap().start(*emit);
    assert_eq!(start.emit, 0, "nothing has been emitted");
    let Config {
        policies, options, ..
    } = config(section("10s"));
    let mut heir = Partition::new(0, policies, options, start, 1 << 20);
    heir.restore(&output.decisions);
    observe(&mut heir, 0, 1, "-", false, 10);
    observe(&mut heir, 12_000, 1, "-", true, 10);
    assert_eq!(heir.open_traces(), 0);
    assert_eq!(take(&mut heir).decisions.entries, []);
    // One that is late is late.
    observe(&mut heir, 12_500, 1, "-", true, 10);
    assert_eq!(heir.open_traces(), 1);
}
