//! What the bus gets of a record where the bus itself is the backend.

use bus::{Record, TopicPartition};

/// Messages made of one record, to be committed in one epoch with the position that passes it.
pub type Output = Vec<(TopicPartition, Record)>;

/// About what it takes in memory.
pub fn bytes(output: &Output) -> usize {
    /// Names and values of headers.
    const OVERHEAD: usize = 256;
    let each = output
        .iter()
        .map(|(_, record)| record.value.len() + OVERHEAD);
    each.sum()
}
