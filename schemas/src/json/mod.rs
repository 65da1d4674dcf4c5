//! OTLP JSON, both ways, without an intermediate model: JSON in becomes protobuf bytes, protobuf bytes become JSON.
//! Source: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! What differs from protobuf's own JSON mapping: ids are hex, enums are integers only, names are lowerCamelCase only, and
//! unknown fields are ignored. A 64-bit integer is written as a string and read as a string or a number.

mod read;
mod scalar;
mod write;

use crate::Signal;
use crate::wire::WireError;

/// Why a body is not OTLP JSON; says where (a path such as `resourceSpans[0].scopeSpans[0].spans[3].traceId`).
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("{0}")]
    Syntax(#[from] serde_json::Error),
    #[error("{path}: {message}")]
    Value { path: String, message: String },
}

/// An OTLP JSON export request as protobuf bytes. Ids are hex of either case, unknown fields are ignored.
///
/// Ids of a wrong length go through: ingest rejects their items one by one.
///
/// # Errors
/// Anything that isn't JSON, or deeper than serde_json reads (128 levels); a value of the wrong type or out of range.
pub fn to_protobuf(signal: Signal, json: &[u8]) -> Result<Vec<u8>, JsonError> {
    read::request(signal, json)
}

/// A protobuf export request (or `TracesData` and its siblings: the same bytes) as one line of OTLP JSON, appended to `out`
/// without a line end. On an error `out` is as before.
///
/// # Errors
/// What [`crate::otlp::check_request`] refuses, unless a later alternative of a oneof stands in its place. Fields that OTLP
/// doesn't know have no name, and are left out.
pub fn from_protobuf(signal: Signal, request: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let before = out.len();
    let written = write::request(signal, request, out);
    if written.is_err() {
        out.truncate(before);
    }
    written
}
