//! Spans of Jaeger, one a record: `model.proto`, as protobuf and as protobuf's JSON.

mod json;
mod model;
mod status;
mod translate;

use super::malformed::Malformed;

/// A `jaeger.api_v2.Span` as an OTLP request.
pub fn from_protobuf(record: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut request = Vec::with_capacity(record.len());
    translate::translate(record, &mut request)?;
    Ok(request)
}

/// The same in JSON.
pub fn from_json(record: &[u8]) -> Result<Vec<u8>, Malformed> {
    from_protobuf(&json::span(record)?)
}
