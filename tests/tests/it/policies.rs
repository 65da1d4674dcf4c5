//! Policies that look at more than one trace, on a real Kafka: through crashes nothing is lost, doubled or decided twice; and
//! processes share what they know.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use schemas::Signal;
use schemas::decisions::{DecisionBatch, EntryKind, Verdict};
use serde_json::{Value, json};
use tests::bus_reader::{Verdicts, read_all, tally};
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::raw_log::RawLog;
use tests::sending::Load;
use tests::settle::Account;
use tests::wait_until;
use tests::world::{SLOW_MS, World};

const DECISION_WAIT_MS: u64 = 1500;
const WITHIN: Duration = Duration::from_secs(120);
const KILLS: usize = 7;
const FLOOR_MS: u64 = 5000;

/// Each has something to do: what is rare and certain stands before what takes a share of everything.
fn all_kinds() -> Value {
    json!([
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": SLOW_MS}},
        {"name": "new-shapes", "type": "and", "and": {"and_sub_policy": [
            {"name": "small", "type": "span_count", "span_count": {"max_spans": 4}},
            {"name": "new", "type": "novelty", "novelty": {"first": 1, "interval": "5s"}}]}},
        {"name": "at-least-one", "type": "floor", "floor": {"keys": ["root.operation"], "interval": format!("{FLOOR_MS}ms")}},
        {"name": "unusual", "type": "latency_outlier", "latency_outlier":
            {"keys": ["root.kind"], "percentile": 90, "min_samples": 15, "interval": "5s"}},
        {"name": "asked", "type": "ottl_condition", "ottl_condition":
            {"span": ["IsMatch(name, \"(?i)^send\\\\s\") and kind == SPAN_KIND_PRODUCER and IsMatch(span_id.string, \"^1\")"]}},
        {"name": "by-operation", "type": "per_operation", "per_operation":
            {"rules": [{"operation": "GET *", "percentage": 2}], "default_percentage": 1}},
        {"name": "budget", "type": "throughput", "throughput":
            {"traces_per_second": 3, "keys": ["root.kind"], "interval": "2s"}},
        {"name": "parts", "type": "composite", "composite": {"max_total_spans_per_second": 40,
            "composite_sub_policy": [{"name": "rest", "type": "always_sample"}],
            "rate_allocation": [{"policy": "rest", "percent": 100}]}},
    ])
}

#[test]
fn crashes_change_nothing_for_policies_that_remember() {
    let Ok(broker) = Broker::shared() else { return };
    let seed = std::env::var("TAILWATER_SEED")
        .map_or_else(|_| fastrand::u64(..1_000_000), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    let sampler = &mut world.config["sampler"];
    sampler["policies"] = all_kinds();
    sampler["linked"] = json!("keep");
    sampler["late_errors"] = json!("rescue");
    let mut ingest = world.process("ingest", "ingest");
    ingest.start_and_wait();
    let mut samplers = ["a", "b"].map(|name| world.process("sample", name));
    samplers.iter_mut().for_each(Tailwater::start_and_wait);
    let load = Load::start_troubled(ingest.grpc_endpoint(), seed, 1500.0);
    wait_until("the policies to know something", WITHIN, || {
        load.sent() > 10_000
    });
    for _ in 0..KILLS {
        let victim = &mut samplers[rng.usize(0..2)];
        victim.wait_ready();
        std::thread::sleep(Duration::from_millis(rng.u64(0..3000)));
        victim.kill();
        victim.start();
    }
    samplers.iter_mut().for_each(Tailwater::wait_ready);
    let sent = load.stop();
    let bus = world.bus();
    wait_until("everything to be decided", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    for process in samplers.iter_mut().chain([&mut ingest]) {
        assert_eq!(process.stop(), 0, "{} drains", process.name);
    }

    let topics = world.topics();
    let records = read_all(&*bus, &topics.raw(Signal::Traces)).unwrap();
    let mut raw = RawLog::of(&records, DECISION_WAIT_MS);
    raw.rescue_late_errors();
    let sampled = tally(&*bus, Signal::Traces, &topics.sampled()).unwrap();
    let verdicts = Verdicts::read(&*bus, &topics).unwrap();
    let account = Account::settle(&raw, &sampled, &verdicts);
    account.assert_clean();
    assert!(account.spans >= sent.count(Signal::Traces));

    let given = || verdicts.decided.values().flatten();
    let of = |kind| given().filter(|given| given.kind == kind).count();
    println!(
        "{} linked, {} reopened",
        of(EntryKind::Linked),
        of(EntryKind::Reopened)
    );
    assert!(of(EntryKind::Linked) > 0 && of(EntryKind::Reopened) > 0);
    let kept: BTreeSet<_> = given()
        .filter_map(|given| given.policy.as_deref())
        .collect();
    for policy in world.config["sampler"]["policies"].as_array().unwrap() {
        let name = policy["name"].as_str().unwrap();
        assert!(kept.contains(name), "{name} kept nothing: {kept:?}");
    }
    floors_are_met_once(&world);
}

/// Whoever owns a partition knows from its log what was kept there: in an interval its floor keeps one trace of an operation, at most.
fn floors_are_met_once(world: &World) {
    let mut now: BTreeMap<u32, u64> = BTreeMap::new();
    let mut met = BTreeSet::new();
    for record in read_all(&*world.bus(), &world.topics().decisions()).unwrap() {
        let batch = DecisionBatch::decode(&record.value).unwrap();
        for entry in &batch.entries {
            let interval = now.entry(record.partition).or_default();
            *interval = (*interval).max(entry.time_ms / FLOOR_MS);
            let policy = entry.policy.map(|at| &batch.policies[usize::from(at)]);
            let by_floor = policy.is_some_and(|policy| policy == "at-least-one");
            let (Some(operation), true) = (entry.root_operation, by_floor) else {
                continue;
            };
            if entry.kind == EntryKind::Decided && entry.verdict == Verdict::Keep {
                let operation = batch.strings[operation as usize].clone();
                let place = (record.partition, *interval, operation);
                assert!(met.insert(place.clone()), "kept again: {place:?}");
            }
        }
    }
    assert!(!met.is_empty());
}

/// Traces a second that all samplers together are to keep.
const GOAL: f64 = 15.0;
/// Over so long.
const MEASURED_MS: u64 = 20_000;

#[test]
fn two_processes_keep_to_one_budget() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    world.config["sampler"]["policies"] = json!([{"name": "budget", "type": "throughput", "throughput":
        {"traces_per_second": GOAL, "keys": ["root.service.name"], "interval": "2s"}}]);
    let mut ingest = world.process("ingest", "ingest");
    ingest.start_and_wait();
    let mut samplers = ["a", "b"].map(|name| world.process("sample", name));
    samplers.iter_mut().for_each(Tailwater::start_and_wait);
    let load = Load::start(ingest.grpc_endpoint(), 17, 2500.0);
    wait_until("the samplers to hear of each other", WITHIN, || {
        samplers.iter().all(|sampler| {
            let metrics = sampler.metrics();
            metrics.sum(sampler::names::FLEET, &[]) == 2.0
                && metrics.sum(sampler::names::KEPT, &[]) > 0.0
        })
    });
    // From here on, and after the first intervals: traffic time is wall time.
    let begun = load.sent();
    let spans = 2500 * (MEASURED_MS / 1000 + 14);
    wait_until("enough traffic", WITHIN, || load.sent() > begun + spans);
    load.stop();
    let bus = world.bus();
    wait_until("everything to be decided", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    for sampler in &mut samplers {
        assert_eq!(sampler.stop(), 0, "{} drains", sampler.name);
    }
    let mut decided = Vec::new();
    for record in read_all(&*bus, &world.topics().decisions()).unwrap() {
        let entries = DecisionBatch::decode(&record.value).unwrap().entries;
        let verdicts = entries.into_iter().filter(|entry| entry.kind.is_verdict());
        decided.extend(verdicts.map(|entry| (entry.time_ms, record.partition, entry.verdict)));
    }
    // The last traces have had no traffic beside them.
    let to_ms = decided.iter().map(|(time_ms, ..)| time_ms).max().unwrap() - 4000;
    let measured = to_ms - MEASURED_MS..to_ms;
    decided.retain(|(time_ms, ..)| measured.contains(time_ms));
    let kept = decided
        .iter()
        .filter(|(.., verdict)| *verdict == Verdict::Keep)
        .count();
    let goal = GOAL * MEASURED_MS as f64 / 1000.0;
    println!("kept {kept} of {}, goal {goal}", decided.len());
    assert!(
        decided.len() as f64 > 3.0 * goal,
        "too little came: {}",
        decided.len()
    );
    let share = kept as f64 / goal;
    assert!(
        (0.7..1.4).contains(&share),
        "kept {kept} where {goal} are wanted"
    );
}
