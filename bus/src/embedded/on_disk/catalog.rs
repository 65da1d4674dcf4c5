//! The small entries of the store: topics, segments, positions of groups. Encoding only.

use crate::embedded::on_disk::frame::put_varint;
use crate::{Position, Timestamps, Topic, TopicPartition};

/// What the store answers.
pub(in crate::embedded) type StoreResult<T> = Result<T, fjall::Error>;

/// Keys of topics begin with this, then the number.
pub(in crate::embedded) const TOPIC: u8 = b't';
const SEGMENT: u8 = b's';
const VERSION: u8 = 1;

/// The next offset of a partition, and the timestamp of the record before it (0: there never was one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::embedded) struct Head {
    pub offset: u64,
    pub timestamp_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct StoredTopic {
    pub number: u32,
    pub name: Topic,
    pub partitions: u32,
    pub timestamps: Timestamps,
    /// By partition; not part of the entry.
    pub heads: Vec<Head>,
}

pub(in crate::embedded) fn encode_topic(topic: &StoredTopic) -> (Vec<u8>, Vec<u8>) {
    let mut key = vec![TOPIC];
    key.extend_from_slice(&topic.number.to_be_bytes());
    let mut value = vec![VERSION];
    value.extend_from_slice(&topic.partitions.to_be_bytes());
    value.push(match topic.timestamps {
        Timestamps::LogAppend => 0,
        Timestamps::Create => 1,
    });
    value.extend_from_slice(topic.name.as_bytes());
    (key, value)
}

pub(in crate::embedded) fn decode_topic(key: &[u8], value: &[u8]) -> Option<StoredTopic> {
    let number = u32::from_be_bytes(*key.get(1..)?.first_chunk()?);
    let (VERSION, rest) = value
        .split_first()
        .map(|(version, rest)| (*version, rest))?
    else {
        return None;
    };
    let (partitions, rest) = rest.split_first_chunk()?;
    let (timestamps, name) = rest.split_first()?;
    Some(StoredTopic {
        number,
        name: std::str::from_utf8(name).ok()?.into(),
        partitions: u32::from_be_bytes(*partitions),
        timestamps: match timestamps {
            0 => Timestamps::LogAppend,
            _ => Timestamps::Create,
        },
        heads: Vec::new(),
    })
}

pub(in crate::embedded) fn segments_prefix(topic: u32) -> [u8; 5] {
    let [a, b, c, d] = topic.to_be_bytes();
    [SEGMENT, a, b, c, d]
}

pub(in crate::embedded) fn segment_key(topic: u32, segment: u64) -> Vec<u8> {
    let mut key = segments_prefix(topic).to_vec();
    key.extend_from_slice(&segment.to_be_bytes());
    key
}

pub(in crate::embedded) fn encode_segment(
    topic: u32,
    segment: u64,
    created_ms: u64,
    bases: &[Head],
) -> (Vec<u8>, Vec<u8>) {
    let mut value = vec![VERSION];
    value.extend_from_slice(&created_ms.to_be_bytes());
    for base in bases {
        value.extend_from_slice(&base.offset.to_be_bytes());
        value.extend_from_slice(&base.timestamp_ms.to_be_bytes());
    }
    (segment_key(topic, segment), value)
}

pub(in crate::embedded) fn decode_segment(
    key: &[u8],
    value: &[u8],
) -> Option<(u64, u64, Vec<Head>)> {
    let number = u64::from_be_bytes(*key.last_chunk()?);
    let (VERSION, rest) = value
        .split_first()
        .map(|(version, rest)| (*version, rest))?
    else {
        return None;
    };
    let (created_ms, rest) = rest.split_first_chunk()?;
    let (bases, []) = rest.as_chunks::<16>() else {
        return None;
    };
    let bases = bases
        .iter()
        .map(|base| {
            let (offset, timestamp_ms) = base.split_at(8);
            Some(Head {
                offset: u64::from_be_bytes(offset.try_into().ok()?),
                timestamp_ms: u64::from_be_bytes(timestamp_ms.try_into().ok()?),
            })
        })
        .collect::<Option<_>>()?;
    Some((number, u64::from_be_bytes(*created_ms), bases))
}

pub(in crate::embedded) fn position_key(group: &str, at: &TopicPartition) -> Vec<u8> {
    let mut key = Vec::with_capacity(group.len() + at.topic.len() + 10);
    put_varint(&mut key, group.len() as u64);
    key.extend_from_slice(group.as_bytes());
    put_varint(&mut key, at.topic.len() as u64);
    key.extend_from_slice(at.topic.as_bytes());
    key.extend_from_slice(&at.partition.to_be_bytes());
    key
}

pub(in crate::embedded) fn encode_position(position: &Position) -> Vec<u8> {
    let mut value = vec![VERSION];
    value.extend_from_slice(&position.offset.to_be_bytes());
    value.extend_from_slice(position.metadata.as_bytes());
    value
}

pub(in crate::embedded) fn decode_position(at: &TopicPartition, value: &[u8]) -> Option<Position> {
    let (VERSION, rest) = value
        .split_first()
        .map(|(version, rest)| (*version, rest))?
    else {
        return None;
    };
    let (offset, metadata) = rest.split_first_chunk()?;
    Some(Position {
        at: at.clone(),
        offset: u64::from_be_bytes(*offset),
        metadata: std::str::from_utf8(metadata).ok()?.to_owned(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Entries come back as they were, and cut ones are refused.
    #[test]
    fn round_trip() {
        let topic = StoredTopic {
            number: 300,
            name: "a.topic".into(),
            partitions: 3,
            timestamps: Timestamps::Create,
            heads: vec![],
        };
        let (key, value) = encode_topic(&topic);
        assert_eq!(decode_topic(&key, &value), Some(topic));
        assert_eq!(decode_topic(&key, &value[..4]), None);

        let bases = vec![
            Head {
                offset: 1,
                timestamp_ms: 2,
            },
            Head {
                offset: u64::MAX,
                timestamp_ms: 0,
            },
        ];
        let (key, value) = encode_segment(300, 70_000, 5, &bases);
        assert!(key.starts_with(&segments_prefix(300)));
        assert_eq!(decode_segment(&key, &value), Some((70_000, 5, bases)));
        assert_eq!(decode_segment(&key, &value[..20]), None);

        let position = Position {
            at: TopicPartition::new("a.topic", 2),
            offset: 77,
            metadata: "päct".into(),
        };
        assert_eq!(
            decode_position(&position.at, &encode_position(&position)),
            Some(position.clone())
        );
        assert_eq!(decode_position(&position.at, &[VERSION, 0]), None);
    }

    /// No two (group, topic) pairs share keys.
    #[test]
    fn position_keys_are_distinct() {
        assert_ne!(
            position_key("ab", &TopicPartition::new("c", 0)),
            position_key("a", &TopicPartition::new("bc", 0))
        );
    }
}
