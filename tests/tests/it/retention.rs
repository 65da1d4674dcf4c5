//! A sampler that was away for longer than the raw topic retains: what the broker deleted is counted and named, by partition and range,
//! and everything that is left is decided as ever.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::{Bus, TopicPartition};
use schemas::Signal;
use tests::kafka::{Broker, set_retention};
use tests::sending::Load;
use tests::settle::Account;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const DECISION_WAIT_MS: u64 = 500;
const WITHIN: Duration = Duration::from_secs(120);

/// The oldest offset of each partition of a topic, and the next one.
fn ranges(bus: &dyn Bus, topic: &str) -> BTreeMap<u32, std::ops::Range<u64>> {
    let mut reader = bus.reader().unwrap();
    let mut range = |partition| {
        reader
            .range(&TopicPartition::new(topic, partition))
            .unwrap()
    };
    (0..PARTITIONS)
        .map(|partition| (partition, range(partition)))
        .collect()
}

#[test]
fn what_retention_took_is_counted_and_named() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    let (mut ingest, mut sampler) = (world.process("ingest", "i"), world.process("sample", "s"));
    ingest.start_and_wait();
    sampler.start_and_wait();
    let raw = world.topics().raw(Signal::Traces);
    let bus = world.bus();
    let all_read = || world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty());
    let send = |seed, spans| {
        let load = Load::start(ingest.grpc_endpoint(), seed, 2000.0);
        wait_until("traffic", WITHIN, || load.sent() >= spans);
        load.stop();
    };
    // The group has positions on every partition; then nobody reads for longer than the topic retains.
    send(1, 2000);
    wait_until("the sampler to decide everything", WITHIN, all_read);
    assert_eq!(sampler.stop(), 0);
    let committed: BTreeMap<_, _> = (ranges(&*bus, &raw).iter())
        .map(|(partition, range)| (*partition, range.end))
        .collect();
    set_retention(broker.brokers(), &raw, Some(Duration::from_secs(1))).unwrap();
    let load = Load::start(ingest.grpc_endpoint(), 2, 2000.0);
    wait_until("the broker to delete what was not read", WITHIN, || {
        let ranges = ranges(&*bus, &raw);
        ranges
            .iter()
            .all(|(partition, range)| range.start > committed[partition])
    });
    set_retention(broker.brokers(), &raw, None).unwrap();
    load.stop();
    send(3, 2000);
    let starts: BTreeMap<_, _> = (ranges(&*bus, &raw).into_iter())
        .map(|(partition, range)| (partition, range.start))
        .collect();

    sampler.start_and_wait();
    wait_until("the sampler to decide what is left", WITHIN, all_read);
    let metrics = sampler.metrics();
    for (partition, start) in &starts {
        let from = committed[partition];
        let label = partition.to_string();
        let counted = metrics.sum(sampler::names::LOST_RECORDS, &[("partition", &label)]);
        assert_eq!(counted as u64, start - from, "partition {partition}");
        let named = format!("partition={raw}/{partition} from={from} to={start}");
        assert_eq!(sampler.logged(&named), 1, "{named}");
    }
    assert_eq!(sampler.logged("ERROR") as u32, PARTITIONS);
    assert_eq!(sampler.stop(), 0);
    assert_eq!(ingest.stop(), 0);
    let account = Account::of_bus(&*bus, &world.topics(), DECISION_WAIT_MS).unwrap();
    println!("{account}");
    // Traces that were cut by the deletion look strange; of the spans that are still there none is missing.
    assert!(account.spans > 2000 && account.kept > 0, "{account}");
    assert_eq!(
        (account.lost.count, account.undecided.count),
        (0, 0),
        "{account}"
    );
}
