//! Marks: records that name letters which need no more attention.

use bus::{Fetched, Header, Record};
use schemas::headers;

/// What became of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Purged,
}

/// The mark for letters of one partition.
pub fn mark(offsets: &[u64], fate: Fate) -> Record {
    let offsets: Vec<_> = offsets.iter().map(u64::to_string).collect();
    let fate = match fate {
        Fate::Delivered => "delivered",
        Fate::Purged => "purged",
    };
    let header = |name: &str, value: String| Header {
        name: name.into(),
        value: value.into(),
    };
    Record {
        headers: vec![
            header(headers::DEAD_SETTLED, offsets.join(",")),
            header(headers::DEAD_FATE, fate.to_owned()),
        ],
        value: bytes::Bytes::new(),
    }
}

/// The offsets that a mark names.
pub fn marked(record: &Fetched) -> Vec<u64> {
    let mark = (record.headers.iter()).find(|header| &*header.name == headers::DEAD_SETTLED);
    let text = mark.map(|header| String::from_utf8_lossy(&header.value));
    let offsets = text.iter().flat_map(|text| text.split(','));
    offsets.filter_map(|offset| offset.parse().ok()).collect()
}
