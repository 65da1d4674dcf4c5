//! A record on its way into librdkafka, without a copy.
//!
//! rdkafka's own `send` has librdkafka copy each payload into memory of its own: a second walk over every byte that is published, into pages
//! that the kernel has to find first. Here the payload stays where it is, and its report gives it back.
#![allow(unsafe_code)]

use std::ffi::{CString, c_void};
use std::ptr;

use bytes::Bytes;
use rdkafka::bindings as rd;
use rdkafka::error::{IsError, KafkaError};
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};
use rdkafka::util::IntoOpaque;

use schemas::headers::{KEY, KEY_ALONE};

use crate::{Header, Record, TopicPartition};

/// What librdkafka reads a payload from until it reports, and what is wanted back with the report.
pub(in crate::kafka) struct Sent<T> {
    _payload: Bytes,
    pub tell: T,
}

/// Queues a record for an explicit partition; with a key only where a header says so.
///
/// # Errors
/// It was not queued, and there will be no report: `tell` is dropped.
pub(in crate::kafka) fn send<C, T>(
    producer: &BaseProducer<C>,
    to: &TopicPartition,
    record: &Record,
    tell: T,
) -> Result<(), KafkaError>
where
    C: ProducerContext<DeliveryOpaque = Box<Sent<T>>>,
    T: Send + Sync,
{
    let topic = CString::new(&*to.topic)?;
    let mut headers = record.headers.iter();
    let key = headers.find(|header| [KEY, KEY_ALONE].contains(&&*header.name));
    let (key, key_bytes) = key.map_or((ptr::null(), 0), |key| {
        (key.value.as_ptr(), key.value.len())
    });
    let headers = Headers::new(&record.headers);
    let sent = Box::new(Sent {
        _payload: record.value.clone(),
        tell,
    });
    let opaque = sent.into_ptr();
    // SAFETY: the arguments are of the types that their tags announce. The payload is neither copied nor freed by librdkafka, which
    // asks for it to stay until the report: it belongs to the opaque, which comes back with the report and at no other time. Key and
    // topic are copied. The headers are librdkafka's from now on if it took the record.
    let failure = unsafe {
        rd::rd_kafka_producev(
            producer.client().native_ptr(),
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TOPIC,
            topic.as_ptr(),
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION,
            to.partition as i32,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS,
            0,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE,
            record.value.as_ptr().cast_mut().cast::<c_void>(),
            record.value.len(),
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY,
            key.cast_mut().cast::<c_void>(),
            key_bytes,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE,
            opaque,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS,
            headers.0,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_END,
        )
    };
    if failure.is_error() {
        // SAFETY: it was made above and nobody else has it: a record that wasn't taken is never reported.
        drop(unsafe { C::DeliveryOpaque::from_ptr(opaque) });
        return Err(KafkaError::MessageProduction(failure.into()));
    }
    std::mem::forget(headers);
    Ok(())
}

/// librdkafka's copy of a record's headers; null when there are none.
struct Headers(*mut rd::rd_kafka_headers_t);

impl Headers {
    fn new(headers: &[Header]) -> Self {
        if headers.is_empty() {
            return Self(ptr::null_mut());
        }
        // SAFETY: takes no pointer; never null.
        let list = Self(unsafe { rd::rd_kafka_headers_new(headers.len()) });
        let written = headers.iter().filter(|header| &*header.name != KEY_ALONE);
        for Header { name, value } in written {
            let (name, name_bytes) = (name.as_ptr().cast(), name.len() as isize);
            let (value, value_bytes) = (value.as_ptr().cast(), value.len() as isize);
            // SAFETY: the list is alive and ours; name and value are copied. Fails only for lists that may not be changed.
            unsafe { rd::rd_kafka_header_add(list.0, name, name_bytes, value, value_bytes) };
        }
        list
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: still ours: what librdkafka took is never dropped here.
            unsafe { rd::rd_kafka_headers_destroy(self.0) };
        }
    }
}
