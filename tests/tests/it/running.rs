//! What a running process can be told and asked: another configuration under load, without a span lost or doubled; and why a trace was kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use schemas::decisions::{DecisionBatch, EntryKind, Verdict};
use serde_json::{Value, json};
use tests::bus_reader::read_all;
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::sending::Load;
use tests::settle::{Account, hex};
use tests::wait_until;
use tests::world::World;

const DECISION_WAIT_MS: u64 = 1000;
const WITHIN: Duration = Duration::from_secs(60);
/// Spans between two changes.
const SPANS: u64 = 2500;

fn decided(process: &Tailwater, policy: &str) -> u64 {
    let labels = [("policy", policy)];
    process.metrics().sum(sampler::names::VERDICTS, &labels) as u64
}

fn reconfigurations(process: &Tailwater) -> u64 {
    let metrics = process.metrics();
    metrics.sum(sampler::names::RECONFIGURATIONS, &[]) as u64
}

/// The configuration with another last policy. What must be kept is the same in all.
fn with_policy(config: &Value, name: &str, percentage: f64) -> Value {
    let mut config = config.clone();
    let policies = config["sampler"]["policies"].as_array_mut().unwrap();
    *policies.last_mut().unwrap() = json!({"name": name, "type": "probabilistic",
        "probabilistic": {"sampling_percentage": percentage}});
    // Others stand before: numbers of policies and conditions change.
    let health = json!({"name": format!("no-{name}"), "type": "drop", "drop": {"drop_sub_policy": [{"name": "nothing",
        "type": "string_attribute", "string_attribute": {"key": "no.such.attribute", "values": [name]}}]}});
    policies.insert(0, health);
    config
}

/// Generations of the decision log, and by trace the policy that kept it.
struct Log {
    generations: BTreeSet<u64>,
    policies: BTreeSet<String>,
    kept: BTreeMap<String, String>,
    dropped: Vec<String>,
}

fn log(world: &World) -> Log {
    let mut log = Log {
        generations: BTreeSet::new(),
        policies: BTreeSet::new(),
        kept: BTreeMap::new(),
        dropped: Vec::new(),
    };
    for record in read_all(&*world.bus(), &world.topics().decisions()).unwrap() {
        let batch = DecisionBatch::decode(&record.value).unwrap();
        log.generations.insert(batch.generation);
        let given = batch
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Decided);
        for entry in given {
            let policy = entry
                .policy
                .map(|at| batch.policies[usize::from(at)].clone());
            match (entry.verdict, policy) {
                (Verdict::Keep, Some(policy)) => {
                    log.policies.insert(policy.clone());
                    log.kept.insert(hex(&entry.trace_id), policy);
                }
                (Verdict::Keep, None) => {
                    panic!("{entry:?} is kept by a policy of another configuration")
                }
                (Verdict::Drop, _) => log.dropped.push(hex(&entry.trace_id)),
            }
        }
    }
    log
}

#[test]
fn another_configuration_under_load_and_why() {
    let mut world = World::embedded();
    world.set_decision_wait(DECISION_WAIT_MS);
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let load = Load::start(process.grpc_endpoint(), 5, 2000.0);
    let usual = process.configuration();
    wait_until("the first configuration to decide", WITHIN, || {
        load.sent() > SPANS && decided(&process, "some") > 0
    });

    let change = |text: &str| process.configure(text);
    let tell = |kind: &str| match kind {
        "SIGHUP" => process.signal("-HUP"),
        "POST" => {
            let (status, body) = process.post("/config").unwrap();
            assert_eq!(status, 200, "{body}");
            assert!(body.contains("sampler.policies"), "{body}");
        }
        _ => {}
    };
    let kinds = [
        ("SIGHUP", "hung-up", 40.0),
        ("POST", "posted", 60.0),
        ("file", "watched", 20.0),
    ];
    for (at, (kind, policy, percentage)) in (1..).zip(kinds) {
        let sent = load.sent();
        change(&format!("{:#}", with_policy(&usual, policy, percentage)));
        tell(kind);
        let told = Instant::now();
        wait_until(&format!("{kind} to take effect"), WITHIN, || {
            reconfigurations(&process) == at
        });
        println!("{kind}: began after {:?}", told.elapsed());
        wait_until(&format!("{policy} to decide"), WITHIN, || {
            load.sent() > sent + SPANS && decided(&process, policy) > 0
        });
    }

    // What is wrong changes nothing, and is reported as by `tailwater check`.
    change("sampler:\n  decision_wait: 1ms\n  policies: [{name: a, type: lateness}]\n");
    let (status, report) = process.post("/config").unwrap();
    assert_eq!(status, 400, "{report}");
    let (_, _, checked) = process.command(&["check"]);
    assert_eq!(report.trim(), checked.trim());
    assert!(
        report.contains("lateness") && report.contains("decision_wait"),
        "{report}"
    );
    let before = decided(&process, "watched");
    wait_until("the old configuration to go on", WITHIN, || {
        decided(&process, "watched") > before
    });
    assert_eq!(reconfigurations(&process), 3);
    change(&format!("{usual:#}"));
    wait_until("the first configuration to be back", WITHIN, || {
        reconfigurations(&process) == 4
    });

    let sent = load.stop();
    let spans = sent.count(schemas::Signal::Traces);
    wait_until("everything to be decided", WITHIN, || {
        let metrics = process.metrics();
        let of = |name| metrics.sum(name, &[]) as u64;
        of(sampler::names::KEPT) + of(sampler::names::DROPPED) == spans
    });

    // It is asked while it runs, and read where it left things when it doesn't.
    let unknown = "000000000000000000000000000000ff";
    assert_eq!(process.command(&["why", unknown]).0, 1);
    let some = sent.traces.keys().next().map(|id| hex(id)).unwrap();
    let (code, asked, error) = process.command(&["why", &some]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(process.stop(), 0);
    assert_eq!(process.command(&["why", &some]).1, asked);

    let account = Account::of_bus(&*world.bus(), &world.topics(), DECISION_WAIT_MS).unwrap();
    account.assert_clean();
    assert_eq!(account.spans, spans);
    let log = log(&world);
    assert_eq!(log.generations.len(), 4, "{:x?}", log.generations);
    for policy in ["some", "hung-up", "posted", "watched", "errors"] {
        assert!(
            log.policies.contains(policy),
            "{policy}: {:?}",
            log.policies
        );
    }
    explained(&process, &log);
}

/// Two samplers that share the partitions take another configuration, each when it is told: no window is lost, and each partition changes once.
#[test]
fn two_samplers_on_kafka_change_at_an_epochs_boundary() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    world.set_session_timeout(3000);
    let mut ingest = world.process("ingest", "ingest");
    ingest.start_and_wait();
    let mut samplers = ["a", "b"].map(|name| world.process("sample", name));
    samplers.iter_mut().for_each(Tailwater::start_and_wait);
    let load = Load::start(ingest.grpc_endpoint(), 6, 2000.0);
    let all_decide = |policy: &str| {
        let sent = load.sent();
        wait_until(&format!("{policy} to decide"), WITHIN, || {
            load.sent() > sent + SPANS && samplers.iter().all(|one| decided(one, policy) > 0)
        });
    };
    all_decide("some");
    let usual = samplers[0].configuration();
    for (policy, percentage, by_signal) in [("first", 30.0, true), ("second", 50.0, false)] {
        for sampler in &samplers {
            let before = reconfigurations(sampler);
            let mut config = with_policy(&usual, policy, percentage);
            for own in ["instance", "admin"] {
                config[own] = sampler.configuration()[own].clone();
            }
            sampler.configure(&format!("{config:#}"));
            if by_signal {
                sampler.signal("-HUP");
            } else {
                let (status, body) = sampler.post("/config").unwrap();
                assert_eq!(status, 200, "{body}");
            }
            wait_until("it to take effect", WITHIN, || {
                reconfigurations(sampler) == before + 1
            });
            // What is wrong changes nothing.
            let right = sampler.configuration();
            let mut wrong = right.clone();
            wrong["sampler"]["policies"][0]["type"] = json!("dorp");
            sampler.configure(&format!("{wrong:#}"));
            let (status, report) = sampler.post("/config").unwrap();
            assert!(status == 400 && report.contains("dorp"), "{report}");
            sampler.configure(&format!("{right:#}"));
        }
        all_decide(policy);
    }
    // Who stood still for too long is fenced and begins anew, with the configuration it was told last.
    let recovered = |at: usize| samplers[at].logged("recovered");
    let before = [recovered(0), recovered(1)];
    samplers[0].signal("-STOP");
    wait_until("the other to take over", WITHIN, || {
        recovered(1) > before[1]
    });
    samplers[0].signal("-CONT");
    wait_until("it to begin anew", WITHIN, || recovered(0) > before[0]);
    all_decide("second");
    let spans = load.stop().count(schemas::Signal::Traces);
    let bus = world.bus();
    wait_until("everything to be decided", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    for sampler in &mut samplers {
        assert_eq!(reconfigurations(sampler), 2);
        assert_eq!(sampler.stop(), 0, "{} drains", sampler.name);
    }
    let account = Account::of_bus(&*bus, &world.topics(), DECISION_WAIT_MS).unwrap();
    account.assert_clean();
    assert_eq!(account.spans, spans);
    // Verdicts are given by policies of the generation that their batch names.
    log(&world);
    // By partition, in order: a batch has one generation, and an epoch of a partition is one batch.
    let mut generations: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for record in read_all(&*bus, &world.topics().decisions()).unwrap() {
        let batch = DecisionBatch::decode(&record.value).unwrap();
        let of = generations.entry(record.partition).or_default();
        if of.last() != Some(&batch.generation) {
            of.push(batch.generation);
        }
    }
    let first = generations.values().next().unwrap();
    assert_eq!(first.len(), 3, "{generations:x?}");
    assert!(
        generations.values().all(|of| of == first),
        "{generations:x?}"
    );
}

/// Words and JSON say what the log says.
fn explained(process: &Tailwater, log: &Log) {
    let by_chance = log.kept.iter().find(|(_, policy)| *policy == "some");
    let (id, _) = by_chance.unwrap();
    let (code, text, _) = process.command(&["why", id]);
    assert_eq!(code, 0);
    for part in [
        "kept at 20",
        "policy \"some\"",
        "10 %: it stands for 10 traces",
        "still on the bus",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let (_, json, _) = process.command(&["why", "--json", id]);
    let history: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(history["trace_id"], json!(id));
    assert_eq!(history["entries"][0]["policy"], json!("some"));
    assert_eq!(history["entries"][0]["kind"], json!("decided"));
    let (code, text, _) = process.command(&["why", &log.dropped[0]]);
    assert_eq!(code, 0);
    assert!(text.contains("no policy matched"), "{text}");
}
