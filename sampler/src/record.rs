//! A record of the raw topic, as the shell hands it to a partition.

use bus::Fetched;
use bytes::Bytes;

/// One record of the raw topic. `value` is an OTLP trace request in protobuf, reference-counted.
#[derive(Clone, Debug)]
pub struct RawRecord {
    pub offset: u64,
    /// The bus timestamp, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// Whose spans these are; `None`: the default tenant's.
    pub tenant: Option<Bytes>,
    pub value: Bytes,
}

impl From<Fetched> for RawRecord {
    fn from(record: Fetched) -> Self {
        Self {
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            tenant: stage::tenant_of(&record),
            value: record.value,
        }
    }
}
