//! Policies on bytes against a plain evaluation on decoded spans, written after the Collector's sources (v0.155).

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;
use runtime::config::Problems;
use sampler::RawConfig;
use sampler::partition::Partition;
use sampler::policy::{Policies, RawPolicy};
use sampler::position::Start;
use sampler::record::RawRecord;
use schemas::decisions::Verdict;
use serde_json::{Value as Json, json};

use generate::{named, policy, request};
use plain::expected;

mod condition;
mod generate;
mod plain;
mod together;

const TRACE: [u8; 16] = *b"a trace's own id";

/// A partition of one.
fn partition(policies: &[Json], sample_on_first_match: bool) -> Partition {
    let raw: Vec<RawPolicy> = serde_json::from_value(Json::from(policies.to_vec())).unwrap();
    let mut problems = Problems::new();
    let compiled = Policies::compile(&raw, sample_on_first_match, "policies", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let options = RawConfig::default().validate("", &mut problems).options;
    let start = Start {
        clock_emit_ms: 1000,
        ..Start::default()
    };
    Partition::new(0, Arc::new(compiled), options, start, 0)
}

/// The verdict that a partition gives on one trace, with the policy's name.
fn decide(policies: &[Json], request: &ExportTraceServiceRequest) -> (Verdict, Option<String>) {
    let mut partition = partition(policies, false);
    partition.observe(RawRecord {
        offset: 0,
        timestamp_ms: 1000,
        tenant: None,
        value: Bytes::from(request.encode_to_vec()),
    });
    partition.tick(1_000_000);
    let batch = partition.take().decisions;
    assert_eq!(batch.entries.len(), 1);
    let entry = &batch.entries[0];
    let policy = entry
        .policy
        .map(|at| batch.policies[usize::from(at)].clone());
    (entry.verdict, policy)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn verdicts_are_those_of_the_plain_evaluation(
        policies in prop::collection::vec(policy(), 1..5).prop_map(named),
        request in request(),
    ) {
        prop_assert_eq!(decide(&policies, &request), expected(&policies, &request));
    }
}

/// A percentage and how many of 10,000 traces it kept when the Collector's formula was applied.
#[test]
fn a_probability_keeps_about_its_share() {
    let policies = [
        json!({"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 10}}),
    ];
    let kept = (0..10_000_u64).filter(|&number| {
        let mut id = TRACE;
        id[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        let span = Span {
            trace_id: id.to_vec(),
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
        decide(&policies, &request).0 == Verdict::Keep
    });
    let kept = kept.count();
    assert!((900..1100).contains(&kept), "{kept}");
}
