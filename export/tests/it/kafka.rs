//! The same promises on Kafka: delivery, dead letters, positions, members that come and go.

use crate::support::backend::{Answer, Backend};
use crate::support::telemetry::{count, ids, spans};
use crate::support::{QUICK, Running, all_committed, dead_letters, metric, open, publish};
use bus::{BusKind, RawKafka};
use schemas::Signal;
use tonic::Status;

#[test]
fn export_from_kafka() {
    let Ok(broker) = tests::kafka::Broker::shared() else {
        return;
    };
    let bus = open(BusKind::Kafka(RawKafka {
        brokers: broker.brokers().split(',').map(str::to_owned).collect(),
        replication_factor: Some(1),
        ..RawKafka::default()
    }));
    // 13 is never taken, 50 and what follows is late once.
    let backend = Backend::start(|received| match ids(&received.body) {
        ids if ids.contains(&13) => Answer::Grpc(Status::invalid_argument("13")),
        ids if ids.iter().any(|id| *id >= 50) && received.repeated == 0 => {
            Answer::Grpc(Status::unavailable("later"))
        }
        _ => Answer::Accept,
    });
    let backends = [format!(
        "{{name: kafka, otlp_grpc: {{endpoint: 'http://{}'}}, {QUICK}}}",
        backend.address
    )];
    let publish = |ids: std::ops::Range<u64>| {
        for partition in 0..crate::support::PARTITIONS {
            let ids = ids.clone().filter(|id| id % 2 == u64::from(partition));
            publish(
                &*bus,
                Signal::Traces,
                partition,
                ids.map(|id| spans([id], 100)),
            );
        }
    };
    publish(0..60);
    let first = Running::start_instance(&bus, &backends, "first");
    all_committed(&*bus, "kafka", Signal::Traces);
    let second = Running::start_instance(&bus, &backends, "second");
    publish(60..100);
    all_committed(&*bus, "kafka", Signal::Traces);
    first.stop();
    publish(100..140);
    all_committed(&*bus, "kafka", Signal::Traces);
    second.stop();

    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(
        accepted.keys().copied().collect::<Vec<_>>(),
        (0..140).filter(|id| *id != 13).collect::<Vec<_>>()
    );
    let dead: Vec<_> = dead_letters(&*bus)
        .iter()
        .flat_map(|record| ids(&record.value))
        .collect();
    assert_eq!(dead, [13]);
    assert_eq!(
        metric(export::names::CONSUMED, "kafka"),
        metric(export::names::DELIVERED, "kafka") + 1.0
    );
}
