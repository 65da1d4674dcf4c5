//! What comes of reading a JSON request.

use super::lenient::Tally;

/// Why a body is not OTLP JSON; says where (a path such as `resourceSpans[0].scopeSpans[0].spans[3].traceId`).
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("{0}")]
    Syntax(#[from] serde_json::Error),
    #[error("{path}: {message}")]
    Value { path: String, message: String },
}

/// A JSON request as protobuf, and what of it could not be taken over.
#[derive(Debug)]
pub struct Translated {
    /// Without the items that could not be read.
    pub request: Vec<u8>,
    /// Items in it.
    pub taken: u64,
    /// Items that could not be read, or stand in a resource or scope that could not be.
    pub rejected: Tally,
    /// The first thing that could not be read. There may be one where no item is rejected: what stands where items should can't be
    /// counted.
    pub fault: Option<JsonError>,
    /// Sentences about names that are not OTLP's and stand where items should, or that OTLP no longer has.
    pub unknown: Vec<String>,
}
