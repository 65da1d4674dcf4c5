//! Reading partitions outside of any group: manual assignment, committed records only.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;

use crate::kafka::connecting::errors::{error, lacks_right};
use crate::kafka::connecting::lookups::{ANSWER, Lookups};
use crate::kafka::connecting::properties::Properties;
use crate::kafka::fetching::held::{Consumer, Happened};
use crate::kafka::fetching::reading::{Partitions, stops_partition};
use crate::{Error, Fetched, Reader, Result, Topic, TopicPartition};

pub(in crate::kafka) struct KafkaReader {
    properties: Properties,
    consumer: Arc<Consumer>,
    /// Of the certificates that the client was made with.
    generation: u64,
    lookups: Arc<Lookups>,
    partitions: Partitions,
    /// Topics whose leaders the client knows.
    known: HashSet<Topic>,
}

impl KafkaReader {
    pub fn new(properties: &Properties, lookups: Arc<Lookups>) -> Result<Self> {
        Ok(Self {
            generation: properties.login().generation(),
            consumer: client(properties)?,
            properties: properties.clone(),
            lookups,
            partitions: Partitions::default(),
            known: HashSet::new(),
        })
    }
}

fn client(properties: &Properties) -> Result<Arc<Consumer>> {
    let consumer = Consumer::new(&properties.reader(), properties.context("reader"))
        .map_err(|e| error("creating a Kafka consumer", &e))?;
    Ok(Arc::new(consumer))
}

impl KafkaReader {
    /// Another client, if there are other certificates; it knows nothing of what the old one read.
    fn renew(&mut self) -> Result<()> {
        let generation = self.properties.login().generation();
        if generation != self.generation {
            self.consumer = client(&self.properties)?;
            self.partitions = Partitions::default();
            self.known.clear();
            self.generation = generation;
        }
        Ok(())
    }
}

impl Reader for KafkaReader {
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<()> {
        self.renew()?;
        for (at, _) in from {
            // Without metadata librdkafka finds the leader by a timer of half a second.
            if !self.known.contains(&at.topic) {
                self.consumer
                    .base
                    .fetch_metadata(Some(&at.topic), ANSWER)
                    .map_err(|e| {
                        error(
                            &format!("asking for the leaders of topic `{}`", at.topic),
                            &e,
                        )
                    })?;
                self.known.insert(at.topic.clone());
            }
        }
        // What was fetched ahead of a partition that stays would have to come over the network again.
        let changed = self.partitions.change(from).apply(&self.consumer);
        changed
            .or_else(|_| self.partitions.assign(&self.consumer))
            .map_err(|e| error("assigning partitions to a reader", &e))
    }

    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Vec<Fetched>> {
        let deadline = Instant::now() + timeout;
        let (mut records, mut bytes) = (Vec::new(), 0);
        loop {
            self.partitions.restart(&self.consumer, &self.lookups, |at, next, range| {
                if next > range.end {
                    tracing::warn!(partition = %at, next, ?range, "kafka: reading from beyond the end of the log");
                }
            });
            let left = deadline
                .saturating_duration_since(Instant::now())
                .min(self.partitions.patience());
            let wait = if records.is_empty() {
                left
            } else {
                Duration::ZERO
            };
            match self.consumer.next(wait) {
                Some(Happened::Record(record)) if self.partitions.admit(&record) => {
                    bytes += record.value.len();
                    records.push(record);
                }
                Some(Happened::End(at, offset)) => self.partitions.ended(&at, offset),
                Some(Happened::Failed {
                    code,
                    fatal,
                    reason,
                    at,
                }) => match at {
                    _ if fatal => {
                        return Err(Error::Fatal(format!("reading from Kafka: {reason}")));
                    }
                    Some(at) if stops_partition(code) => self.partitions.stop(at),
                    Some(at) if lacks_right(code) => {
                        return Err(Error::Denied(format!("reading {at}: {reason}")));
                    }
                    _ => self.consumer.base.context().failed(code, &reason),
                },
                Some(_) => {}
                None if !records.is_empty() || Instant::now() >= deadline => break,
                None => {}
            }
            if bytes >= max_bytes && !records.is_empty() {
                break;
            }
        }
        Ok(records)
    }

    fn position(&self, at: &TopicPartition) -> Result<u64> {
        let reading = self.partitions.get(at);
        reading
            .map(|reading| reading.next.unwrap_or(0))
            .ok_or_else(|| {
                Error::Fatal(format!(
                    "asking for the position on {at}: it isn't assigned to this reader"
                ))
            })
    }

    fn range(&mut self, at: &TopicPartition) -> Result<Range<u64>> {
        self.lookups.range(at, ANSWER)
    }

    fn offset_at(&mut self, at: &TopicPartition, timestamp_ms: u64) -> Result<u64> {
        self.lookups.offset_at(at, timestamp_ms)
    }
}
