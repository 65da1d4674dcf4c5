//! An epoch's records on their way: sent, and waited for.
//!
//! Of each partition, no more is handed to librdkafka at a time than fits one request to the broker. It keeps the rest back anyway, once five
//! messages of a partition are on their way, but its thread spins as long as it does: a fifth of a busy stage's CPU.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, Producer as _, ProducerContext};

use crate::kafka::committing::producer::{Sent, send};
use crate::kafka::connecting::log::Context;
use crate::kafka::connecting::polled::PolledProducer;
use crate::{Record, TopicPartition};

/// How long a full queue is left alone, unless a record leaves it.
const FULL: Duration = Duration::from_millis(10);

/// The context of a producer whose records belong to an epoch: knows what is under way, and collects what failed.
pub(in crate::kafka) struct EpochContext {
    context: Context,
    /// Of one partition's records, under way at a time.
    lane_bytes_max: usize,
    sending: Mutex<Sending>,
    moved: Condvar,
}

#[derive(Default)]
struct Sending {
    /// By index in the epoch.
    lane_of: Vec<u32>,
    /// Bytes under way, by lane.
    bytes: Vec<usize>,
    records: usize,
    /// Index in the epoch, and why.
    failed: Vec<(usize, RDKafkaErrorCode)>,
}

impl EpochContext {
    /// `request_bytes_max`: the largest message that the brokers take.
    pub fn new(context: Context, request_bytes_max: usize) -> Self {
        Self {
            context,
            // The rest is for headers and framing, which count too.
            lane_bytes_max: request_bytes_max - request_bytes_max / 16,
            sending: Mutex::default(),
            moved: Condvar::new(),
        }
    }

    pub fn warn(&self, what: &str) {
        self.context.warn(what);
    }

    pub fn take_failed(&self) -> Vec<(usize, RDKafkaErrorCode)> {
        std::mem::take(&mut self.sending().failed)
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Index in the epoch.
    type DeliveryOpaque = Box<Sent<usize>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Sent<usize>>) {
        let index = sent.tell;
        let (failed, message) = match result {
            Ok(message) => (None, message),
            Err((error, message)) => (
                Some(
                    error
                        .rdkafka_error_code()
                        .unwrap_or(RDKafkaErrorCode::Unknown),
                ),
                message,
            ),
        };
        let mut sending = self.sending();
        sending.failed.extend(failed.map(|code| (index, code)));
        sending.records -= 1;
        let lane = sending.lane_of[index] as usize;
        let left = &mut sending.bytes[lane];
        *left -= weight(message.payload_len());
        if *left == 0 {
            self.moved.notify_one();
        }
    }
}

/// An empty record is under way, too.
fn weight(bytes: usize) -> usize {
    bytes + 1
}

/// The records of one partition that are not sent yet, in order.
struct Lane {
    number: u32,
    waiting: VecDeque<u32>,
}

fn lanes(records: &[(TopicPartition, Record)], indexes: impl Iterator<Item = usize>) -> Vec<Lane> {
    let mut numbers = HashMap::new();
    let mut lanes: Vec<Lane> = Vec::new();
    for index in indexes {
        let number = *numbers.entry(&records[index].0).or_insert(lanes.len());
        if number == lanes.len() {
            lanes.push(Lane {
                number: number as u32,
                waiting: VecDeque::new(),
            });
        }
        lanes[number].waiting.push_back(index as u32);
    }
    lanes
}

/// Sends the records of an epoch with these indexes and waits until each was acknowledged or failed. Those of one partition stay in order.
/// Bounded by the client's `message.timeout.ms`.
///
/// # Errors
/// A record that could not be queued; what was queued before it has come to its end.
pub(in crate::kafka) fn send_all(
    producer: &PolledProducer<EpochContext>,
    records: &[(TopicPartition, Record)],
    indexes: impl Iterator<Item = usize>,
) -> Result<(), KafkaError> {
    let context = producer.context();
    let mut lanes = lanes(records, indexes);
    let mut sending = context.sending();
    sending.lane_of.clear();
    sending.lane_of.resize(records.len(), 0);
    sending.bytes.clear();
    sending.bytes.resize(lanes.len(), 0);
    for lane in &lanes {
        for index in &lane.waiting {
            sending.lane_of[*index as usize] = lane.number;
        }
    }
    drop(sending);
    let mut outcome = Ok(());
    loop {
        let mut full = false;
        for lane in &mut lanes {
            match send_some(producer, records, lane) {
                Ok(()) => {}
                Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    full = true;
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        lanes.retain(|lane| outcome.is_ok() && !lane.waiting.is_empty());
        let mut sending = context.sending();
        if lanes.is_empty() && sending.records == 0 {
            return outcome;
        }
        // Until there is something to do again: a lane that is free, or nothing under way at all.
        let idle = |sending: &Sending| {
            let free = |lane: &Lane| sending.bytes[lane.number as usize] == 0;
            match lanes.is_empty() {
                true => sending.records == 0,
                false => lanes.iter().any(free),
            }
        };
        if full {
            let waited = context.moved.wait_timeout(sending, FULL);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        } else {
            while !idle(&sending) {
                sending = context
                    .moved
                    .wait(sending)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// As many of a lane's records as fit one request, unless some are under way.
fn send_some(
    producer: &PolledProducer<EpochContext>,
    records: &[(TopicPartition, Record)],
    lane: &mut Lane,
) -> Result<(), KafkaError> {
    let context = producer.context();
    if context.sending().bytes[lane.number as usize] > 0 {
        return Ok(());
    }
    let mut sent = 0;
    while let Some(&index) = lane.waiting.front() {
        let (to, record) = &records[index as usize];
        let bytes = weight(record.value.len());
        if sent > 0 && sent + bytes > context.lane_bytes_max {
            break;
        }
        // Before it is sent: its report may come at once.
        let mut sending = context.sending();
        sending.bytes[lane.number as usize] += bytes;
        sending.records += 1;
        drop(sending);
        if let Err(error) = send(producer, to, record, index as usize) {
            let mut sending = context.sending();
            sending.bytes[lane.number as usize] -= bytes;
            sending.records -= 1;
            return Err(error);
        }
        lane.waiting.pop_front();
        sent += bytes;
    }
    Ok(())
}
