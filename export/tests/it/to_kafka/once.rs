//! The bus's own cluster: each span is there once for who reads what is committed, whatever died meanwhile.

use std::process::{Child, Command, Stdio};

use bus::fault::{Step, VARIABLE};
use schemas::Signal;
use tests::kafka::{Broker, create_topic, messages, unique};

use super::{bus_on, ids_in};
use crate::support::telemetry::spans;
use crate::support::{
    PARTITIONS, PREFIX_VARIABLE, Running, all_committed, dead_letters, eventually, prefix, publish,
};

/// Each dies within an epoch, or just after its commit.
const LIVES: u64 = 12;
const RECORDS_A_LIFE: u64 = 8;
const SPANS_A_RECORD: u64 = 5;

fn backends(topic: &str, name: &str) -> Vec<String> {
    vec![format!(
        "{{name: {name}, signals: [traces], kafka: {{topic: {topic}}}, batch: {{items: {SPANS_A_RECORD}, timeout: 1ms}}}}"
    )]
}

/// The exporter that dies: it runs only as a child of [`each_span_is_there_once_whatever_dies`].
#[test]
fn child() {
    let (Ok(brokers), Ok(topic)) = (
        std::env::var("EXPORT_TEST_BROKERS"),
        std::env::var("EXPORT_TEST_TOPIC"),
    ) else {
        return;
    };
    let bus = bus_on(&brokers);
    let _running = Running::start(&bus, &backends(&topic, "once"));
    loop {
        std::thread::park();
    }
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have died by itself.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

#[test]
fn each_span_is_there_once_whatever_dies() {
    let Ok(broker) = Broker::start() else { return };
    let (brokers, topic) = (broker.brokers(), unique("once"));
    create_topic(brokers, &topic, 3, &[]).unwrap();
    let bus = bus_on(brokers);
    let mut next = 0;
    let steps = [Step::Produced, Step::Positioned, Step::Committed];
    for life in 0..LIVES {
        for record in 0..RECORDS_A_LIFE {
            let ids = next..next + SPANS_A_RECORD;
            next += SPANS_A_RECORD;
            let partition = (record % u64::from(PARTITIONS)) as u32;
            publish(&*bus, Signal::Traces, partition, [spans(ids, 0)]);
        }
        let step = steps[life as usize % steps.len()].name();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "to_kafka::once::child", "--nocapture"])
            .env("EXPORT_TEST_BROKERS", brokers)
            .env("EXPORT_TEST_TOPIC", &topic)
            .env(PREFIX_VARIABLE, prefix())
            .env(VARIABLE, format!("{step}:{}", 1 + life % 2))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = Killed(child.unwrap());
        eventually("it dies at its step", || {
            child.0.try_wait().unwrap().is_some()
        });
    }
    let running = Running::start(&bus, &backends(&topic, "once"));
    all_committed(&*bus, "once", Signal::Traces);
    running.stop();
    let found = ids_in(brokers, &topic);
    let expected: Vec<_> = (0..next).map(|id| (id, 1)).collect();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// Partitions go to a second process and back, and messages of several traces have keys as elsewhere.
#[test]
fn each_span_is_there_once_over_takeovers() {
    let Ok(broker) = Broker::start() else { return };
    let (brokers, topic) = (broker.brokers(), unique("taken-over"));
    create_topic(brokers, &topic, 3, &[]).unwrap();
    let bus = bus_on(brokers);
    let published = |from: u64| {
        for partition in 0..PARTITIONS {
            let ids = (from..from + 400).filter(|id| id % 2 == u64::from(partition));
            publish(
                &*bus,
                Signal::Traces,
                partition,
                ids.map(|id| spans([id], 50)),
            );
        }
    };
    let lines = backends(&topic, "taken-over");
    published(0);
    let first = Running::start_instance(&bus, &lines, "first");
    let second = Running::start_instance(&bus, &lines, "second");
    published(400);
    all_committed(&*bus, "taken-over", Signal::Traces);
    published(800);
    first.stop();
    published(1200);
    all_committed(&*bus, "taken-over", Signal::Traces);
    second.stop();
    let found = ids_in(brokers, &topic);
    let expected: Vec<_> = (0..1600).map(|id| (id, 1)).collect();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    assert!(
        messages(brokers, &topic)
            .unwrap()
            .iter()
            .all(|one| one.key.is_some())
    );
}
