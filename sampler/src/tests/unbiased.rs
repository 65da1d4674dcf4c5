//! A statistical test of adjusted counts: what is kept, each trace counted 2^56 / (2^56 − T) times, estimates what there was. Without bias, for each
//! key, whatever policies keep it: the mean over many runs with other trace ids is as near to the truth as chance allows.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use fastrand::Rng;
use runtime::config::Problems;
use schemas::decisions::Verdict;
use schemas::wire::{put_fixed64, put_len};
use serde_json::{Value, json};

use crate::RawConfig;
use crate::partition::Partition;
use crate::policy::{Policies, RawPolicy};
use crate::position::Start;
use crate::record::RawRecord;
use crate::stats::{Gathering, Group};

const RUNS: u64 = 300;
/// Standard errors that a mean may be off: once in 15,000 by chance.
const SIGMAS: f64 = 4.0;
const BEGIN_MS: u64 = 1_700_000_000_000;
/// Traces an epoch, by service.
const TRAFFIC: [(&str, usize); 3] = [("web", 60), ("search", 12), ("payment", 2)];
const EPOCHS: u64 = 20;

fn attribute(key: &str, value: &str) -> Vec<u8> {
    let (mut pair, mut any) = (Vec::new(), Vec::new());
    put_len(&mut any, 1, value.as_bytes());
    put_len(&mut pair, 1, key.as_bytes());
    put_len(&mut pair, 2, &any);
    pair
}

/// One trace of one span; a twelfth of them are slow, by their own randomness.
fn spans_of(rng: &mut Rng, service: &str, count: usize) -> Vec<u8> {
    let (mut resource, mut scope, mut resource_spans) = (Vec::new(), Vec::new(), Vec::new());
    put_len(&mut resource, 1, &attribute("service.name", service));
    for _ in 0..count {
        let mut span = Vec::new();
        put_len(&mut span, 1, &rng.u128(1..).to_le_bytes());
        put_len(&mut span, 2, &rng.u64(1..).to_le_bytes());
        put_len(&mut span, 5, b"GET /");
        let slow = rng.u32(0..12) == 0;
        put_fixed64(&mut span, 7, BEGIN_MS * 1_000_000);
        let end_ms = BEGIN_MS + if slow { 3000 } else { 10 };
        put_fixed64(&mut span, 8, end_ms * 1_000_000);
        put_len(&mut scope, 2, &span);
    }
    put_len(&mut resource_spans, 1, &resource);
    put_len(&mut resource_spans, 2, &scope);
    resource_spans
}

/// By service: how many traces the kept ones say there were. An epoch comes so long after the other.
fn estimate(policies: &Arc<Policies>, epoch_ms: u64, seed: u64) -> BTreeMap<String, f64> {
    let mut rng = Rng::with_seed(seed);
    let options = RawConfig::default()
        .validate("", &mut Problems::new())
        .options;
    let start = Start {
        clock_emit_ms: BEGIN_MS,
        ..Start::default()
    };
    let mut partition = Partition::new(0, policies.clone(), options, start, 0);
    let group = Arc::new(RwLock::new(Group::new(policies.keyed(), 1 << 20)));
    partition.join(&group);
    let mut gathering = Gathering::new(policies.keyed().into());
    let mut estimates = BTreeMap::new();
    for epoch in 0..EPOCHS {
        let mut value = Vec::new();
        for (service, count) in TRAFFIC {
            put_len(&mut value, 1, &spans_of(&mut rng, service, count));
        }
        let now_ms = BEGIN_MS + epoch * epoch_ms;
        partition.observe(RawRecord {
            offset: epoch,
            timestamp_ms: now_ms,
            tenant: None,
            value: Bytes::from(value),
        });
        partition.tick(now_ms + 30_000);
        let update = gathering.gather(partition.take_news(), 1.0);
        group.write().unwrap().update(&update);
        let batch = partition.take().decisions;
        for entry in &batch.entries {
            let service = entry
                .root_service
                .map(|at| batch.strings[at as usize].clone());
            if entry.verdict == Verdict::Keep {
                let count = (1_u64 << 56) as f64 / ((1 << 56) - entry.threshold) as f64;
                *estimates.entry(service.unwrap()).or_insert(0.0) += count;
            }
        }
    }
    estimates
}

#[track_caller]
fn check(policies: Value) {
    check_within(policies, None, 500);
}

/// With a budget of so many bytes a day.
#[track_caller]
fn check_within(policies: Value, budget: Option<u64>, epoch_ms: u64) {
    let raw: Vec<RawPolicy> = serde_json::from_value(policies.clone()).unwrap();
    let mut problems = Problems::new();
    let mut compiled = Policies::compile(&raw, false, "", &mut problems);
    if budget.is_some() {
        compiled.add_budget("default", budget, "", &mut problems);
    }
    let compiled = Arc::new(compiled);
    assert!(problems.is_empty(), "{problems:?}");
    let runs: Vec<_> = (0..RUNS)
        .map(|seed| estimate(&compiled, epoch_ms, seed))
        .collect();
    for (service, count) in TRAFFIC {
        let truth = (count as u64 * EPOCHS) as f64;
        let found = |run: &BTreeMap<String, f64>| run.get(service).copied().unwrap_or(0.0);
        let mean = runs.iter().map(found).sum::<f64>() / RUNS as f64;
        let squares = runs.iter().map(|run| (found(run) - mean).powi(2));
        let error = (squares.sum::<f64>() / (RUNS - 1) as f64 / RUNS as f64).sqrt();
        assert!(
            (mean - truth).abs() <= SIGMAS * error + 1e-6 * truth,
            "{service}: {truth} traces, estimated {mean:.1} ± {error:.1}; {policies}"
        );
    }
}

fn probabilistic(percentage: f64) -> Value {
    json!({"name": "p", "type": "probabilistic", "probabilistic": {"sampling_percentage": percentage}})
}

fn per_operation() -> Value {
    json!({"name": "o", "type": "per_operation", "per_operation": {
        "rules": [{"service": "payment", "percentage": 100}, {"service": "sea*", "percentage": 30}],
        "default_percentage": 5}})
}

fn throughput(method: &str) -> Value {
    json!({"name": "t", "type": "throughput", "throughput": {
        "traces_per_second": 20, "keys": ["service.name"], "method": method, "interval": "1s", "window": "4s"}})
}

#[test]
fn one_policy_by_chance() {
    check(json!([probabilistic(10.0)]));
    check(json!([per_operation()]));
    check(json!([throughput("ema")]));
    check(json!([throughput("windowed")]));
}

#[test]
fn certainty_counts_once_and_the_rest_by_chance() {
    let slow = json!({"name": "slow", "type": "latency", "latency": {"threshold_ms": 2000}});
    check(json!([slow, per_operation()]));
    let novelty =
        json!({"name": "n", "type": "novelty", "novelty": {"first": 5, "interval": "2s"}});
    check(json!([novelty, throughput("ema")]));
    let floor = json!({"name": "f", "type": "floor", "floor": {"keys": ["service.name"], "traces": 3, "interval": "2s"}});
    check(json!([per_operation(), floor]));
}

#[test]
fn several_chances_at_once() {
    check(json!([per_operation(), throughput("ema")]));
    let mut windowed = throughput("windowed");
    windowed["name"] = json!("w");
    check(json!([windowed, throughput("ema")]));
    check(json!([probabilistic(10.0), per_operation()]));
    check(json!([
        probabilistic(10.0),
        per_operation(),
        throughput("ema")
    ]));
}

/// What policies keep is kept with a probability of the budget's, and stands for more.
#[test]
fn a_budget_takes_its_part_of_every_chance() {
    let all = json!({"name": "all", "type": "always_sample"});
    // About a quarter of what comes: 74 spans of some 55 bytes in 20 s.
    let quarter = Some(50 * 86_400);
    check_within(json!([all]), quarter, 20_000);
    let tenth = Some(20 * 86_400);
    check_within(json!([probabilistic(50.0)]), tenth, 20_000);
    check_within(json!([per_operation()]), Some(5 * 86_400), 20_000);
    check_within(json!([throughput("ema")]), tenth, 20_000);
    let slow = json!({"name": "slow", "type": "latency", "latency": {"threshold_ms": 2000}});
    check_within(json!([slow, probabilistic(50.0)]), tenth, 20_000);
}
