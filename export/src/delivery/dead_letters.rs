//! The way to the dead letters: what was refused of each record, as it was read, with where it came from and why it is there.
//! A record counts as set aside only when the bus has acknowledged it.

use std::sync::Arc;

use bus::{Bus, DeadLetter, Header, Publisher, TopicPartition};
use schemas::{Topics, headers};
use tokio::sync::oneshot;

use crate::delivery::pieces::Refused;
use crate::records::entry::Entry;

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
    pub async fn publish(&self, entry: &Entry, refused: &Refused) -> bus::Result<()> {
        match self.publish_within(entry, refused, usize::MAX).await {
            // With its new headers it no longer fits.
            Err(bus::Error::RecordTooLarge { .. }) => self.publish_within(entry, refused, 0).await,
            outcome => outcome,
        }
    }

    async fn publish_within(
        &self,
        entry: &Entry,
        refused: &Refused,
        bytes_max: usize,
    ) -> bus::Result<()> {
        let record = &entry.record;
        let letter = DeadLetter {
            stage: &self.stage,
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            reason: &refused.reason,
            value: refused.value.clone(),
        };
        let mut first = record.headers.clone();
        first.extend(refused.units.as_ref().map(|units| Header {
            name: headers::DEAD_UNITS.into(),
            value: units.clone().into(),
        }));
        let (acknowledge, acknowledged) = oneshot::channel();
        self.publisher.publish(
            TopicPartition {
                topic: self.topic.clone(),
                partition: record.partition % self.partitions,
            },
            letter.into_record(first, bytes_max),
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
}
