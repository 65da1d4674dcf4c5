//! Entries onto the bus: in order, in records of a bounded size, each acknowledged before the next.

use std::sync::Arc;
use std::time::Duration;

use bus::{Publisher, Record, TopicPartition};
use bytes::Bytes;
use k8s::{Entry, encode_entry};
use tokio::sync::oneshot;

/// The value of one record, about.
const RECORD_BYTES: usize = 256 << 10;
/// Between two attempts to write a record.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Writes to one partition.
pub(super) struct Teller {
    publisher: Arc<dyn Publisher>,
    to: TopicPartition,
    record_bytes: usize,
}

impl Teller {
    pub(super) fn new(
        publisher: Arc<dyn Publisher>,
        to: TopicPartition,
        record_bytes_max: usize,
    ) -> Self {
        Self {
            publisher,
            to,
            record_bytes: RECORD_BYTES.min(record_bytes_max),
        }
    }

    /// Writes entries, again and again until the bus has acknowledged them; `failed` is told why it hasn't. One that is larger than a record is left out
    /// and reported: no pod is, within the limits of pruning.
    pub(super) async fn tell(&self, entries: &[Entry], failed: impl Fn(&bus::Error)) {
        let mut value = Vec::new();
        for entry in entries {
            let mut alone = Vec::new();
            encode_entry(entry, &mut alone);
            if alone.len() > self.record_bytes {
                tracing::error!(
                    bytes = alone.len(),
                    record_bytes_max = self.record_bytes,
                    "an object of Kubernetes is larger than the bus's records, and is left out"
                );
                continue;
            }
            if !value.is_empty() && value.len() + alone.len() > self.record_bytes {
                self.write(std::mem::take(&mut value), &failed).await;
            }
            encode_entry(entry, &mut value);
        }
        if !value.is_empty() {
            self.write(value, &failed).await;
        }
    }

    async fn write(&self, value: Vec<u8>, failed: &impl Fn(&bus::Error)) {
        let value = Bytes::from(value);
        loop {
            match self.attempt(value.clone()).await {
                Ok(_) => return,
                Err(error) => failed(&error),
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn attempt(&self, value: Bytes) -> bus::Result<u64> {
        let headers = stage::records_headers(None);
        let record = Record { headers, value };
        let (acknowledged, ack) = oneshot::channel();
        let done = Box::new(move |result| drop(acknowledged.send(result)));
        self.publisher.publish(self.to.clone(), record, done)?;
        match ack.await {
            Ok(result) => result,
            Err(_) => Err(bus::Error::Unavailable("the bus is gone".into())),
        }
    }
}
