//! A producer with a thread that serves its delivery reports.
//!
//! Not rdkafka's `ThreadedProducer`: that one polls for 100 ms at a time, and each poll spins through its last millisecond, since what is left
//! rounds to a wait of zero. An idle process spent 0.8 % of a core there for each producer. Reports wake a poll however long it is.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};

use crate::kafka::login::{Login, Registered};

/// How long a producer that was dropped lives on at most, besides what `retire` says.
const POLL: Duration = Duration::from_secs(1);
/// How long one that is retired waits for the reports of what it still has: longer than any record may wait (`message.timeout.ms`).
const RETIRE: Duration = Duration::from_secs(60);

pub(in crate::kafka) struct PolledProducer<C: ProducerContext + 'static> {
    // Before the client, since it must go first.
    _registered: Registered,
    producer: Arc<BaseProducer<C>>,
    dropped: Arc<AtomicBool>,
    retired: Arc<AtomicBool>,
}

impl<C: ProducerContext + 'static> PolledProducer<C> {
    pub fn new(config: &ClientConfig, context: C, login: &Login) -> KafkaResult<Self> {
        let producer = Arc::new(BaseProducer::from_config_and_context(config, context)?);
        let registered = login.register(producer.client());
        let dropped = Arc::new(AtomicBool::new(false));
        let retired = Arc::new(AtomicBool::new(false));
        let (polled, done, may_finish) = (producer.clone(), dropped.clone(), retired.clone());
        std::thread::Builder::new()
            .name("kafka-reports".to_owned())
            .spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    polled.poll(POLL);
                }
                let deadline = Instant::now() + RETIRE;
                while may_finish.load(Ordering::Relaxed)
                    && polled.in_flight_count() > 0
                    && Instant::now() < deadline
                {
                    polled.poll(POLL);
                }
            })
            .map_err(|e| KafkaError::ClientCreation(format!("starting its thread: {e}")))?;
        Ok(Self {
            _registered: registered,
            producer,
            dropped,
            retired,
        })
    }

    /// Another one takes its place: once it is dropped, it goes on until everything that it was given is reported.
    pub fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
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
