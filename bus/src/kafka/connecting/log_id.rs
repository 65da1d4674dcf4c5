//! Which log a position belongs to: Kafka's id of the topic, which a topic of the same name that was created anew doesn't share.
//!
//! Offsets mean something only within one log. So a position is committed with the id of its topic, at the end of the metadata, and
//! counts only where the topic still has that id. The second module with `unsafe`, since rdkafka has no call that tells the id.
//!
//! Why it is sound: every object that librdkafka gives is destroyed once, after the last use of what it owns; the names live as long as the call
//! that copies them; and the client is alive by its reference.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;

use crate::kafka::connecting::errors::needs_somebody;
use crate::kafka::connecting::log::Context;
use crate::{Error, Position, Result, Topic};

/// The ids of topics, as `kafka-topics.sh --describe` shows them. Topics that don't exist are not in it.
pub(in crate::kafka) type LogIds = HashMap<Topic, String>;

/// The logs that this process has read, by group: a member may be a new one by the time its topic has come back.
#[derive(Debug, Default)]
pub(in crate::kafka) struct KnownLogs(Mutex<HashMap<String, LogIds>>);

impl KnownLogs {
    /// Whether the group read another log under the topic's name.
    pub fn differs(&self, group: &str, topic: &str, id: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(group).and_then(|logs| logs.get(topic));
        known.is_some_and(|known| known != id)
    }

    /// The group reads these from now on.
    pub fn learn(&self, group: &str, logs: &LogIds) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(group.to_owned()).or_default();
        known.extend(logs.iter().map(|(topic, id)| (topic.clone(), id.clone())));
    }
}

/// In the metadata of a position, behind what the stage keeps there.
const MARK: &str = ";log=";

/// What the id adds to the metadata at most.
pub(in crate::kafka) const MARK_BYTES_MAX: usize = 32;

/// The metadata to commit for a position.
pub(in crate::kafka) fn sign(position: &Position, ids: &LogIds) -> String {
    match ids.get(&position.at.topic) {
        Some(id) => format!("{}{MARK}{id}", position.metadata),
        None => position.metadata.clone(),
    }
}

/// Takes the id off the metadata of a position that was committed, and returns it.
pub(in crate::kafka) fn unsign(position: &mut Position) -> Option<String> {
    let (stage, id) = position.metadata.rsplit_once(MARK)?;
    let (bytes, id) = (stage.len(), id.to_owned());
    position.metadata.truncate(bytes);
    Some(id)
}

/// Asks the brokers. Topics whose id they don't tell have none.
///
/// The question goes to a broker that has just answered: librdkafka would wait for the controller, which has nothing to do with it and may be away.
pub(in crate::kafka) fn log_ids(
    client: &BaseConsumer<Context>,
    topics: &[Topic],
    timeout: Duration,
) -> Result<LogIds> {
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let names: Vec<CString> = topics
        .iter()
        .filter_map(|topic| CString::new(&**topic).ok())
        .collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let Some(first) = topics.first() else {
        return Ok(LogIds::new());
    };
    let unanswered = |why: String| {
        Error::Unavailable(format!(
            "asking for the ids of {}: {why}",
            topics.join(", ")
        ))
    };
    let answering = client
        .fetch_metadata(Some(first), timeout)
        .map_err(|e| unanswered(e.to_string()))?
        .orig_broker_id();
    let handle = client.client().native_ptr();
    // SAFETY: see the head of the file. The collection copies the names. An answer that comes after the queue is gone is thrown away.
    unsafe {
        let collection =
            native::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let options = native::rd_kafka_AdminOptions_new(
            handle,
            native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        native::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, ptr::null_mut(), 0);
        native::rd_kafka_AdminOptions_set_broker(options, answering, ptr::null_mut(), 0);
        let queue = native::rd_kafka_queue_new(handle);
        native::rd_kafka_DescribeTopics(handle, collection, options, queue);
        let event = native::rd_kafka_queue_poll(queue, timeout_ms);
        let answer = read(event);
        if !event.is_null() {
            native::rd_kafka_event_destroy(event);
        }
        native::rd_kafka_queue_destroy(queue);
        native::rd_kafka_AdminOptions_destroy(options);
        native::rd_kafka_TopicCollection_destroy(collection);
        answer
    }
    .map_err(unanswered)
}

unsafe fn read(event: *mut native::rd_kafka_event_t) -> std::result::Result<LogIds, String> {
    let mut ids = LogIds::new();
    // SAFETY: the caller gives an event that is alive, or null; what is read belongs to it.
    unsafe {
        if event.is_null() {
            return Err("the brokers don't answer".to_owned());
        }
        let result = native::rd_kafka_event_DescribeTopics_result(event);
        let code = RDKafkaErrorCode::from(native::rd_kafka_event_error(event));
        if needs_somebody(code) {
            // These brokers know no ids, and never will.
            return Ok(ids);
        }
        if result.is_null() || code != RDKafkaErrorCode::NoError {
            let why = native::rd_kafka_event_error_string(event);
            return Err(match why.is_null() {
                true => "an answer to another question".to_owned(),
                false => CStr::from_ptr(why).to_string_lossy().into_owned(),
            });
        }
        let mut count = 0;
        let topics = native::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        for index in 0..count {
            let topic = *topics.add(index);
            let error = native::rd_kafka_TopicDescription_error(topic);
            let id = native::rd_kafka_TopicDescription_topic_id(topic);
            let known = !id.is_null()
                && (native::rd_kafka_Uuid_most_significant_bits(id) != 0
                    || native::rd_kafka_Uuid_least_significant_bits(id) != 0);
            if (!error.is_null() && native::rd_kafka_error_code(error) as i32 != 0) || !known {
                continue;
            }
            let name = CStr::from_ptr(native::rd_kafka_TopicDescription_name(topic));
            let id = CStr::from_ptr(native::rd_kafka_Uuid_base64str(id));
            ids.insert(
                name.to_string_lossy().into(),
                id.to_string_lossy().into_owned(),
            );
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TopicPartition;

    /// A stage sees its own metadata, whatever is in it.
    #[test]
    fn what_is_signed_is_read() {
        let ids = LogIds::from([("t".into(), "m5J8pUzSQk2zYxO1Xk3h5A".to_owned())]);
        for metadata in ["", "1;p=7", "a;log=b"] {
            let mut position = Position {
                at: TopicPartition::new("t", 0),
                offset: 1,
                metadata: metadata.to_owned(),
            };
            position.metadata = sign(&position, &ids);
            assert!(position.metadata.len() <= metadata.len() + MARK_BYTES_MAX);
            let id = unsign(&mut position);
            assert_eq!(id.as_ref(), ids.get("t"));
            assert_eq!(position.metadata, metadata);
        }
    }
}
