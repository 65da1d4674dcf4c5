//! The broker that the other tests stand on: it starts, survives `kill -9` and goes when its process goes.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tests::kafka::Broker;

fn answers(broker: &Broker) -> bool {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.brokers())
        .set("log_level", "0")
        .create()
        .unwrap();
    client
        .fetch_metadata(None, Duration::from_secs(2))
        .is_ok_and(|metadata| metadata.brokers().len() == 1)
}

#[test]
fn starts_dies_and_starts_again() {
    let begin = Instant::now();
    let Ok(broker) = Broker::start() else { return };
    println!("ready after {:?}", begin.elapsed());
    assert!(answers(&broker));
    broker.kill();
    assert!(!answers(&broker));
    let begin = Instant::now();
    broker.restart();
    println!("ready again after {:?}", begin.elapsed());
    assert!(answers(&broker));
    broker.pause();
    assert!(!answers(&broker));
    broker.resume();
    assert!(answers(&broker));
}
