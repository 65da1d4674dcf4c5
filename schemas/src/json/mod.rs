//! OTLP JSON, both ways, without an intermediate model: JSON in becomes protobuf bytes, protobuf bytes become JSON.
//! Source: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

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
pub fn to_protobuf(signal: Signal, json: &[u8]) -> Result<Vec<u8>, JsonError> {
    let _ = (signal, json);
    todo!("schemas")
}

/// A protobuf export request (or `TracesData` and its siblings: the same bytes) as one line of OTLP JSON, appended to `out`.
pub fn from_protobuf(signal: Signal, request: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let _ = (signal, request, out);
    todo!("schemas")
}
