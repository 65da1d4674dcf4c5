//! The kind `kafka` on a real broker: another cluster, and the bus's own.

mod collector;
mod login;
mod once;
mod other;

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Bus, BusKind, RawKafka};
use tests::kafka::{Message, messages};

use crate::support::telemetry::{count, ids};

/// A bus on this broker.
fn bus_on(brokers: &str) -> Arc<dyn Bus> {
    crate::support::open(BusKind::Kafka(RawKafka {
        brokers: brokers.split(',').map(str::to_owned).collect(),
        replication_factor: Some(1),
        ..RawKafka::default()
    }))
}

/// How often each id is in a topic, for those who read what is committed.
fn ids_in(brokers: &str, topic: &str) -> BTreeMap<u64, usize> {
    let all = messages(brokers, topic).unwrap();
    count(all.iter().flat_map(|message| ids(&message.value)))
}

fn key(message: &Message) -> String {
    let key = message.key.clone().unwrap_or_default();
    String::from_utf8(key).unwrap()
}
