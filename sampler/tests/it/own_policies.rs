//! Tenants that have policies of their own: they replace everybody's, with budgets and statistics of their own, also over a reload.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use prost::Message;
use runtime::config::Problems;
use sampler::partition::Partition;
use sampler::position::Start;
use sampler::reconfigure::Reconfiguration;
use sampler::record::RawRecord;
use sampler::{Config, RawConfig, RawPolicies, RawTenant, RawTenants};
use schemas::decisions::{DecisionBatch, Verdict};
use serde_json::{Value, json};

const NOW_MS: u64 = 1_780_000_000_000;
const WAIT_MS: u64 = 10_000;

/// By tenant, policies; `null`: an entry without any.
type Own = BTreeMap<String, Value>;

fn own(tenants: Value) -> Own {
    serde_json::from_value(tenants).unwrap()
}

fn validated(everybodys: &Value, own: &Own, problems: &mut Problems) -> Config {
    let section =
        json!({"decision_wait": "10s", "decision_cache_ttl": "10m", "policies": everybodys});
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let read = |policies: &Value| (!policies.is_null()).then(|| policies.clone());
    let read = |policies| Some(serde_json::from_value::<RawPolicies>(read(policies)?).unwrap());
    let own: BTreeMap<_, _> = (own.iter()).map(|(name, own)| (name, read(own))).collect();
    let tenants: RawTenants<'_> = own
        .iter()
        .map(|(name, own)| {
            (
                name.as_str(),
                RawTenant {
                    policies: own.as_ref(),
                    budget: None,
                },
            )
        })
        .collect();
    raw.validate_with("sampler", &tenants, "tenants", problems)
}

fn config(everybodys: &Value, own: &Own) -> Config {
    let mut problems = Problems::new();
    let config = validated(everybodys, own, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config
}

fn partition(everybodys: &Value, own: &Own) -> Partition {
    let mut config = config(everybodys, own);
    // The broker's clock is the only one. Elsewhere a tenant that is silent for seconds makes a jump when it is alone, and none among others.
    config.options.bus.stamps = true;
    let start = Start {
        clock_emit_ms: NOW_MS,
        ..Start::default()
    };
    Partition::new(0, config.policies, config.options, start, 1 << 20)
}

fn reconfigure(partition: &mut Partition, everybodys: &Value, own: &Own) {
    let Config {
        policies, options, ..
    } = config(everybodys, own);
    partition.reconfigure(&Reconfiguration { policies, options });
}

/// A record of one span.
#[derive(Clone, Debug)]
struct Sent {
    tenant: &'static str,
    trace: u8,
    at_ms: u64,
    error: bool,
    operation: &'static str,
    length_ms: u64,
}

fn sent(tenant: &'static str, trace: u8) -> Sent {
    Sent {
        tenant,
        trace,
        at_ms: 0,
        error: false,
        operation: "op",
        length_ms: 1,
    }
}

impl Sent {
    fn record(&self, offset: u64) -> RawRecord {
        let route = KeyValue {
            key: "http.route".to_owned(),
            value: Some(AnyValue {
                value: Some(Any::StringValue(self.operation.to_owned())),
            }),
            ..KeyValue::default()
        };
        let span = Span {
            trace_id: vec![self.trace; 16],
            span_id: vec![self.trace; 8],
            name: self.operation.to_owned(),
            start_time_unix_nano: 1_000_000_000,
            end_time_unix_nano: 1_000_000_000 + self.length_ms * 1_000_000,
            attributes: vec![route],
            status: self.error.then(|| Status {
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
        RawRecord {
            offset,
            timestamp_ms: NOW_MS + self.at_ms,
            tenant: (!self.tenant.is_empty()).then(|| Bytes::from_static(self.tenant.as_bytes())),
            value: Bytes::from(request.encode_to_vec()),
        }
    }
}

/// Of each trace: tenant, first byte of its id, whether it is kept, the policy that said so, its threshold.
type Given = (String, u8, bool, Option<String>, u64);

fn decided(partition: &mut Partition) -> Vec<Given> {
    partition.emit(usize::MAX);
    let output = partition.take();
    // As it is read from the bus.
    let batch = DecisionBatch::decode(&output.decisions.encode()).unwrap();
    let given = batch.entries.iter().map(|entry| {
        let tenant = String::from_utf8(batch.tenant_of(entry).to_vec()).unwrap();
        let policy = entry
            .policy
            .map(|at| batch.policies[usize::from(at)].clone());
        (
            tenant,
            entry.trace_id[0],
            entry.verdict == Verdict::Keep,
            policy,
            entry.threshold,
        )
    });
    given.collect()
}

/// All of it, and what was decided.
fn run(partition: &mut Partition, records: &[Sent]) -> Vec<Given> {
    let mut end_ms = 0;
    for (offset, sent) in (partition.decide_offset()..).zip(records) {
        partition.observe(sent.record(offset));
        end_ms = end_ms.max(sent.at_ms);
    }
    partition.tick(NOW_MS + end_ms + WAIT_MS + 1);
    decided(partition)
}

/// Who kept the traces of each tenant; `None`: they were dropped.
fn keepers(given: &[Given]) -> Vec<(&str, Option<&str>)> {
    let mut keepers: Vec<_> = given
        .iter()
        .map(|(tenant, _, kept, policy, _)| (tenant.as_str(), policy.as_deref().filter(|_| *kept)))
        .collect();
    keepers.sort_unstable();
    keepers
}

fn errors() -> Value {
    json!([{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}])
}

fn all() -> Value {
    json!([{"name": "all", "type": "always_sample"}])
}

#[test]
fn a_tenants_policies_replace_everybodys() {
    let own = own(json!({"shop": all(), "quiet": null}));
    let mut partition = partition(&errors(), &own);
    let records = ["shop", "quiet", "other", ""].map(|tenant| sent(tenant, 7));
    let given = run(&mut partition, &records);
    let expected = [
        ("", None),
        ("other", None),
        ("quiet", None),
        ("shop", Some("shop/all")),
    ];
    assert_eq!(keepers(&given), expected);
}

/// As with rates: the entry `default` is for all that have none, and for records without a tenant, whether they say so or not.
#[test]
fn the_default_tenants_policies_hold_for_all_without_an_entry() {
    let own = own(json!({"default": all(), "quiet": null}));
    let mut partition = partition(&errors(), &own);
    let records = ["quiet", "other", "", "default"].map(|tenant| sent(tenant, 7));
    let given = run(&mut partition, &records);
    let kept = Some("default/all");
    // Records that name the default tenant are its like those that name none: one trace.
    assert_eq!(
        keepers(&given),
        [("", kept), ("other", kept), ("quiet", None)]
    );
}

#[test]
fn a_rate_limit_is_a_tenants_own() {
    let limit = json!([{"name": "few", "type": "rate_limiting", "rate_limiting": {"spans_per_second": 1, "burst_capacity": 2}}]);
    let own = own(json!({"a": limit, "b": limit}));
    let mut partition = partition(&limit, &own);
    let records: Vec<_> = ["a", "b", ""]
        .into_iter()
        .flat_map(|tenant| (1..=9).map(move |trace| sent(tenant, trace)))
        .collect();
    let given = run(&mut partition, &records);
    for tenant in ["a", "b", ""] {
        let kept = given.iter().filter(|one| one.0 == tenant);
        let kept = kept.filter(|one| one.2).count();
        assert_eq!(kept, 2, "of {tenant:?}: {given:?}");
    }
}

/// Open traces of a tenant that gets policies keep what both sets ask for, and others lose nothing.
#[test]
fn a_reload_gives_a_tenant_policies_while_its_traces_are_open() {
    let mut here = partition(&errors(), &Own::new());
    let error = |tenant, trace| Sent {
        error: true,
        ..sent(tenant, trace)
    };
    for (offset, record) in (0..).zip([error("a", 1), error("b", 1), sent("a", 2), sent("b", 2)]) {
        here.observe(record.record(offset));
    }
    let with_route = json!([
        {"name": "failed", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "first", "type": "novelty", "novelty": {"interval": "60s"}},
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": 500}},
    ]);
    reconfigure(&mut here, &errors(), &own(json!({"a": with_route})));
    // Trace 2 of both grows long only now.
    for (offset, tenant) in (4..).zip(["a", "b"]) {
        let long = Sent {
            length_ms: 900,
            ..sent(tenant, 2)
        };
        here.observe(long.record(offset));
    }
    here.tick(NOW_MS + WAIT_MS + 1);
    let given = decided(&mut here);
    let policies: Vec<_> = given
        .iter()
        .map(|one| (one.0.as_str(), one.1, one.3.as_deref()))
        .collect();
    let of = |tenant, trace| {
        let mut all = policies.iter();
        all.find(|one| one.0 == tenant && one.1 == trace)
            .and_then(|one| one.2)
    };
    assert_eq!(of("a", 1), Some("a/failed"));
    assert_eq!(of("b", 1), Some("errors"));
    // Its shape is known of the last span only, and is new.
    assert_eq!(of("a", 2), Some("a/first"));
    assert_eq!(of("b", 2), None);
}

/// Only one of them has policies that tell traces apart, which takes room in the window.
#[test]
fn traces_without_marks_stand_beside_those_with_some() {
    let first = json!([{"name": "first", "type": "novelty", "novelty": {"interval": "60s"}}]);
    let mut here = partition(&errors(), &own(json!({"a": first})));
    let records = [sent("", 1), sent("", 2), sent("", 3), sent("a", 1)];
    let given = run(&mut here, &records);
    let expected = [("", None), ("", None), ("", None), ("a", Some("a/first"))];
    assert_eq!(keepers(&given), expected);
}

/// With thousands of policies, a batch of the decision log names those that it needs.
#[test]
fn a_batch_names_the_policies_that_gave_its_verdicts() {
    let many: Own = (0..200).map(|at| (format!("t{at:03}"), all())).collect();
    let mut here = partition(&errors(), &many);
    let given = run(&mut here, &[sent("t150", 1), sent("t007", 1), sent("x", 1)]);
    let expected = [
        ("t007", Some("t007/all")),
        ("t150", Some("t150/all")),
        ("x", None),
    ];
    assert_eq!(keepers(&given), expected);
    here.observe(
        Sent {
            at_ms: 15_000,
            ..sent("t150", 2)
        }
        .record(3),
    );
    here.tick(NOW_MS + 15_000 + WAIT_MS + 1);
    here.emit(usize::MAX);
    assert_eq!(here.take().decisions.policies, ["t150/all"]);
}

/// Late spans follow a verdict whose policy is renumbered, or gone.
#[test]
fn what_is_said_of_a_verdict_follows_its_name() {
    let mut here = partition(&errors(), &own(json!({"a": all()})));
    let given = run(&mut here, &[sent("a", 1)]);
    assert_eq!(keepers(&given), [("a", Some("a/all"))]);
    reconfigure(
        &mut here,
        &errors(),
        &own(json!({"Z": errors(), "a": all()})),
    );
    let kept = Sent {
        at_ms: 15_000,
        ..sent("a", 2)
    };
    let given = run(&mut here, &[kept]);
    assert_eq!(keepers(&given), [("a", Some("a/all"))]);
}

#[test]
fn what_is_wrong_is_told_by_its_path() {
    let mut problems = Problems::new();
    let wrong = own(json!({
        "shop": [{"name": "a", "type": "latency", "latency": {}}],
        "none": [],
        "x": [{"name": "y/z", "type": "always_sample"}],
        "x/y": [{"name": "z", "type": "always_sample"}],
    }));
    validated(&errors(), &wrong, &mut problems);
    let told = format!("{problems:?}");
    for path in [
        "tenants.shop.policies[0].latency.threshold_ms",
        "tenants.none.policies",
        "tenants.x/y.policies[0].name",
    ] {
        assert!(told.contains(&format!("{path:?}")), "{path} in {told}");
    }
    assert_eq!(problems.len(), 3, "{told}");
}

/// Every kind that remembers something, and some that look at spans.
fn some_policies(which: u8) -> Value {
    let all = [
        json!({"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}),
        json!({"name": "slow", "type": "latency", "latency": {"threshold_ms": 500}}),
        json!({"name": "few", "type": "rate_limiting", "rate_limiting": {"spans_per_second": 1, "burst_capacity": 3}}),
        json!({"name": "new", "type": "novelty", "novelty": {"interval": "30s"}}),
        json!({"name": "floor", "type": "floor", "floor": {"traces": 2, "interval": "30s", "keys": ["http.route"]}}),
        json!({"name": "b", "type": "string_attribute", "string_attribute": {"key": "http.route", "values": ["b"]}}),
        json!({"name": "half", "type": "probabilistic", "probabilistic": {"sampling_percentage": 50.0}}),
        json!({"name": "ottl", "type": "ottl_condition", "ottl_condition": {"span": ["name == \"c\""]}}),
    ];
    let chosen = all.into_iter().enumerate();
    let chosen = chosen.filter(|(at, _)| which & 1 << at != 0);
    Value::Array(chosen.map(|(_, policy)| policy).collect())
}

const TENANTS: [&str; 3] = ["", "a", "b"];

fn traffic() -> impl Strategy<Value = Vec<Sent>> {
    let span = (
        0..TENANTS.len(),
        1..40_u8,
        0..400_u64,
        any::<bool>(),
        0..3_usize,
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(span, 1..120).prop_map(|spans| {
        let mut at_ms = 0;
        let spans = spans
            .into_iter()
            .map(|(tenant, trace, gap_ms, error, operation, slow)| {
                at_ms += gap_ms;
                Sent {
                    tenant: TENANTS[tenant],
                    trace,
                    at_ms,
                    error,
                    operation: ["a", "b", "c"][operation],
                    length_ms: if slow { 900 } else { 1 },
                }
            });
        spans.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each tenant gets the verdicts that it would get if it were alone, with its policies as everybody's.
    #[test]
    fn tenants_are_judged_as_if_they_were_alone(
        sent in traffic(),
        sets in prop::array::uniform3(1..=u8::MAX),
    ) {
        let policies = sets.map(some_policies);
        let own = own(json!({"a": policies[1], "b": policies[2]}));
        let mut together = partition(&policies[0], &own);
        let given: BTreeSet<Given> = run(&mut together, &sent).into_iter().collect();
        let mut expected = BTreeSet::new();
        for (tenant, policies) in TENANTS.into_iter().zip(&policies) {
            let mut alone = partition(policies, &Own::new());
            // At their times, to the end of all.
            let last_ms = sent.last().map_or(0, |last| last.at_ms);
            for (offset, one) in (0..).zip(&sent).filter(|(_, one)| one.tenant == tenant) {
                alone.observe(one.record(offset));
            }
            alone.tick(NOW_MS + last_ms + WAIT_MS + 1);
            for mut given in decided(&mut alone) {
                if !tenant.is_empty() {
                    given.3 = given.3.map(|policy| format!("{tenant}/{policy}"));
                }
                expected.insert(given);
            }
        }
        prop_assert_eq!(given, expected);
    }
}
