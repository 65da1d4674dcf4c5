//! A producer with a thread that serves its delivery reports.
//!
//! Not rdkafka's `ThreadedProducer`: that one polls for 100 ms at a time, and each poll spins through its last millisecond, since what is left
//! rounds to a wait of zero. An idle process spent 0.8 % of a core there for each producer. Reports wake a poll however long it is.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, ProducerContext};

/// How long a producer that was dropped lives on at most.
const POLL: Duration = Duration::from_secs(1);

pub(in crate::kafka) struct PolledProducer<C: ProducerContext + 'static> {
    producer: Arc<BaseProducer<C>>,
    dropped: Arc<AtomicBool>,
}

impl<C: ProducerContext + 'static> PolledProducer<C> {
    pub fn new(config: &ClientConfig, context: C) -> KafkaResult<Self> {
        let producer = Arc::new(BaseProducer::from_config_and_context(config, context)?);
        let dropped = Arc::new(AtomicBool::new(false));
        let (polled, done) = (producer.clone(), dropped.clone());
        std::thread::Builder::new()
            .name("kafka-reports".to_owned())
            .spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    polled.poll(POLL);
                }
            })
            .map_err(|e| KafkaError::ClientCreation(format!("starting its thread: {e}")))?;
        Ok(Self { producer, dropped })
    }
}

impl<C: ProducerContext + 'static> Deref for PolledProducer<C> {
    type Target = BaseProducer<C>;

    fn deref(&self) -> &BaseProducer<C> {
        &self.producer
    }
}

impl<C: ProducerContext + 'static> Drop for PolledProducer<C> {
    /// The thread is the last to let the client go; nobody waits for it.
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}
