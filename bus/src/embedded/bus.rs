//! The embedded log as a [`Bus`].

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::open::{Open, Options};
use crate::embedded::membership::member;
use crate::embedded::on_disk::frame::{RECORD_BYTES_MAX, check_size};
use crate::embedded::reader;
use crate::embedded::writing::queue::{Publish, Work};
use crate::{
    Ack, Bus, Committer, DiskUse, Error, GroupOptions, Member, Publisher, Reader, Rebalance,
    Record, Result, Timestamps, TopicPartition, TopicSpec,
};

/// Opens the log in `dir`, creating it when it is missing.
///
/// # Errors
/// `Fatal` when another process has it open, or it can't be written or is damaged; the message names the directory.
pub fn open(dir: &Path, options: Options) -> Result<Arc<dyn Bus>> {
    Ok(Arc::new(Embedded {
        open: Open::new(dir, options)?,
    }))
}

struct Embedded {
    open: Arc<Open>,
}

impl Bus for Embedded {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        let mut mismatches = Vec::new();
        let mut missing = Vec::new();
        for spec in topics {
            match self.open.log.topic(&spec.name) {
                Ok(topic) if topic.partitions.len() as u32 == spec.partitions => {}
                Ok(topic) => mismatches.push(format!(
                    "{} has {} partitions instead of {}",
                    spec.name,
                    topic.partitions.len(),
                    spec.partitions
                )),
                Err(_) => missing.push(spec.clone()),
            }
        }
        if !mismatches.is_empty() {
            return Err(Error::Fatal(format!(
                "topics in {} don't fit the configuration: {}; set bus.topics.partitions to what is there, or use another \
                 bus.topics.prefix or directory, since a count can't change without moving traces between partitions",
                self.open.log.dir.display(),
                mismatches.join(", ")
            )));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let (reply, answer) = mpsc::sync_channel(1);
        self.open.log.queue.submit(Work::Create {
            specs: missing,
            reply,
        })?;
        answer
            .recv()
            .unwrap_or_else(|_| Err(Error::Fatal("the embedded bus was closed".to_owned())))
    }

    fn partition_count(&self, topic: &str) -> Result<u32> {
        Ok(self.open.log.topic(topic)?.partitions.len() as u32)
    }

    fn timestamps(&self, _: &str) -> Result<Timestamps> {
        Ok(Timestamps::LogAppend)
    }

    fn retention(&self, _: &str) -> Result<Option<Duration>> {
        Ok(Some(self.open.retention_age))
    }

    fn record_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX
    }

    /// The newest values are the very bytes that were published. Older ones are decompressed one by one; those that weren't worth compressing share
    /// a block of the store with their neighbours.
    fn values_pin_buffers(&self) -> bool {
        false
    }

    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(EmbeddedPublisher {
            open: self.open.clone(),
        }))
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(reader::EmbeddedReader::new(self.open.clone())))
    }

    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        let (member, committer) = member::join(self.open.clone(), options, rebalance)?;
        Ok((Box::new(member), Box::new(committer)))
    }

    fn check(&self) -> Result<()> {
        self.open.log.queue.check()
    }

    fn ranges(&self, topic: &str, _timeout: Duration) -> Result<Vec<std::ops::Range<u64>>> {
        let topic = self.open.log.topic(topic)?;
        Ok((topic.partitions.iter())
            .map(|partition| partition.start()..partition.end())
            .collect())
    }

    fn disk_use(&self) -> Option<DiskUse> {
        self.open.log.disk_use()
    }

    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        let log = &self.open.log;
        let topic = log.topic(topic)?;
        let mut lag = 0;
        for (partition, offsets) in topic.partitions.iter().enumerate() {
            let at = TopicPartition {
                topic: topic.name.clone(),
                partition: partition as u32,
            };
            let committed = log
                .committed(group, &at)?
                .map_or(0, |position| position.offset);
            lag += offsets.end().saturating_sub(committed.max(offsets.start()));
        }
        Ok(lag)
    }
}

struct EmbeddedPublisher {
    open: Arc<Open>,
}

impl Publisher for EmbeddedPublisher {
    fn publish(&self, to: TopicPartition, record: Record, ack: Ack) -> Result<()> {
        check_size(&record)?;
        let topic = self.open.log.topic(&to.topic)?;
        topic.partition(to.partition)?;
        self.open.log.queue.publish(Publish {
            topic,
            partition: to.partition,
            record,
            ack,
        })
    }

    fn flush(&self, timeout: Duration) -> Result<()> {
        self.open.log.queue.flush(timeout)
    }
}
