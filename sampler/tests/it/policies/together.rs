//! What policies say together: composites by the second, thresholds, matches, shadows.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;
use sampler::record::RawRecord;
use schemas::decisions::Verdict;
use serde_json::{Value as Json, json};

use super::{TRACE, partition};

/// A trace of so many spans, with `http.path`.
fn trace(number: u64, spans: usize, path: &str) -> ExportTraceServiceRequest {
    let mut id = TRACE;
    id[..8].copy_from_slice(&number.to_be_bytes());
    let span = Span {
        trace_id: id.to_vec(),
        attributes: vec![KeyValue {
            key: "http.path".into(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(path.into())),
            }),
            ..KeyValue::default()
        }],
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span; spans],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// The Collector's composite, by the second of the verdict: (seconds spent in, parts) of sub-policies that look for a path.
#[derive(Default)]
struct PlainComposite {
    second: u64,
    sampled: Vec<u64>,
}

impl PlainComposite {
    fn samples(&mut self, subs: &[(&str, u64)], second: u64, spans: u64, path: &str) -> bool {
        if self.second != second {
            (self.second, self.sampled) = (second, vec![0; subs.len()]);
        }
        let Some(at) = subs.iter().position(|sub| sub.0 == path) else {
            return false;
        };
        let allowed = self.sampled[at] + spans <= subs[at].1;
        self.sampled[at] += if allowed { spans } else { 0 };
        allowed
    }
}

proptest! {
    #[test]
    fn a_composite_is_the_collector_s_by_the_second(
        traces in prop::collection::vec((0..700_u64, 1..9_usize, prop::sample::select(vec!["/a", "/b", "/c", "/d"])), 1..60),
    ) {
        let path = |name: &str| json!({"name": name, "type": "string_attribute", "string_attribute": {"key": "http.path", "values": [name]}});
        // 0 %: a third. Not named: nothing.
        let policy = json!({"name": "composite", "type": "composite", "composite": {
            "max_total_spans_per_second": 31,
            "policy_order": ["/a", "/b", "/c"],
            "composite_sub_policy": [path("/a"), path("/b"), path("/c")],
            "rate_allocation": [{"policy": "/b", "percent": 0}, {"policy": "/a", "percent": 50}],
        }});
        let subs = [("/a", 15), ("/b", 10), ("/c", 0)];
        let mut partition = partition(&[policy], false);
        let mut plain = PlainComposite::default();
        let mut expected = Vec::new();
        let mut now_ms = 1000;
        for (number, (later_ms, spans, path)) in traces.iter().enumerate() {
            now_ms += later_ms;
            let request = trace(number as u64, *spans, path);
            partition.observe(RawRecord {
                offset: number as u64,
                timestamp_ms: now_ms,
                tenant: None,
                value: Bytes::from(request.encode_to_vec()),
            });
            let second = (now_ms + 30_000) / 1000;
            expected.push(plain.samples(&subs, second, *spans as u64, path));
        }
        partition.tick(now_ms + 1_000_000);
        let entries = partition.take().decisions.entries;
        let kept: Vec<_> = entries.iter().map(|entry| entry.verdict == Verdict::Keep).collect();
        prop_assert_eq!(kept, expected);
    }
}

/// A share that nobody knows.
const UNKNOWN: f64 = 0.0;

/// Verdict, threshold and matches by policy for one trace of one span with `http.path` /cart.
#[track_caller]
fn check(policies: Json, verdict: Verdict, kept_share: f64, matches: &[u64]) {
    let policies = policies.as_array().unwrap();
    for first_match in [false, true] {
        let mut partition = partition(policies, first_match);
        partition.observe(RawRecord {
            offset: 0,
            timestamp_ms: 1000,
            tenant: None,
            value: Bytes::from(trace(1, 1, "/cart").encode_to_vec()),
        });
        partition.tick(1_000_000);
        let output = partition.take();
        let entry = &output.decisions.entries[0];
        assert_eq!(entry.verdict, verdict);
        let share = 1.0 - entry.threshold as f64 / (1_u64 << 56) as f64;
        assert!((share - kept_share).abs() < 1e-9, "kept with {share}");
        assert_eq!(output.counts.decider.matches, matches);
    }
}

/// A share that the trace of [`check`] is in, and one that it isn't in.
fn shares() -> (Json, Json) {
    let share = |percent: f64| json!({"name": format!("{percent} %"), "type": "probabilistic", "probabilistic": {"sampling_percentage": percent}});
    (share(90.0), share(25.0))
}

fn on_path(path: &str) -> Json {
    json!({"name": path, "type": "string_attribute", "string_attribute": {"key": "http.path", "values": [path]}})
}

#[test]
fn the_most_probable_choice_counts() {
    let (most, few) = shares();
    let all = json!({"name": "all", "type": "always_sample"});
    let not =
        |policy: &Json| json!({"name": "not", "type": "not", "not": {"not_sub_policy": policy}});
    let and = |subs: Json| json!({"name": "and", "type": "and", "and": {"and_sub_policy": subs}});
    let drop =
        |subs: Json| json!({"name": "drop", "type": "drop", "drop": {"drop_sub_policy": subs}});
    check(json!([most]), Verdict::Keep, 0.9, &[1]);
    check(json!([few]), Verdict::Drop, 1.0, &[0]);
    check(json!([most, all]), Verdict::Keep, 1.0, &[1, 1]);
    check(json!([not(&few)]), Verdict::Keep, UNKNOWN, &[1]);
    check(json!([not(&few), most]), Verdict::Keep, UNKNOWN, &[1, 1]);
    check(
        json!([and(json!([on_path("/cart"), most]))]),
        Verdict::Keep,
        0.9,
        &[1],
    );
    // It passed a drop policy by chance, and another for sure.
    check(
        json!([all, drop(json!([on_path("/cart"), few]))]),
        Verdict::Keep,
        UNKNOWN,
        &[1, 0],
    );
    check(
        json!([all, drop(json!([few, on_path("/pay")]))]),
        Verdict::Keep,
        1.0,
        &[1, 0],
    );
    check(
        json!([all, drop(json!([most]))]),
        Verdict::Drop,
        1.0,
        &[0, 1],
    );
}

#[test]
fn a_shadow_is_counted_and_does_nothing() {
    let shadow = |mut policy: Json| {
        policy["mode"] = json!("shadow");
        policy
    };
    let drop =
        json!({"name": "drop", "type": "drop", "drop": {"drop_sub_policy": [on_path("/cart")]}});
    let rate =
        json!({"name": "rate", "type": "rate_limiting", "rate_limiting": {"spans_per_second": 5}});
    check(json!([shadow(on_path("/cart"))]), Verdict::Drop, 1.0, &[1]);
    check(json!([shadow(on_path("/pay"))]), Verdict::Drop, 1.0, &[0]);
    let (most, _) = shares();
    check(
        json!([most, shadow(drop.clone()), shadow(rate.clone())]),
        Verdict::Keep,
        0.9,
        &[1, 1, 1],
    );
    check(
        json!([drop, shadow(rate), on_path("/cart")]),
        Verdict::Drop,
        1.0,
        &[1, 1, 0],
    );
}
