//! The two versions of remote write's protobuf, written by hand. What the bytes mean is decided in `translate`.
//!
//! Sources: `prompb/types.proto`, `prompb/remote.proto` and `prompb/io/prometheus/write/v2/types.proto` of Prometheus, the last one as of
//! 2.0-rc.4.

mod histogram;
mod symbols;
mod writer;

pub use histogram::{NativeHistogram, Span, SparseBuckets};
pub use symbols::{Symbol, Symbols};
pub use writer::{Family, FamilyType, Label, Value, Writer};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`: 1.0, with exemplars, native histograms and metadata as Prometheus has them.
    V1,
    /// `io.prometheus.write.v2.Request`.
    V2,
}
