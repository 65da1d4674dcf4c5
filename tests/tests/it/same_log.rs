//! A verdict is a function of the log: who reads it, how many read it and when makes no difference.

use std::collections::BTreeSet;
use std::time::Duration;

use schemas::{Signal, Topics};
use tests::bus_reader::{Verdicts, tally};
use tests::kafka::{Broker, delete_topics, forget_group};
use tests::sending::Load;
use tests::settle::{Account, hex};
use tests::tally::Tally;
use tests::wait_until;
use tests::world::World;

const DECISION_WAIT_MS: u64 = 1000;
const SPANS: u64 = 8000;
const WITHIN: Duration = Duration::from_secs(120);

/// Trace, verdict, policy.
type Verdict = (String, String, Option<String>);

/// Reads the raw topic from its start with these samplers, as if nobody had before.
fn sample(world: &World, topics: &Topics, names: &[&str]) -> (BTreeSet<Verdict>, Tally) {
    let mut samplers: Vec<_> = names
        .iter()
        .map(|name| world.process("sample", name))
        .collect();
    samplers.iter_mut().for_each(|sampler| sampler.start());
    let bus = world.bus();
    wait_until("the samplers to decide everything", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    for sampler in &mut samplers {
        sampler.wait_ready();
        assert_eq!(sampler.stop(), 0, "{} drains", sampler.name);
    }
    let account = Account::of_bus(&*bus, topics, DECISION_WAIT_MS).unwrap();
    account.assert_clean();
    let verdicts = Verdicts::read(&*bus, topics).unwrap();
    let decided = verdicts.decided.iter().flat_map(|(id, all)| {
        all.iter().map(|given| {
            (
                hex(id),
                format!("{:?}", given.verdict),
                given.policy.clone(),
            )
        })
    });
    let sampled = tally(&*bus, Signal::Traces, &topics.sampled()).unwrap();
    (decided.collect(), sampled)
}

#[test]
fn one_process_and_three_come_to_the_same() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    let topics = world.topics();
    let mut ingest = world.process("ingest", "ingest");
    ingest.start_and_wait();
    let load = Load::start(ingest.grpc_endpoint(), 11, 1500.0);
    wait_until("enough windows' worth of traffic", WITHIN, || {
        load.sent() >= SPANS
    });
    load.stop();
    assert_eq!(ingest.stop(), 0);

    let (alone, kept_alone) = sample(&world, &topics, &["alone"]);
    // Without positions and without verdicts the log is as good as new. The group waits for its member to come back for as long as a session lasts.
    wait_until("the group to be empty", WITHIN, || {
        forget_group(broker.brokers(), &topics.group("sampler")).is_ok()
    });
    let written = [topics.sampled(), topics.decisions()];
    delete_topics(broker.brokers(), &written).unwrap();
    let (three, kept_by_three) = sample(&world, &topics, &["one", "two", "three"]);

    let differing: Vec<_> = alone.symmetric_difference(&three).take(10).collect();
    assert!(differing.is_empty(), "verdicts differ: {differing:?}");
    let policies: BTreeSet<_> = alone.iter().map(|(_, _, policy)| policy).collect();
    assert!(policies.len() >= 3, "too few policies: {policies:?}");
    for (id, trace) in &kept_alone.traces {
        let other = kept_by_three.traces.get(id).map(|trace| &trace.spans);
        assert_eq!(other, Some(&trace.spans), "trace {}", hex(id));
    }
    assert_eq!(kept_alone.traces.len(), kept_by_three.traces.len());
}
