//! Messages of a topic as any consumer sees them: with keys and headers, committed ones only.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub partition: i32,
    pub key: Option<Vec<u8>>,
    pub value: Vec<u8>,
    /// In order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Message {
    /// The first header of this name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(header, _)| header == name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// All of a topic's messages, each partition in order; `read_committed`.
///
/// # Errors
/// There is no such topic, or its end isn't reached within a minute: a transaction is open.
pub fn messages(brokers: &str, topic: &str) -> Result<Vec<Message>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "messages-of-a-test")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10))?;
    let partitions = metadata.topics()[0].partitions().len() as i32;
    if partitions == 0 {
        bail!("there is no topic `{topic}`");
    }
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions {
        all.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut found, mut ended) = (Vec::new(), 0);
    while ended < partitions {
        if Instant::now() > deadline {
            bail!("the end of `{topic}` isn't reached");
        }
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(message)) => found.push(Message {
                partition: message.partition(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().unwrap_or_default().to_vec(),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    let of = headers.iter();
                    of.map(|one| (one.key.to_owned(), one.value.unwrap_or_default().to_vec()))
                        .collect()
                }),
            }),
        }
    }
    found.sort_by_key(|message| message.partition);
    Ok(found)
}

/// Creates a topic with these settings.
///
/// # Errors
/// The brokers don't.
pub fn create_topic(
    brokers: &str,
    topic: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()?;
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    for (key, value) in settings {
        new = new.set(key, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for created in runtime.block_on(admin.create_topics([&new], &AdminOptions::new()))? {
        created.map_err(|(topic, code)| anyhow::anyhow!("creating {topic}: {code}"))?;
    }
    // Brokers learn of it one after the other.
    crate::wait_until("a topic to be there", Duration::from_secs(30), || {
        admin
            .inner()
            .fetch_metadata(Some(topic), Duration::from_secs(5))
            .is_ok_and(|metadata| !metadata.topics()[0].partitions().is_empty())
    });
    Ok(())
}
