//! The broker between the runs: topics made, looked at, read and removed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bus::{Bus, RawBusConfig};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use runtime::config::Problems;
use serde_json::json;
use tests::bus_reader::each_record;
use tests::kafka::{Broker, delete_topics};

use crate::spans::Spans;

const ANSWER: Duration = Duration::from_secs(30);

pub fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("log_level", "2");
    config
}

/// Creates topics whose records keep the time that they were stamped with, and that take any record.
pub fn create(brokers: &str, topics: &[&str], partitions: u32) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create()?;
    let new: Vec<_> = topics
        .iter()
        .map(|topic| {
            NewTopic::new(topic, partitions as i32, TopicReplication::Fixed(1))
                .set("message.timestamp.type", "CreateTime")
                .set("max.message.bytes", "16777216")
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(ANSWER));
    let tokio = tokio::runtime::Builder::new_current_thread().build()?;
    for created in tokio.block_on(admin.create_topics(&new, &options))? {
        created.map_err(|(topic, code)| anyhow!("creating topic {topic}: {code}"))?;
    }
    Ok(())
}

/// Removes every topic of a run.
pub fn remove(brokers: &str, prefix: &str) -> Result<()> {
    let consumer: BaseConsumer = client(brokers).create()?;
    let metadata = consumer.fetch_metadata(None, ANSWER)?;
    let topics: Vec<_> = metadata
        .topics()
        .iter()
        .map(|topic| topic.name().to_owned())
        .filter(|topic| topic.starts_with(prefix))
        .collect();
    match topics.is_empty() {
        true => Ok(()),
        false => delete_topics(brokers, &topics),
    }
}

/// How far a topic is written, or a group has read it; all partitions together.
pub struct Offsets {
    consumer: BaseConsumer,
    topic: String,
    partitions: u32,
}

impl Offsets {
    /// `group`: whose positions [`Self::committed`] asks for.
    pub fn of(brokers: &str, topic: &str, partitions: u32, group: &str) -> Result<Self> {
        let consumer = client(brokers).set("group.id", group).create()?;
        Ok(Self {
            consumer,
            topic: topic.to_owned(),
            partitions,
        })
    }

    fn list(&self, offset: Offset) -> TopicPartitionList {
        (0..self.partitions as i32)
            .map(|partition| (self.topic.clone(), partition, offset))
            .collect()
    }

    pub fn end(&self) -> Option<u64> {
        sum(&self
            .consumer
            .offsets_for_times(self.list(Offset::End), ANSWER)
            .ok()?)
    }

    pub fn committed(&self) -> Option<u64> {
        sum(&self
            .consumer
            .committed_offsets(self.list(Offset::Invalid), ANSWER)
            .ok()?)
    }
}

fn sum(list: &TopicPartitionList) -> Option<u64> {
    let mut sum = 0;
    for element in list.elements() {
        element.error().ok()?;
        if let Offset::Offset(offset) = element.offset() {
            sum += offset.max(0) as u64;
        }
    }
    Some(sum)
}

/// The spans of a topic, and its records.
pub fn read(broker: &Broker, topic: &str) -> Result<(Spans, u64)> {
    let bus = open(broker)?;
    let (mut spans, mut records) = (Spans::default(), 0);
    each_record(&*bus, topic, |record| {
        spans.add(&record.value);
        records += 1;
    })?;
    Ok((spans, records))
}

fn open(broker: &Broker) -> Result<Arc<dyn Bus>> {
    let raw: RawBusConfig =
        serde_json::from_value(json!({"kafka": {"brokers": [broker.brokers()]}}))?;
    let mut problems = Problems::new();
    let config = raw.validate("bus", &mut problems);
    config.open().context("opening the bus")
}
