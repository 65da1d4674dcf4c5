//! A corpus as records of a topic: split by trace and packed, as ingest does, and laid on the topic as if it had come over time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bytes::Bytes;
use load::Request;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use schemas::otlp::{Items, SpanView};
use schemas::pack::Packer;
use schemas::partition_of;

use crate::kafka::client;

/// One record, not on a topic yet.
#[derive(Clone)]
pub struct Record {
    pub partition: u32,
    /// Since the first span.
    pub due: Duration,
    pub value: Bytes,
}

/// Splits requests by trace and packs them, partition by partition.
pub struct Packing {
    packers: Vec<Packer>,
    record_bytes: usize,
    spans_a_second: f64,
    spans: u64,
}

impl Packing {
    /// `spans_a_second`: the rate at which spans are to have come.
    pub fn new(partitions: u32, record_bytes: usize, spans_a_second: f64) -> Self {
        Self {
            packers: (0..partitions).map(|_| Packer::new()).collect(),
            record_bytes,
            spans_a_second,
            spans: 0,
        }
    }

    /// When the spans so far have come.
    fn due(&self) -> Duration {
        Duration::from_secs_f64(self.spans as f64 / self.spans_a_second)
    }

    /// Adds a request; `full` gets each record that is full with it.
    pub fn add(&mut self, request: &[u8], mut full: impl FnMut(Record)) {
        let partitions = self.packers.len() as u32;
        self.packers.iter_mut().for_each(Packer::begin_source);
        for item in Items::new(request) {
            let item = item.expect("a request");
            let span = SpanView::parse(item.body).expect("a span");
            let partition = partition_of(span.trace_id, partitions);
            self.spans += 1;
            let due = self.due();
            let packer = &mut self.packers[partition as usize];
            packer.push(&item);
            if packer.bytes() >= self.record_bytes {
                full(Record {
                    partition,
                    due,
                    value: packer.finish(),
                });
            }
        }
    }

    /// What isn't full.
    pub fn flush(&mut self, mut rest: impl FnMut(Record)) {
        let due = self.due();
        for (partition, packer) in self.packers.iter_mut().enumerate() {
            if !packer.is_empty() {
                rest(Record {
                    partition: partition as u32,
                    due,
                    value: packer.finish(),
                });
            }
        }
    }
}

/// All of a corpus.
pub fn pack(
    requests: &[Request],
    partitions: u32,
    record_bytes: usize,
    spans_a_second: f64,
) -> Vec<Record> {
    let mut packing = Packing::new(partitions, record_bytes, spans_a_second);
    let mut records = Vec::new();
    for request in requests {
        packing.add(&request.bytes, |record| records.push(record));
    }
    packing.flush(|record| records.push(record));
    records
}

/// The same as the Collector's Kafka exporter writes it with `partition_traces_by_id`: of each batch, a record for each trace.
pub fn by_trace(requests: &[Request], partitions: u32, spans_a_second: f64) -> Vec<Record> {
    let mut records = Vec::new();
    let mut spans = 0u32;
    let mut batch: BTreeMap<Vec<u8>, Packer> = BTreeMap::new();
    let mut left = BATCH_SPANS;
    for (at, request) in requests.iter().enumerate() {
        batch.values_mut().for_each(Packer::begin_source);
        for item in Items::new(&request.bytes) {
            let item = item.expect("a request");
            let span = SpanView::parse(item.body).expect("a span");
            batch.entry(span.trace_id.to_vec()).or_default().push(&item);
            spans += 1;
            left = left.saturating_sub(1);
        }
        if left <= request.items || at + 1 == requests.len() {
            let due = Duration::from_secs_f64(f64::from(spans) / spans_a_second);
            records.extend(
                std::mem::take(&mut batch)
                    .into_iter()
                    .map(|(trace, mut packer)| Record {
                        partition: partition_of(&trace, partitions),
                        due,
                        value: packer.finish(),
                    }),
            );
            left = BATCH_SPANS;
        }
    }
    records
}

/// The Collector's batch size by default, and in the rows.
const BATCH_SPANS: usize = 8192;

/// Writes records to a topic.
pub struct Layer {
    producer: ThreadedProducer<DefaultProducerContext>,
    topic: String,
    /// The bus timestamp of the first span.
    start_ms: i64,
}

impl Layer {
    /// `ago`: how long before now the first span came.
    pub fn new(brokers: &str, topic: &str, codec: &str, ago: Duration) -> Result<Self> {
        let producer = client(brokers)
            .set("compression.type", codec)
            .set("linger.ms", "20")
            .set("message.max.bytes", "1000000")
            .set("queue.buffering.max.kbytes", "262144")
            .create()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        Ok(Self {
            producer,
            topic: topic.to_owned(),
            start_ms: now.saturating_sub(ago).as_millis() as i64,
        })
    }

    pub fn write(&self, record: &Record) -> Result<()> {
        loop {
            let out = BaseRecord::<(), [u8]>::to(&self.topic)
                .partition(record.partition as i32)
                .timestamp(self.start_ms + record.due.as_millis() as i64)
                .payload(&record.value);
            match self.producer.send(out) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    /// Until all is on the topic.
    pub fn finish(self) -> Result<()> {
        Ok(self.producer.flush(Duration::from_secs(60))?)
    }
}
