//! Spans of Zipkin, a list in a record: version 2 of its model, as protobuf and as JSON.

mod embedded;
mod json;
mod model;
mod resource;
mod translate;

use self::translate::{Form, translate};
use super::malformed::Malformed;

/// A `zipkin.proto3.ListOfSpans` as an OTLP request.
pub fn from_protobuf(record: &[u8]) -> Result<Vec<u8>, Malformed> {
    translate(record, Form::Protobuf)
}

/// A JSON array of spans.
pub fn from_json(record: &[u8]) -> Result<Vec<u8>, Malformed> {
    translate(&json::spans(record)?, Form::Json)
}
