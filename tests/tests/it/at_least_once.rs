//! `delivery: at_least_once` after a crash: only what the last epoch wrote may come again, and nothing is lost.
//!
//! An epoch writes one record to each partition at most (at this load), so what the last one wrote is known exactly: the last record of each
//! partition at the time of death.

use std::collections::HashMap;
use std::time::Duration;

use bus::Fetched;
use bus::fault::Step;
use schemas::Signal;
use serde_json::json;
use tests::bus_reader::read_all;
use tests::kafka::Broker;
use tests::sending::Load;
use tests::settle::Account;
use tests::tally::Tally;
use tests::wait_until;
use tests::world::World;

const DECISION_WAIT_MS: u64 = 500;
const WITHIN: Duration = Duration::from_secs(120);
/// Into the stream: the traces of some epochs are decided and written by then.
const EPOCHS: u64 = 12;

/// A sampler dies at a step of an epoch and comes back; whether spans come again.
fn check(step: Step, repeats: bool) {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    world.config["sampler"]["delivery"] = json!("at_least_once");
    let (bus, topics) = (world.bus(), world.topics());
    let (mut ingest, mut sampler) = (world.process("ingest", "i"), world.process("sample", "s"));
    ingest.start_and_wait();
    sampler.start_dying_at(step, EPOCHS);
    let load = Load::start(ingest.grpc_endpoint(), 1, 3000.0);
    assert!(sampler.wait_dead(WITHIN), "it comes to {}", step.name());
    let before = read_all(&*bus, &topics.sampled()).unwrap();
    sampler.start_and_wait();
    load.stop();
    wait_until("the sampler to decide everything", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    assert_eq!(sampler.stop(), 0);
    assert_eq!(ingest.stop(), 0);

    let account = Account::of_bus(&*bus, &topics, DECISION_WAIT_MS).unwrap();
    assert!(account.loses_nothing() && account.kept > 0, "{account}");
    let raw = tally(&read_all(&*bus, &topics.raw(Signal::Traces)).unwrap());
    let all = tally(&read_all(&*bus, &topics.sampled()).unwrap());
    let last = last_records(before);
    let mut repeated = 0;
    for (id, trace) in &all.traces {
        for (span, seen) in &trace.spans {
            let again = seen.times - raw.traces[id].spans[span].times;
            repeated += again;
            let of_last = last.traces.get(id).and_then(|trace| trace.spans.get(span));
            assert!(
                again <= of_last.map_or(0, |seen| seen.times),
                "{step:?}: a span came again that the last epoch had not written"
            );
        }
    }
    println!(
        "{step:?}: {repeated} of {} kept spans came again",
        account.kept
    );
    assert_eq!(repeated > 0, repeats, "{step:?}: {repeated} came again");
}

/// What the last record of each partition holds.
fn last_records(records: Vec<Fetched>) -> Tally {
    let mut last: HashMap<u32, Fetched> = HashMap::new();
    for record in records {
        last.insert(record.partition, record);
    }
    tally(&last.into_values().collect::<Vec<_>>())
}

fn tally(records: &[Fetched]) -> Tally {
    let mut tally = Tally::default();
    for record in records {
        tally.add(Signal::Traces, &record.value);
    }
    tally
}

/// Nothing of the epoch was written.
#[test]
fn dying_before_an_epoch_is_written_repeats_nothing() {
    check(Step::Decided, false);
}

/// Its records were written, its positions weren't.
#[test]
fn dying_between_records_and_positions_repeats_that_epoch_alone() {
    check(Step::Produced, true);
}

/// All was written, and the process doesn't know.
#[test]
fn dying_after_the_positions_repeats_nothing() {
    check(Step::Committed, false);
}
