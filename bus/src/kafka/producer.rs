//! What publisher and committers share about producing: a record on its way, and what became of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::util::IntoOpaque;

use super::log::Context;
use crate::{Record, TopicPartition};

/// The record as rdkafka takes it: no key, an explicit partition; the payload is copied into librdkafka's queue.
pub(super) fn to_send<'a, D: IntoOpaque>(
    to: &'a TopicPartition,
    record: &'a Record,
    opaque: D,
) -> BaseRecord<'a, (), [u8], D> {
    let mut out = BaseRecord::with_opaque_to(&to.topic, opaque)
        .partition(to.partition as i32)
        .payload(&record.value[..]);
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for header in &record.headers {
            headers = headers.insert(Header {
                key: &header.name,
                value: Some(&header.value[..]),
            });
        }
        out = out.headers(headers);
    }
    out
}

/// The context of a producer whose records belong to an epoch: collects what failed.
pub(super) struct EpochContext {
    context: Context,
    /// Index in the epoch, and why.
    failed: Mutex<Vec<(usize, RDKafkaErrorCode)>>,
}

impl EpochContext {
    pub fn new(role: String) -> Self {
        Self {
            context: Context::new(role),
            failed: Mutex::default(),
        }
    }

    pub fn warn(&self, what: &str) {
        self.context.warn(what);
    }

    pub fn take_failed(&self) -> Vec<(usize, RDKafkaErrorCode)> {
        std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for EpochContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.context.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.context.stats_raw(statistics);
    }
}

impl ProducerContext for EpochContext {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if let Err((error, _)) = result {
            let code = error
                .rdkafka_error_code()
                .unwrap_or(RDKafkaErrorCode::Unknown);
            self.failed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, code));
        }
    }
}

/// Queues the records of an epoch with these indexes, waiting where the queue is full, and then waits until each was
/// acknowledged or failed. Bounded by the client's `message.timeout.ms`.
///
/// # Errors
/// A record that could not be queued; the others may be on their way.
pub(super) fn send_all(
    producer: &ThreadedProducer<EpochContext>,
    records: &[(TopicPartition, Record)],
    indexes: impl Iterator<Item = usize>,
) -> Result<(), KafkaError> {
    let mut outcome = Ok(());
    'records: for index in indexes {
        let (to, record) = &records[index];
        let mut out = to_send(to, record, index);
        while let Err((error, back)) = producer.send(out) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                outcome = Err(error);
                break 'records;
            }
            out = back;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    // `flush` works in slices of 100 ms; an epoch must not take that long.
    while producer.in_flight_count() > 0 {
        std::thread::sleep(Duration::from_micros(500));
    }
    outcome
}
