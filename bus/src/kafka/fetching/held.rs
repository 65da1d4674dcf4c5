//! Events of a consumer's queue, and records that stay where librdkafka decoded them: most of the `unsafe` of the Kafka bus.
//!
//! Why not rdkafka's own `poll`: it drops the topic and the offset of "end of partition" and of "offset out of range",
//! which [`crate::Reader::position`], `caught_up` and `truncated` need; and its messages borrow from the consumer, so
//! keeping one means copying it (0.12 to 0.2 CPU-seconds per million spans). What is called here is what rdkafka calls.
//!
//! Why it is sound:
//! - An [`Event`] owns its `rd_kafka_event_t`; payload, headers and topic of the message inside live as long as it.
//!   Nothing writes to the payload after the message was handed out, so `&[u8]` may be shared between threads.
//! - Destroying an event frees its headers and drops references to the fetch buffer, the partition and the topic, which
//!   librdkafka counts atomically: any thread may do it. It waits for nothing, and closing a consumer waits for no message.
//! - Each event holds the [`Consumer`], so `rd_kafka_destroy` runs after the last message is gone, as librdkafka asks.
//!   The field order in [`Event`] isn't relied upon: `drop` destroys the event before any field is dropped.
//! - `rd_kafka_event_message_next`, the header calls and the error calls happen once, on the polling thread, before the
//!   event is shared.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::bindings as native;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use crate::kafka::connecting::log::Context;
use crate::kafka::connecting::logged_in::LoggedIn;
use crate::{Fetched, Header, Position, Topic, TopicPartition};

/// A consumer with its queue, kept alive by every record that it handed out.
pub(in crate::kafka) struct Consumer {
    pub base: LoggedIn<BaseConsumer<Context>>,
    queue: NonNull<native::rd_kafka_queue_t>,
    /// Names that many records share; grows by one for each topic and each header name.
    names: Mutex<Vec<Arc<str>>>,
}

// SAFETY: librdkafka's queues may be used from any thread; the pointer is freed once, in `drop`.
unsafe impl Send for Consumer {}
// SAFETY: as above.
unsafe impl Sync for Consumer {}

/// What the queue of a consumer brings.
pub(in crate::kafka) enum Happened {
    Record(Fetched),
    /// Everything visible below the offset was handed out.
    End(TopicPartition, u64),
    Assign(Vec<TopicPartition>),
    /// Of everything: rebalancing is eager.
    Revoke,
    /// With the partition that it concerns, if any.
    Failed {
        code: RDKafkaErrorCode,
        fatal: bool,
        reason: String,
        at: Option<TopicPartition>,
    },
    /// A log line, a statistic, an offset commit: nothing to act upon.
    Nothing,
}

struct Event {
    event: NonNull<native::rd_kafka_event_t>,
    _consumer: Arc<Consumer>,
}

// SAFETY: see the head of the file.
unsafe impl Send for Event {}
// SAFETY: see the head of the file.
unsafe impl Sync for Event {}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: we own the event, and the client behind it is alive by `_consumer`.
        unsafe { native::rd_kafka_event_destroy(self.event.as_ptr()) }
    }
}

/// A payload inside an event.
struct Held {
    payload: NonNull<u8>,
    bytes: usize,
    _event: Event,
}

// SAFETY: the payload is only read, and lives as long as the event.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: librdkafka gave pointer and length, and keeps both valid while the event lives.
        unsafe { slice::from_raw_parts(self.payload.as_ptr(), self.bytes) }
    }
}

impl Consumer {
    /// `config` must name a `group.id`: only then do all events come through the one queue that is polled here.
    pub fn new(config: &ClientConfig, context: Context) -> KafkaResult<Self> {
        let base = LoggedIn::consumer(config, context)?;
        // SAFETY: the client is alive; the queue that is returned is ours to destroy.
        let queue = unsafe { native::rd_kafka_queue_get_consumer(base.client().native_ptr()) };
        let queue = NonNull::new(queue).ok_or_else(|| {
            rdkafka::error::KafkaError::ClientCreation("a consumer without a queue".into())
        })?;
        Ok(Self {
            base,
            queue,
            names: Mutex::default(),
        })
    }

    /// The next event; `None` after `timeout` without one.
    pub fn next(self: &Arc<Self>, timeout: Duration) -> Option<Happened> {
        // Rounded up: a wait of less than a millisecond would be none, and whoever polls until a deadline would spin through the last one.
        let timeout_ms = timeout.as_nanos().div_ceil(1_000_000);
        let timeout_ms = i32::try_from(timeout_ms).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive; the event that is returned is ours to destroy.
        let event = unsafe { native::rd_kafka_queue_poll(self.queue.as_ptr(), timeout_ms) };
        let event = Event {
            event: NonNull::new(event)?,
            _consumer: self.clone(),
        };
        let pointer = event.event.as_ptr();
        // SAFETY: the event is alive until the end of this block, or as long as the `Held` that takes it; each
        // accessor is called on the type of event that it is for.
        Some(unsafe {
            match native::rd_kafka_event_type(pointer) {
                native::RD_KAFKA_EVENT_FETCH => self.record(event),
                native::RD_KAFKA_EVENT_ERROR => self.failure(pointer),
                native::RD_KAFKA_EVENT_REBALANCE => self.rebalance(pointer),
                native::RD_KAFKA_EVENT_LOG => self.log(pointer),
                _ => Happened::Nothing,
            }
        })
    }

    unsafe fn record(&self, event: Event) -> Happened {
        // SAFETY: a fetch event holds one message, valid as long as the event.
        unsafe {
            let message = native::rd_kafka_event_message_next(event.event.as_ptr());
            let Some(message) = message.as_ref() else {
                return Happened::Nothing;
            };
            let at = TopicPartition {
                topic: self.name(native::rd_kafka_topic_name(message.rkt)),
                partition: message.partition.max(0) as u32,
            };
            let code = RDKafkaErrorCode::from(message.err);
            if code == RDKafkaErrorCode::PartitionEOF {
                return Happened::End(at, message.offset.max(0) as u64);
            }
            if code != RDKafkaErrorCode::NoError {
                return Happened::Failed {
                    code,
                    fatal: false,
                    reason: code.to_string(),
                    at: Some(at),
                };
            }
            let mut kind = native::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
            let timestamp_ms = native::rd_kafka_message_timestamp(message, &mut kind);
            let headers = self.headers(message);
            let value = match NonNull::new(message.payload.cast::<u8>()) {
                Some(payload) if message.len > 0 => Bytes::from_owner(Held {
                    payload,
                    bytes: message.len,
                    _event: event,
                }),
                _ => Bytes::new(),
            };
            Happened::Record(Fetched {
                topic: at.topic,
                partition: at.partition,
                offset: message_offset(message.offset),
                timestamp_ms: timestamp_ms.max(0) as u64,
                headers,
                value,
            })
        }
    }

    unsafe fn headers(&self, message: &native::rd_kafka_message_t) -> Vec<Header> {
        let mut headers = Vec::new();
        let mut list = ptr::null_mut();
        // SAFETY: the message is alive; names are zero-terminated, values have the length that is given.
        unsafe {
            let error = native::rd_kafka_message_headers(message, &mut list);
            if RDKafkaErrorCode::from(error) != RDKafkaErrorCode::NoError {
                return headers;
            }
            for index in 0..native::rd_kafka_header_cnt(list) {
                let (mut name, mut value, mut bytes) = (ptr::null(), ptr::null(), 0);
                let error =
                    native::rd_kafka_header_get_all(list, index, &mut name, &mut value, &mut bytes);
                if RDKafkaErrorCode::from(error) != RDKafkaErrorCode::NoError {
                    break;
                }
                let value = match value.is_null() {
                    true => Bytes::new(),
                    false => Bytes::copy_from_slice(slice::from_raw_parts(value.cast(), bytes)),
                };
                headers.push(Header {
                    name: self.name(name),
                    value,
                });
            }
        }
        headers
    }

    unsafe fn failure(&self, event: *mut native::rd_kafka_event_t) -> Happened {
        // SAFETY: the event is an error event; the partition that is returned is ours to destroy.
        unsafe {
            let code = RDKafkaErrorCode::from(native::rd_kafka_event_error(event));
            let partition = native::rd_kafka_event_topic_partition(event);
            let at = partition
                .as_ref()
                .map(|elem| (self.partition(elem), elem.offset));
            if !partition.is_null() {
                native::rd_kafka_topic_partition_destroy(partition);
            }
            match (code, at) {
                (RDKafkaErrorCode::PartitionEOF, Some((at, offset))) => {
                    Happened::End(at, message_offset(offset))
                }
                (code, at) => Happened::Failed {
                    code,
                    fatal: native::rd_kafka_event_error_is_fatal(event) != 0,
                    reason: text(native::rd_kafka_event_error_string(event)),
                    at: at.map(|(at, _)| at),
                },
            }
        }
    }

    unsafe fn rebalance(&self, event: *mut native::rd_kafka_event_t) -> Happened {
        // SAFETY: the event is a rebalance event; its list lives as long as it.
        unsafe {
            let code = RDKafkaErrorCode::from(native::rd_kafka_event_error(event));
            if code != RDKafkaErrorCode::AssignPartitions {
                return Happened::Revoke;
            }
            let list = native::rd_kafka_event_topic_partition_list(event);
            let partitions = elements(&list)
                .iter()
                .map(|elem| self.partition(elem))
                .collect();
            Happened::Assign(partitions)
        }
    }

    unsafe fn log(&self, event: *mut native::rd_kafka_event_t) -> Happened {
        let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the event is a log event; its strings live as long as it.
        unsafe {
            if native::rd_kafka_event_log(event, &mut facility, &mut line, &mut level) == 0 {
                // librdkafka's levels are those of syslog.
                let level = match level {
                    0..=3 => RDKafkaLogLevel::Error,
                    4 => RDKafkaLogLevel::Warning,
                    5 | 6 => RDKafkaLogLevel::Info,
                    _ => RDKafkaLogLevel::Debug,
                };
                self.base.context().log(level, &text(facility), &text(line));
            }
        }
        Happened::Nothing
    }

    unsafe fn partition(&self, elem: &native::rd_kafka_topic_partition_t) -> TopicPartition {
        // SAFETY: the element's topic is a zero-terminated string.
        TopicPartition {
            topic: unsafe { self.name(elem.topic) },
            partition: elem.partition.max(0) as u32,
        }
    }

    /// The one copy of a name that all records share.
    unsafe fn name(&self, name: *const c_char) -> Topic {
        // SAFETY: the caller gives a zero-terminated string.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.iter().find(|known| ***known == *name) {
            return known.clone();
        }
        let new: Arc<str> = name.as_ref().into();
        // Header names come from whoever writes to the topic: don't let them grow our memory.
        if names.len() < 256 {
            names.push(new.clone());
        }
        new
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once; no event of it is left, since each would hold this consumer.
        unsafe { native::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

/// What `committed_offsets` answered: partitions with a position, or `None` where the group never committed. The first
/// partition's error, if any. Read here because rdkafka panics on metadata that isn't UTF-8.
pub(in crate::kafka) fn committed_positions(
    list: &TopicPartitionList,
) -> Result<Vec<(TopicPartition, Option<Position>)>, RDKafkaErrorCode> {
    let pointer = list.ptr();
    // SAFETY: the list is alive and has as many elements as it says; metadata has the length that is given.
    unsafe { elements(&pointer) }
        .iter()
        .map(|elem| {
            let code = RDKafkaErrorCode::from(elem.err);
            if code != RDKafkaErrorCode::NoError {
                return Err(code);
            }
            // SAFETY: as above.
            let (topic, metadata) = unsafe {
                let metadata = match elem.metadata.is_null() {
                    true => &[],
                    false => slice::from_raw_parts(elem.metadata.cast::<u8>(), elem.metadata_size),
                };
                (
                    text(elem.topic),
                    String::from_utf8_lossy(metadata).into_owned(),
                )
            };
            let at = TopicPartition::new(topic, elem.partition.max(0) as u32);
            let offset = u64::try_from(elem.offset).ok();
            let position = offset.map(|offset| Position {
                at: at.clone(),
                offset,
                metadata,
            });
            Ok((at, position))
        })
        .collect()
}

unsafe fn elements(
    list: &*mut native::rd_kafka_topic_partition_list_t,
) -> &[native::rd_kafka_topic_partition_t] {
    // SAFETY: the caller gives a list that is alive, or null.
    unsafe {
        match list.as_ref() {
            Some(list) if list.cnt > 0 && !list.elems.is_null() => {
                slice::from_raw_parts(list.elems, list.cnt as usize)
            }
            _ => &[],
        }
    }
}

unsafe fn text(string: *const c_char) -> String {
    match string.is_null() {
        true => String::new(),
        // SAFETY: the caller gives a zero-terminated string.
        false => unsafe { CStr::from_ptr(string) }
            .to_string_lossy()
            .trim()
            .to_owned(),
    }
}

/// Offsets of records and ends are never one of librdkafka's negative, logical ones.
fn message_offset(offset: i64) -> u64 {
    offset.max(0) as u64
}
