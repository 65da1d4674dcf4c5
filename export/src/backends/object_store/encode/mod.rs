//! From a batch to its objects. Pure: the same batch gives the same bytes, whoever encodes it.

pub mod otlp;
#[cfg(feature = "parquet")]
pub mod parquet;
