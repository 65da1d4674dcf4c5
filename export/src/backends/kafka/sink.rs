//! The sink: makes messages of a batch, and publishes them, or hands them over to be committed with the batch's positions.
//!
//! A batch is encoded when it is sent for the first time, since that takes the number of partitions, and how large a message may be.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bus::{Bus, Error, Header, Record, Topic, TopicPartition};
use bytes::Bytes;
use schemas::{Signal, headers};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::answer::failure;
use super::cluster::{Cluster, Open};
use super::config::KafkaConfig;
use super::messages::{Format, Layout, Message};
use super::partitioner::partition_of_key;
use crate::backends::kind::Sink;
use crate::outcome::{Accepted, Failure, FailureKind};
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::output::Output;

/// How long a full queue is left alone that other requests fill.
const FULL: Duration = Duration::from_millis(10);

pub struct Kafka {
    config: KafkaConfig,
    cluster: Arc<Cluster>,
    /// The name of the header that is Kafka's key: each message has it.
    key_name: Arc<str>,
}

/// A batch, and its messages once they are made.
pub struct Request {
    batch: Batch,
    made: OnceLock<Made>,
    /// Of all messages.
    bytes: AtomicU64,
}

/// The messages of a batch, by its records.
struct Made {
    records: Vec<Output>,
    /// By message: what the cluster has isn't sent again.
    acknowledged: Vec<AtomicBool>,
}

/// What was acknowledged: which message, and how.
type Report = (usize, bus::Result<u64>);

impl Kafka {
    pub fn new(config: &KafkaConfig, bus: &Arc<dyn Bus>) -> Self {
        let create = config.create;
        let cluster = match &config.cluster {
            None => Cluster::own(bus.clone(), create),
            Some(other) => Cluster::other(other.clone(), create),
        };
        Self {
            config: config.clone(),
            cluster: Arc::new(cluster),
            key_name: headers::KEY_ALONE.into(),
        }
    }

    async fn open(&self) -> Result<Arc<Open>, Failure> {
        let cluster = self.cluster.clone();
        blocking(move || cluster.open())
            .await?
            .map_err(|error| failure(error, true))
    }

    async fn partitions(
        &self,
        signal: Signal,
        open: &Arc<Open>,
        topic: &Topic,
    ) -> Result<u32, Failure> {
        let sure = !self.config.topics[signal as usize].is_by_tenant();
        let (cluster, connection, topic) = (self.cluster.clone(), open.clone(), topic.clone());
        let asked = blocking(move || cluster.partitions(&connection, &topic)).await?;
        asked.map_err(|error| {
            self.look_again(open, &error);
            failure(error, sure)
        })
    }

    /// An error that says too little: who connects anew learns more.
    fn look_again(&self, open: &Arc<Open>, error: &Error) {
        if matches!(error, Error::Unavailable(_)) {
            self.cluster.forget(open);
        }
    }

    async fn make(&self, signal: Signal, open: &Arc<Open>, batch: &Batch) -> Result<Made, Failure> {
        let split = |reason| Failure {
            kind: FailureKind::Split,
            reason,
        };
        let template = &self.config.topics[signal as usize];
        let mut topics: Vec<(Topic, u32)> = Vec::new();
        let mut of_entries = Vec::with_capacity(batch.entries.len());
        for entry in &batch.entries {
            let name = template.topic(entry.tenant()).map_err(split)?;
            let known = topics.iter().position(|(topic, _)| **topic == *name);
            of_entries.push(match known {
                Some(known) => known,
                None => {
                    let topic: Topic = name.into();
                    let partitions = self.partitions(signal, open, &topic).await?;
                    topics.push((topic, partitions));
                    topics.len() - 1
                }
            });
        }
        let bytes_max = open.value_bytes_max();
        let layout = Layout {
            signal,
            format: self.config.format,
            key: self.config.key,
            bytes_max: self
                .config
                .value_bytes_max
                .map_or(bytes_max, |own| own.min(bytes_max)),
        };
        let with_topics = batch.entries.iter().zip(of_entries);
        let records =
            with_topics.map(|(entry, topic)| self.records(&layout, entry, &topics[topic]));
        let records: Vec<_> = records.collect::<Result<_, _>>().map_err(split)?;
        let count: usize = records.iter().map(Vec::len).sum();
        Ok(Made {
            records,
            acknowledged: (0..count).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    /// What one record becomes.
    fn records(
        &self,
        layout: &Layout,
        entry: &Entry,
        (topic, partitions): &(Topic, u32),
    ) -> Result<Output, String> {
        let common = self.headers(entry)?;
        let messages = layout.messages(&entry.record.value)?.into_iter();
        let record = |Message { key, value }| {
            let partition = match &key {
                Some(key) => partition_of_key(key, *partitions),
                None => unkeyed_partition(layout.signal, entry, *partitions),
            };
            let key = key.map(|value| Header {
                name: self.key_name.clone(),
                value,
            });
            let record = Record {
                headers: key.into_iter().chain(common.iter().cloned()).collect(),
                value,
            };
            (TopicPartition::new(topic.clone(), partition), record)
        };
        Ok(messages.map(record).collect())
    }

    fn headers(&self, entry: &Entry) -> Result<Vec<Header>, String> {
        let content_type = match self.config.format {
            Format::OtlpProto => "application/x-protobuf",
            Format::OtlpJson => "application/json",
        };
        let mut all = vec![header(
            "content-type",
            Bytes::from_static(content_type.as_bytes()),
        )];
        if let Some(tenant) = entry.tenant() {
            all.push(header(headers::TENANT, Bytes::copy_from_slice(tenant)));
        }
        for (name, value) in &self.config.headers {
            all.push(header(name, Bytes::from(value.fill(entry.tenant())?)));
        }
        Ok(all)
    }

    /// Publishes what isn't acknowledged yet, and waits for each.
    async fn publish(&self, signal: Signal, open: &Arc<Open>, made: &Made) -> Result<(), Failure> {
        let sure = !self.config.topics[signal as usize].is_by_tenant();
        let publisher = open.publisher().map_err(|error| failure(error, sure))?;
        let mut sending = Sending::new(made);
        let messages = made.records.iter().flatten().enumerate();
        for (index, (to, record)) in messages {
            if made.acknowledged[index].load(Ordering::Relaxed) {
                continue;
            }
            let queued = loop {
                let tell = sending.tell.clone();
                let ack = Box::new(move |result| drop(tell.send((index, result))));
                match publisher.publish(to.clone(), record.clone(), ack) {
                    Err(Error::QueueFull) => sending.make_room().await,
                    queued => break queued,
                }
            };
            match queued {
                Ok(()) => sending.waiting += 1,
                Err(error) => {
                    sending.failed.get_or_insert(error);
                    break;
                }
            }
        }
        sending.finish().await.map_err(|error| {
            self.look_again(open, &error);
            failure(error, sure)
        })
    }
}

impl Sink for Kafka {
    type Request = Request;

    fn prepare(&self, _: Signal, batch: &Batch) -> Result<Request, String> {
        Ok(Request {
            batch: batch.clone(),
            made: OnceLock::new(),
            bytes: AtomicU64::new(0),
        })
    }

    fn bytes(request: &Request) -> u64 {
        request.bytes.load(Ordering::Relaxed)
    }

    async fn send(&self, signal: Signal, request: &Request) -> Result<Accepted, Failure> {
        let open = self.open().await?;
        let made = match request.made.get() {
            Some(made) => made,
            None => {
                let made = self.make(signal, &open, &request.batch).await?;
                let values = made
                    .records
                    .iter()
                    .flatten()
                    .map(|(_, record)| record.value.len());
                request
                    .bytes
                    .store(values.sum::<usize>() as u64, Ordering::Relaxed);
                request.made.get_or_init(|| made)
            }
        };
        if !self.cluster.is_own() {
            self.publish(signal, &open, made).await?;
        }
        Ok(Accepted::default())
    }

    fn output(&self, request: &Request) -> Vec<Output> {
        match request.made.get() {
            Some(made) if self.cluster.is_own() => made.records.clone(),
            _ => Vec::new(),
        }
    }
}

/// Messages under way.
struct Sending<'m> {
    made: &'m Made,
    tell: UnboundedSender<Report>,
    reports: UnboundedReceiver<Report>,
    waiting: usize,
    failed: Option<Error>,
}

impl<'m> Sending<'m> {
    fn new(made: &'m Made) -> Self {
        let (tell, reports) = unbounded_channel();
        Self {
            made,
            tell,
            reports,
            waiting: 0,
            failed: None,
        }
    }

    /// Waits until something has left the queue, whose it was.
    async fn make_room(&mut self) {
        match self.waiting {
            0 => tokio::time::sleep(FULL).await,
            _ => self.next().await,
        }
    }

    /// Each comes, at the latest when its time is up.
    async fn next(&mut self) {
        let Some((index, result)) = self.reports.recv().await else {
            return;
        };
        self.waiting -= 1;
        match result {
            Ok(_) => self.made.acknowledged[index].store(true, Ordering::Relaxed),
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
    }

    async fn finish(mut self) -> bus::Result<()> {
        while self.waiting > 0 {
            self.next().await;
        }
        self.failed.map_or(Ok(()), Err)
    }
}

/// Points of a series stay in order; all else is spread.
fn unkeyed_partition(signal: Signal, entry: &Entry, partitions: u32) -> u32 {
    let record = &entry.record;
    let number = match signal {
        Signal::Metrics => u64::from(record.partition),
        Signal::Traces | Signal::Logs => u64::from(record.partition) + record.offset,
    };
    (number % u64::from(partitions.max(1))) as u32
}

fn header(name: &str, value: Bytes) -> Header {
    Header {
        name: name.into(),
        value,
    }
}

/// On a thread where waiting disturbs nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.map_err(|error| Failure::retry(format!("can't ask the brokers: {error}")))
}
