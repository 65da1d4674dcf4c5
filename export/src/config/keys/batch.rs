//! When a batch is sent.

use std::time;

use runtime::config::{ByteSize, Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::records::limits::BatchLimits;

/// When a batch is sent: at `bytes` or `items`, or `timeout` after its first record.
// What isn't written is the default of the kind of backend. Where defaults are shown, they are the usual ones.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBatch {
    /// The size of a batch before compression. By default, gRPC servers accept 4 MiB.
    #[serde(deserialize_with = "written", serialize_with = "usual_bytes")]
    #[schemars(with = "ByteSize")]
    pub bytes: Option<ByteSize>,
    /// The number of spans, log records or metrics in a batch. 0: no limit.
    #[serde(deserialize_with = "written", serialize_with = "usual_items")]
    #[schemars(with = "usize")]
    pub items: Option<usize>,
    /// How long after its first record a batch is sent at the latest.
    #[serde(deserialize_with = "written", serialize_with = "usual_timeout")]
    #[schemars(with = "Duration")]
    pub timeout: Option<Duration>,
}

impl RawBatch {
    pub(in crate::config) fn validate(&self, at: &str, problems: &mut Problems) {
        if let Some(ByteSize(bytes)) = self.bytes
            && !(1024..=256 << 20).contains(&bytes)
        {
            problems.push(
                format!("{at}.bytes"),
                format!("{bytes} bytes is not between 1KiB and 256MiB"),
            );
        }
        if (self.timeout).is_some_and(|timeout| timeout.0 > time::Duration::from_secs(60)) {
            problems.push(format!("{at}.timeout"), "more than 60s");
        }
    }

    /// One of its keys is there.
    pub(in crate::config) fn is_written(&self) -> bool {
        self.bytes.is_some() || self.items.is_some() || self.timeout.is_some()
    }

    /// With what the kind of backend has for the keys that aren't written.
    pub(in crate::config) fn limits(&self, usual: BatchLimits) -> BatchLimits {
        BatchLimits {
            bytes: self.bytes.map_or(usual.bytes, |bytes| bytes.0 as usize),
            items: match self.items {
                None => usual.items,
                Some(0) => usize::MAX,
                Some(items) => items,
            },
            timeout: self.timeout.map_or(usual.timeout, |timeout| timeout.0),
            waiting_bytes: usual.waiting_bytes,
        }
    }
}

/// A key that is there has a value.
fn written<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn usual_bytes<S: Serializer>(bytes: &Option<ByteSize>, to: S) -> Result<S::Ok, S::Error> {
    let usual = ByteSize(BatchLimits::USUAL.bytes as u64);
    bytes.unwrap_or(usual).serialize(to)
}

fn usual_items<S: Serializer>(items: &Option<usize>, to: S) -> Result<S::Ok, S::Error> {
    items.unwrap_or(0).serialize(to)
}

fn usual_timeout<S: Serializer>(timeout: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    let usual = Duration(BatchLimits::USUAL.timeout);
    timeout.unwrap_or(usual).serialize(to)
}
