//! Another cluster: what arrives there, and what is refused.

use std::collections::BTreeSet;

use schemas::Signal;
use tests::kafka::{Broker, create_topic, messages, unique};

use super::{ids_in, key};
use crate::support::telemetry::{ids, one_log, one_metric, spans};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, eventually, header, metric, open_bus, publish,
    publish_of,
};

/// Each trace is a message of its own, with its key, on its tenant's topic.
#[test]
fn traces_arrive_on_their_tenants_topics() {
    let Ok(broker) = Broker::shared() else { return };
    let brokers = broker.brokers();
    let prefix = unique("tenants");
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let backends = [format!(
        "{{name: to-tenants, signals: [traces], kafka: {{brokers: ['{brokers}'], topic: '{prefix}.{{tenant}}.{{signal}}', \
         create_topics: {{partitions: 3}}, compression: zstd, headers: {{of: 'x-{{tenant}}'}}}}, {QUICK}}}"
    )];
    let running = Running::start(&bus, &backends);
    publish(
        &*bus,
        Signal::Traces,
        0,
        (0..20).map(|record| spans(10 * record..10 * record + 10, 0)),
    );
    publish_of(
        &*bus,
        Signal::Traces,
        1,
        Some("shop"),
        [spans(1000..1010, 0)],
    );
    all_committed(&*bus, "to-tenants", Signal::Traces);
    running.stop();
    let of_default = messages(brokers, &format!("{prefix}.default.traces")).unwrap();
    let all = ids_in(brokers, &format!("{prefix}.default.traces"));
    assert_eq!(
        all.into_iter().collect::<Vec<_>>(),
        (0..200).map(|id| (id, 1)).collect::<Vec<_>>()
    );
    let mut partitions = BTreeSet::new();
    for message in &of_default {
        for id in ids(&message.value) {
            assert_eq!(key(message), format!("{:032x}", id / 4 + 1));
        }
        assert_eq!(
            message.header("content-type").as_deref(),
            Some("application/x-protobuf")
        );
        assert_eq!(message.header("of").as_deref(), Some("x-default"));
        assert_eq!(message.header("tailwater.tenant"), None);
        assert_eq!(message.header(":key"), None, "the key is no header");
        partitions.insert((key(message), message.partition));
    }
    let keys: BTreeSet<_> = partitions.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), partitions.len(), "a key has one partition");
    let of_shop = messages(brokers, &format!("{prefix}.shop.traces")).unwrap();
    assert_eq!(
        of_shop[0].header("tailwater.tenant").as_deref(),
        Some("shop")
    );
    assert_eq!(
        of_shop
            .iter()
            .map(|message| ids(&message.value).len())
            .sum::<usize>(),
        10
    );
    assert!(dead_letters(&*bus).is_empty());
}

/// All signals in JSON, on one topic each.
#[test]
fn all_signals_arrive_as_json() {
    let Ok(broker) = Broker::shared() else { return };
    let brokers = broker.brokers();
    let prefix = unique("json");
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let backends = [format!(
        "{{name: to-json, kafka: {{brokers: ['{brokers}'], topic: '{prefix}-{{signal}}', format: otlp_json, create_topics: {{}}}}, {QUICK}}}"
    )];
    let running = Running::start(&bus, &backends);
    let values = [spans([1], 0), one_log("b"), one_metric("m")];
    for (signal, value) in Signal::ALL.into_iter().zip(&values) {
        publish(&*bus, signal, 0, [value.clone()]);
        all_committed(&*bus, "to-json", signal);
    }
    running.stop();
    for (signal, value) in Signal::ALL.into_iter().zip(&values) {
        let found = messages(brokers, &format!("{prefix}-{}", signal.name())).unwrap();
        let back = ingest::Format::OtlpJson.to_otlp(signal, &found[0].value.clone().into());
        assert_eq!(&back.unwrap()[..], &value[..]);
        assert_eq!(
            found[0].key.is_some(),
            signal != Signal::Logs,
            "{}",
            signal.name()
        );
    }
}

/// Nothing is lost, and nobody is told to create it twice: the backend is held until the topic is there.
#[test]
fn a_topic_that_is_missing_is_named_and_waited_for() {
    let Ok(broker) = Broker::shared() else { return };
    let (brokers, topic) = (broker.brokers(), unique("missing"));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let backends = [format!(
        "{{name: to-missing, signals: [traces], kafka: {{brokers: ['{brokers}'], topic: {topic}}}, credentials: {{probe: 200ms}}, {QUICK}}}"
    )];
    let running = Running::start(&bus, &backends);
    publish(&*bus, Signal::Traces, 0, [spans(0..4, 0)]);
    eventually("the topic is named", || {
        let parts = running.health.parts();
        parts
            .iter()
            .any(|part| part.state.as_ref().is_err_and(|why| why.contains(&topic)))
    });
    assert_eq!(
        metric("tailwater_export_breaker_state", "to-missing") as u8,
        2
    );
    create_topic(brokers, &topic, 2, &[]).unwrap();
    all_committed(&*bus, "to-missing", Signal::Traces);
    running.stop();
    assert_eq!(ids_in(brokers, &topic).len(), 4);
    assert!(dead_letters(&*bus).is_empty());
}

/// The topic takes less than messages may have otherwise: it is asked, and only what can't be divided is refused.
#[test]
fn what_is_too_large_is_refused_alone() {
    let Ok(broker) = Broker::shared() else { return };
    let (brokers, topic) = (broker.brokers(), unique("small"));
    create_topic(brokers, &topic, 2, &[("max.message.bytes", "20000")]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let backends = [format!(
        "{{name: to-small, signals: [traces], kafka: {{brokers: ['{brokers}'], topic: {topic}, compression: none}}, {QUICK}}}"
    )];
    // One trace of four spans that is too large for a message, many small ones, and one span that is.
    publish(&*bus, Signal::Traces, 0, [spans(0..4, 8000)]);
    publish(
        &*bus,
        Signal::Traces,
        0,
        (1..30).map(|record| spans(4 * record..4 * record + 4, 500)),
    );
    publish(
        &*bus,
        Signal::Traces,
        0,
        [spans([400], 30_000), spans([404], 0)],
    );
    let running = Running::start(&bus, &backends);
    all_committed(&*bus, "to-small", Signal::Traces);
    running.stop();
    let found = ids_in(brokers, &topic);
    let expected: Vec<u64> = (0..120).chain([404]).collect();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), expected);
    let dead = dead_letters(&*bus);
    assert_eq!(dead.len(), 1);
    assert_eq!(ids(&dead[0].value), [400]);
    assert!(header(&dead[0], schemas::headers::DEAD_REASON).contains("message_bytes_max"));
}

/// The broker goes away in the middle of it.
#[test]
fn nothing_is_lost_while_the_broker_is_away() {
    let Ok(broker) = Broker::start() else { return };
    let (brokers, topic) = (broker.brokers(), unique("away"));
    create_topic(brokers, &topic, 2, &[]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let backends = [format!(
        "{{name: to-away, signals: [traces], kafka: {{brokers: ['{brokers}'], topic: {topic}, properties: {{message.timeout.ms: '2000'}}}}, {QUICK}}}"
    )];
    let running = Running::start(&bus, &backends);
    publish(&*bus, Signal::Traces, 0, (0..100).map(|id| spans([id], 10)));
    all_committed(&*bus, "to-away", Signal::Traces);
    broker.kill();
    publish(
        &*bus,
        Signal::Traces,
        0,
        (100..200).map(|id| spans([id], 10)),
    );
    eventually("it is tried again", || {
        metric(export::names::RETRIES, "to-away") > 0.0
    });
    broker.restart();
    all_committed(&*bus, "to-away", Signal::Traces);
    running.stop();
    let found = ids_in(brokers, &topic);
    assert_eq!(
        found.into_keys().collect::<Vec<_>>(),
        (0..200).collect::<Vec<_>>()
    );
    assert!(dead_letters(&*bus).is_empty());
}
