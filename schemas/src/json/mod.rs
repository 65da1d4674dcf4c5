//! OTLP JSON, both ways, without an intermediate model: JSON in becomes protobuf bytes, protobuf bytes become JSON.
//! Source: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! What differs from protobuf's own JSON mapping: ids are hex, enums are integers only, and unknown fields are ignored. Names are written
//! in lowerCamelCase and read in snake_case too. A 64-bit integer is written as a string and read as a string or a number.
//!
//! [`plain`] writes attributes as JSON of other shapes has them, [`token`] the texts and numbers of both, [`instant`] times.

pub mod instant;
mod lenient;
mod mend;
mod names;
pub mod plain;
mod read;
mod scalar;
pub mod token;
mod translated;
mod write;

pub use lenient::Tally;
pub use mend::{mend, mended_len};
pub use translated::{JsonError, Translated};

use crate::Signal;
use crate::wire::WireError;

/// An OTLP JSON export request as protobuf bytes. Ids are hex of either case, unknown fields are ignored. A value of the wrong type or
/// out of range, or something deeper than 126 levels, costs its item alone.
///
/// Ids of a wrong length go through: ingest rejects their items one by one.
///
/// # Errors
/// What isn't JSON; [`mend()`] may help. No item can be read, though something stands there.
pub fn read_request(signal: Signal, json: &[u8]) -> Result<Translated, JsonError> {
    let mut translated = read::request(signal, json)?;
    match translated.fault.take() {
        Some(fault) if translated.taken == 0 => Err(fault),
        fault => Ok(Translated {
            fault,
            ..translated
        }),
    }
}

/// [`read_request`] for those who want all or nothing, the text mended where it has to be.
///
/// # Errors
/// Anything that isn't JSON; a value of the wrong type or out of range.
pub fn to_protobuf(signal: Signal, json: &[u8]) -> Result<Vec<u8>, JsonError> {
    let translated = match read_request(signal, json) {
        Err(JsonError::Syntax(error)) => match mend(json) {
            Some(mended) => read_request(signal, &mended)?,
            None => return Err(error.into()),
        },
        read => read?,
    };
    match translated.fault {
        Some(fault) => Err(fault),
        None => Ok(translated.request),
    }
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
