//! Topics that are deleted and created anew under the stages, or while they are stopped: what comes then goes through, and it is said and counted that
//! something went.

use std::time::Duration;

use bus::Bus;
use runtime::names;
use schemas::Signal;
use serde_json::json;
use tests::kafka::{Broker, delete_topics};
use tests::process::Tailwater;
use tests::sending::Load;
use tests::tally::Tally;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const WITHIN: Duration = Duration::from_secs(120);
const SPANS: u64 = 1000;

/// Sends spans of their own, and waits until the backend has every one of them.
fn send(world: &World, ingest: &Tailwater, seed: u64) {
    let load = Load::start(ingest.grpc_endpoint(), seed, 2000.0);
    wait_until("traffic", WITHIN, || load.sent() >= SPANS);
    let sent = load.stop();
    let arrived = || {
        let there = Tally::of_file(&world.path("kept.jsonl"));
        (sent.traces.iter()).all(|(id, trace)| {
            let there = there.traces.get(id);
            there.is_some_and(|there| {
                trace
                    .spans
                    .keys()
                    .all(|span| there.spans.contains_key(span))
            })
        })
    };
    wait_until("everything to arrive", WITHIN, arrived);
}

/// Nobody has anything left to read.
fn wait_read(world: &World, bus: &dyn Bus) {
    wait_until("everything to be read", WITHIN, || {
        world
            .lags(bus, &["kept"])
            .is_some_and(|lags| lags.is_empty())
    });
}

/// Deletes the topics that the stages read traces from, and creates them anew.
fn replace(broker: &Broker, world: &World, bus: &dyn Bus) {
    let topics = world.topics();
    let gone = [
        topics.raw(Signal::Traces),
        topics.sampled(),
        topics.clean(Signal::Traces),
    ];
    delete_topics(broker.brokers(), &gone).unwrap();
    bus.ensure_topics(&bus::topic_specs(&topics, PARTITIONS))
        .unwrap();
}

/// How often a process has said that a log went back.
fn went_back(process: &Tailwater) -> u64 {
    process.metrics().sum(names::BUS_WENT_BACK, &[]) as u64
}

fn check(stopped: bool) {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(500);
    world.config["sampler"]["policies"] = json!([{"name": "all", "type": "always_sample"}]);
    let bus = world.bus();
    let mut ingest = world.process("ingest", "i");
    let mut stages = [
        world.process("sample", "s"),
        world.process("enrich", "e"),
        world.process("export", "x"),
    ];
    ingest.start_and_wait();
    stages.iter_mut().for_each(Tailwater::start_and_wait);
    send(&world, &ingest, 1);
    wait_read(&world, &*bus);
    if stopped {
        stages
            .iter_mut()
            .for_each(|stage| assert_eq!(stage.stop(), 0));
    }
    replace(broker, &world, &*bus);
    if stopped {
        stages.iter_mut().for_each(Tailwater::start_and_wait);
    }
    send(&world, &ingest, 2);
    wait_read(&world, &*bus);
    let counted = |stage: usize, name| stages[stage].metrics().sum(name, &[]) as u64;
    assert_eq!(
        counted(0, sampler::names::CONSUMED),
        counted(0, sampler::names::KEPT)
    );
    assert_eq!(
        counted(1, enrich::names::CONSUMED),
        counted(1, enrich::names::WRITTEN)
    );
    // Enrich and export can't know what they had read before they were stopped: Kafka deletes their positions with the topic.
    let aware = if stopped { &stages[..1] } else { &stages[..] };
    for stage in aware {
        assert!(went_back(stage) > 0);
        assert!(stage.logged("ERROR") > 0);
    }
    stages
        .iter_mut()
        .for_each(|stage| assert_eq!(stage.stop(), 0));
    assert_eq!(ingest.stop(), 0);
}

#[test]
fn topics_may_be_replaced_under_running_stages() {
    check(false);
}

#[test]
fn topics_may_be_replaced_while_stages_are_stopped() {
    check(true);
}

/// Its verdicts are about a raw log that is still there.
#[test]
fn the_decision_log_may_be_replaced_while_the_sampler_is_stopped() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(500);
    world.config["sampler"]["policies"] = json!([{"name": "all", "type": "always_sample"}]);
    let bus = world.bus();
    let mut processes = ["ingest", "sample", "enrich", "export"].map(|it| world.process(it, it));
    processes.iter_mut().for_each(Tailwater::start_and_wait);
    send(&world, &processes[0], 1);
    wait_read(&world, &*bus);
    assert_eq!(processes[1].stop(), 0);
    let decisions = world.topics().decisions();
    delete_topics(broker.brokers(), &[decisions]).unwrap();
    bus.ensure_topics(&bus::topic_specs(&world.topics(), PARTITIONS))
        .unwrap();
    processes[1].start_and_wait();
    assert_eq!(went_back(&processes[1]), u64::from(PARTITIONS));
    assert_eq!(processes[1].logged("ERROR"), PARTITIONS as usize);
    send(&world, &processes[0], 2);
    wait_read(&world, &*bus);
    // And once only.
    assert_eq!(processes[1].stop(), 0);
    processes[1].start_and_wait();
    assert_eq!(processes[1].logged("ERROR"), PARTITIONS as usize);
    for mut process in processes {
        assert_eq!(process.stop(), 0);
    }
}
