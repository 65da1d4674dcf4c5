//! The way to the dead letters: each record by itself, as it was read, with where it came from and why it is there.
//! A record counts as set aside only when the bus has acknowledged it.

use std::sync::Arc;

use bus::{Bus, Header, Publisher, Record, TopicPartition};
use bytes::Bytes;
use schemas::{Topics, headers};
use tokio::sync::oneshot;

use crate::entry::Entry;

pub struct DeadLetters {
    publisher: Arc<dyn Publisher>,
    topic: Arc<str>,
    partitions: u32,
    /// `export/<backend>`.
    stage: String,
}

impl DeadLetters {
    pub fn new(bus: &dyn Bus, topics: &Topics, backend: &str) -> bus::Result<Self> {
        let topic = topics.dead_letters();
        Ok(Self {
            publisher: bus.publisher()?,
            partitions: bus.partition_count(&topic)?.max(1),
            topic,
            stage: format!("export/{backend}"),
        })
    }

    /// One attempt for one record; an error is worth another one.
    pub async fn publish(&self, entry: &Entry, reason: &str) -> bus::Result<()> {
        match self
            .publish_value(entry, reason, entry.record.value.clone())
            .await
        {
            // With its new headers it no longer fits. The original stays where the headers say.
            Err(bus::Error::RecordTooLarge { .. }) => {
                self.publish_value(entry, reason, Bytes::new()).await
            }
            outcome => outcome,
        }
    }

    async fn publish_value(&self, entry: &Entry, reason: &str, value: Bytes) -> bus::Result<()> {
        let (acknowledge, acknowledged) = oneshot::channel();
        self.publisher.publish(
            TopicPartition {
                topic: self.topic.clone(),
                partition: entry.record.partition % self.partitions,
            },
            Record {
                headers: self.headers(entry, reason),
                value,
            },
            Box::new(move |outcome| {
                let _ = acknowledge.send(outcome);
            }),
        )?;
        match acknowledged.await {
            Ok(outcome) => outcome.map(|_| ()),
            Err(_) => Err(bus::Error::Unavailable(
                "the bus dropped a dead letter without an answer".to_owned(),
            )),
        }
    }

    fn headers(&self, entry: &Entry, reason: &str) -> Vec<Header> {
        let record = &entry.record;
        let header = |name: &str, value: String| Header {
            name: name.into(),
            value: value.into(),
        };
        let mut all = record.headers.clone();
        all.extend([
            header(headers::DEAD_TOPIC, record.topic.to_string()),
            header(headers::DEAD_PARTITION, record.partition.to_string()),
            header(headers::DEAD_OFFSET, record.offset.to_string()),
            header(headers::DEAD_REASON, reason.to_owned()),
            header(headers::DEAD_STAGE, self.stage.clone()),
        ]);
        all
    }
}
