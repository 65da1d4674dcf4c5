//! Where partitions begin and end.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use crate::TopicPartition;
use crate::kafka::connecting::log::Context;

/// The offsets that `list` asks for logically: the oldest, or the end as the client's isolation level sees it. One
/// request to each broker, where watermarks would take two for each partition.
pub(in crate::kafka) fn ends(
    client: &BaseConsumer<Context>,
    list: TopicPartitionList,
    timeout: Duration,
) -> KafkaResult<HashMap<TopicPartition, u64>> {
    let answer = client.offsets_for_times(list, timeout)?;
    let mut ends = HashMap::with_capacity(answer.count());
    for elem in answer.elements() {
        elem.error()?;
        if let Offset::Offset(offset) = elem.offset() {
            ends.insert(
                TopicPartition::new(elem.topic(), elem.partition() as u32),
                offset.max(0) as u64,
            );
        }
    }
    Ok(ends)
}
