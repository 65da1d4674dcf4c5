//! What brokers tell of topics and groups to who asks what he may do with them (KIP-430). rdkafka has no call for it.
//!
//! Why it is sound: as in `connecting/log_id.rs`. Every object that librdkafka gives is destroyed once, after the last use of what it owns; the
//! names live as long as the call that copies them; and the client is alive by its reference.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;

use crate::kafka::connecting::log::Context;

/// A topic or a group.
pub struct Described {
    pub name: String,
    /// Why nothing else is told.
    pub refused: Option<RDKafkaErrorCode>,
    /// What we may do with it, by Kafka's names: `Read`, `DescribeConfigs`.
    pub operations: Vec<&'static str>,
    /// Of a topic, by number.
    pub partitions: Vec<Partition>,
}

pub struct Partition {
    pub replicas: usize,
    pub in_sync: usize,
}

/// How a kind of object is asked for and read.
struct Question {
    operation: native::rd_kafka_admin_op_t,
    ask: unsafe fn(
        *mut native::rd_kafka_t,
        &mut [*const c_char],
        *mut native::rd_kafka_AdminOptions_t,
        *mut native::rd_kafka_queue_t,
    ),
    read: unsafe fn(*mut native::rd_kafka_event_t) -> Vec<Described>,
}

/// # Errors
/// The brokers didn't answer, or not to this.
pub fn topics(
    client: &BaseConsumer<Context>,
    names: &[String],
    timeout: Duration,
) -> Result<Vec<Described>, String> {
    let question = Question {
        operation: native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        ask: ask_for_topics,
        read: read_topics,
    };
    asked(client, names, timeout, &question)
}

/// # Errors
/// As [`topics`].
pub fn groups(
    client: &BaseConsumer<Context>,
    names: &[String],
    timeout: Duration,
) -> Result<Vec<Described>, String> {
    let question = Question {
        operation: native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
        ask: ask_for_groups,
        read: read_groups,
    };
    asked(client, names, timeout, &question)
}

fn asked(
    client: &BaseConsumer<Context>,
    names: &[String],
    timeout: Duration,
    question: &Question,
) -> Result<Vec<Described>, String> {
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let names: Vec<CString> = (names.iter())
        .filter_map(|name| CString::new(&**name).ok())
        .collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    if pointers.is_empty() {
        return Ok(Vec::new());
    }
    let handle = client.client().native_ptr();
    // SAFETY: see the head of the file. An answer that comes after the queue is gone is thrown away.
    unsafe {
        let options = native::rd_kafka_AdminOptions_new(handle, question.operation);
        native::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, ptr::null_mut(), 0);
        let error = native::rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
        if !error.is_null() {
            native::rd_kafka_error_destroy(error);
        }
        let queue = native::rd_kafka_queue_new(handle);
        (question.ask)(handle, &mut pointers, options, queue);
        let event = native::rd_kafka_queue_poll(queue, timeout_ms);
        let answer = match failure(event) {
            Some(why) => Err(why),
            None => Ok((question.read)(event)),
        };
        if !event.is_null() {
            native::rd_kafka_event_destroy(event);
        }
        native::rd_kafka_queue_destroy(queue);
        native::rd_kafka_AdminOptions_destroy(options);
        answer
    }
}

unsafe fn failure(event: *mut native::rd_kafka_event_t) -> Option<String> {
    if event.is_null() {
        return Some("the brokers don't answer".to_owned());
    }
    // SAFETY: the event is alive; the text belongs to it.
    unsafe {
        let code = RDKafkaErrorCode::from(native::rd_kafka_event_error(event));
        if code == RDKafkaErrorCode::NoError {
            return None;
        }
        let why = native::rd_kafka_event_error_string(event);
        Some(match why.is_null() {
            true => code.to_string(),
            false => text(why),
        })
    }
}

unsafe fn ask_for_topics(
    handle: *mut native::rd_kafka_t,
    names: &mut [*const c_char],
    options: *mut native::rd_kafka_AdminOptions_t,
    queue: *mut native::rd_kafka_queue_t,
) {
    // SAFETY: the caller gives live objects; the collection copies the names.
    unsafe {
        let collection =
            native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        native::rd_kafka_DescribeTopics(handle, collection, options, queue);
        native::rd_kafka_TopicCollection_destroy(collection);
    }
}

unsafe fn read_topics(event: *mut native::rd_kafka_event_t) -> Vec<Described> {
    // SAFETY: the caller gives the answer to `ask_for_topics`; what is read belongs to it.
    unsafe {
        let result = native::rd_kafka_event_DescribeTopics_result(event);
        let mut count = 0;
        let topics = match result.is_null() {
            true => ptr::null_mut(),
            false => native::rd_kafka_DescribeTopics_result_topics(result, &mut count),
        };
        let one = |index| {
            let topic = *topics.add(index);
            let mut count = 0;
            let operations =
                native::rd_kafka_TopicDescription_authorized_operations(topic, &mut count);
            Described {
                name: text(native::rd_kafka_TopicDescription_name(topic)),
                refused: refused(native::rd_kafka_TopicDescription_error(topic)),
                operations: named(operations, count),
                partitions: partitions(topic),
            }
        };
        (0..count).map(one).collect()
    }
}

unsafe fn partitions(topic: *const native::rd_kafka_TopicDescription_t) -> Vec<Partition> {
    // SAFETY: the caller gives a live topic, to which all that is read belongs.
    unsafe {
        let mut count = 0;
        let partitions = native::rd_kafka_TopicDescription_partitions(topic, &mut count);
        let one = |index| {
            let partition = *partitions.add(index);
            let (mut replicas, mut in_sync) = (0, 0);
            native::rd_kafka_TopicPartitionInfo_replicas(partition, &mut replicas);
            native::rd_kafka_TopicPartitionInfo_isr(partition, &mut in_sync);
            Partition { replicas, in_sync }
        };
        (0..count).map(one).collect()
    }
}

unsafe fn ask_for_groups(
    handle: *mut native::rd_kafka_t,
    names: &mut [*const c_char],
    options: *mut native::rd_kafka_AdminOptions_t,
    queue: *mut native::rd_kafka_queue_t,
) {
    // SAFETY: the caller gives live objects; the names are copied.
    unsafe {
        native::rd_kafka_DescribeConsumerGroups(
            handle,
            names.as_mut_ptr(),
            names.len(),
            options,
            queue,
        );
    }
}

unsafe fn read_groups(event: *mut native::rd_kafka_event_t) -> Vec<Described> {
    // SAFETY: the caller gives the answer to `ask_for_groups`; what is read belongs to it.
    unsafe {
        let result = native::rd_kafka_event_DescribeConsumerGroups_result(event);
        let mut count = 0;
        let groups = match result.is_null() {
            true => ptr::null_mut(),
            false => native::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count),
        };
        let one = |index| {
            let group = *groups.add(index);
            let mut count = 0;
            let operations =
                native::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &mut count);
            Described {
                name: text(native::rd_kafka_ConsumerGroupDescription_group_id(group)),
                refused: refused(native::rd_kafka_ConsumerGroupDescription_error(group)),
                operations: named(operations, count),
                partitions: Vec::new(),
            }
        };
        (0..count).map(one).collect()
    }
}

unsafe fn refused(error: *const native::rd_kafka_error_t) -> Option<RDKafkaErrorCode> {
    if error.is_null() {
        return None;
    }
    // SAFETY: the caller gives a live error.
    let code = RDKafkaErrorCode::from(unsafe { native::rd_kafka_error_code(error) });
    (code != RDKafkaErrorCode::NoError).then_some(code)
}

unsafe fn named(
    operations: *const native::rd_kafka_AclOperation_t,
    count: usize,
) -> Vec<&'static str> {
    use native::rd_kafka_AclOperation_t::*;
    if operations.is_null() {
        return Vec::new();
    }
    let name = |index| {
        // SAFETY: the caller gives as many operations.
        match unsafe { *operations.add(index) } {
            RD_KAFKA_ACL_OPERATION_READ => "Read",
            RD_KAFKA_ACL_OPERATION_WRITE => "Write",
            RD_KAFKA_ACL_OPERATION_CREATE => "Create",
            RD_KAFKA_ACL_OPERATION_DESCRIBE => "Describe",
            RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS => "DescribeConfigs",
            _ => "another",
        }
    };
    (0..count).map(name).collect()
}

unsafe fn text(string: *const c_char) -> String {
    match string.is_null() {
        true => String::new(),
        // SAFETY: the caller gives a zero-terminated string.
        false => unsafe { CStr::from_ptr(string) }
            .to_string_lossy()
            .into_owned(),
    }
}
