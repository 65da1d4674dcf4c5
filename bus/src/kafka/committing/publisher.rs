//! Publishing outside of epochs: an idempotent producer with a bounded queue, and one call back for each record.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, Producer as _, ProducerContext};

use crate::kafka::committing::producer::{Sent, send};
use crate::kafka::committing::unsettled::Unsettled;
use crate::kafka::connecting::errors::error;
use crate::kafka::connecting::log::Context;
use crate::kafka::connecting::polled::PolledProducer;
use crate::kafka::connecting::properties::Properties;
use crate::kafka::login::Renew;
use crate::{Ack, Error, Publisher, Record, Result, TopicPartition};

pub(in crate::kafka) struct KafkaPublisher {
    properties: Properties,
    limit: usize,
    unsettled: Arc<Unsettled>,
    /// Replaced when the client reports a fatal error, from which it never recovers, and when there are other certificates.
    producer: RwLock<Arc<PolledProducer<Acks>>>,
}

impl KafkaPublisher {
    pub fn new(properties: &Properties) -> Result<Arc<Self>> {
        let publisher = Arc::new(Self {
            limit: properties.record_bytes_max(),
            unsettled: Arc::default(),
            producer: RwLock::new(Arc::new(create(properties)?)),
            properties: properties.clone(),
        });
        let renewed: Arc<dyn Renew> = publisher.clone();
        properties.login().tell(Arc::downgrade(&renewed));
        Ok(publisher)
    }

    fn producer(&self) -> Arc<PolledProducer<Acks>> {
        self.producer
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, broken: &Arc<PolledProducer<Acks>>) -> Result<()> {
        let mut current = self
            .producer
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, broken) {
            let reason = broken
                .client()
                .fatal_error()
                .map_or_else(String::new, |(_, reason)| reason);
            broken.context().0.warn(&format!(
                "the producer failed for good and is replaced: {reason}"
            ));
            *current = Arc::new(create(&self.properties)?);
        }
        Ok(())
    }
}

impl Renew for KafkaPublisher {
    /// What the old one was given, it still reports.
    fn renew(&self) {
        match create(&self.properties) {
            Ok(new) => {
                let mut current = self
                    .producer
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                current.retire();
                *current = Arc::new(new);
            }
            Err(error) => tracing::error!(%error, "the publisher stays with its old certificates"),
        }
    }
}

fn create(properties: &Properties) -> Result<PolledProducer<Acks>> {
    let context = Acks(
        properties.context("publisher"),
        properties.record_bytes_max(),
    );
    PolledProducer::new(&properties.publisher(), context, properties.login())
        .map_err(|e| error("creating a Kafka producer", &e))
}

impl Publisher for KafkaPublisher {
    fn publish(&self, to: TopicPartition, record: Record, ack: Ack) -> Result<()> {
        if record.value.len() > self.limit {
            return Err(Error::RecordTooLarge {
                bytes: record.value.len(),
                limit: self.limit,
            });
        }
        let ticket = self.unsettled.ticket();
        let ack: Ack = Box::new(move |result| {
            ack(result);
            drop(ticket);
        });
        let producer = self.producer();
        match send(&producer, &to, &record, Mutex::new(ack)) {
            Ok(()) => Ok(()),
            Err(e) => match e.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => Err(Error::QueueFull),
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => Err(Error::RecordTooLarge {
                    bytes: record.value.len(),
                    limit: self.limit,
                }),
                Some(RDKafkaErrorCode::Fatal) => {
                    self.replace(&producer)?;
                    Err(Error::Unavailable(format!("publishing to {to}: {e}")))
                }
                _ => Err(error(&format!("publishing to {to}"), &e)),
            },
        }
    }

    fn flush(&self, timeout: Duration) -> Result<()> {
        match self.unsettled.wait(timeout) {
            0 => Ok(()),
            waiting => Err(Error::Unavailable(format!(
                "flushing the publisher: {waiting} records not acknowledged after {} ms",
                timeout.as_millis()
            ))),
        }
    }
}

/// Tells each record's sender what became of it.
struct Acks(Context, usize);

impl ClientContext for Acks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.0.stats_raw(statistics);
    }
}

impl ProducerContext for Acks {
    /// Never locked: the mutex makes the call back shareable, as rdkafka demands.
    type DeliveryOpaque = Box<Sent<Mutex<Ack>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, waiting: Self::DeliveryOpaque) {
        let Sent { tell, .. } = *waiting;
        let ack = tell.into_inner().unwrap_or_else(PoisonError::into_inner);
        ack(match result {
            Ok(message) => Ok(message.offset().max(0) as u64),
            Err((e, message)) => match e.rdkafka_error_code() {
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                    let bytes = message.payload().map_or(0, <[u8]>::len);
                    Err(Error::RecordTooLarge {
                        bytes,
                        limit: self.1,
                    })
                }
                _ => Err(error(
                    &format!("publishing to {}/{}", message.topic(), message.partition()),
                    e,
                )),
            },
        });
    }
}
