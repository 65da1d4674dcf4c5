//! The full check of a request or an item: is it what every other reader of protobuf takes?
//!
//! The views check what they read. Where telemetry of many senders is put into one record, that isn't enough: one
//! attribute with broken framing, deep inside a span, would make the whole record unreadable to a strict decoder.

use super::Signal;
use super::schema::{self, Field, Kind, Message, Presence};
use crate::wire::{self, Fields, Value, WireError, read_varint};

/// How deep messages may be nested: what prost allows, so that whatever passes here can be decoded anywhere.
pub(crate) const DEPTH_MAX: usize = 100;

/// Checks a whole export request: framing, wire types, UTF-8 and depth of all fields that OTLP knows.
pub fn check_request(signal: Signal, request: &[u8]) -> Result<(), WireError> {
    check(schema::request(signal), request, 0)
}

/// Checks one span, log record or metric as [`check_request`] does. It stands three messages deep in a request.
pub fn check_item(signal: Signal, body: &[u8]) -> Result<(), WireError> {
    check(schema::item(signal), body, 3)
}

fn check(of: &'static Message, message: &[u8], depth: usize) -> Result<(), WireError> {
    if depth > DEPTH_MAX {
        return Err(WireError::Depth { limit: DEPTH_MAX });
    }
    for field in Fields::new(message) {
        let field = field?;
        if let Some(known) = of.field(field.number) {
            check_field(known, &field, depth)?;
        }
    }
    Ok(())
}

#[inline]
fn check_field(
    known: &'static Field,
    field: &wire::Field<'_>,
    depth: usize,
) -> Result<(), WireError> {
    match (known.kind, field.value) {
        (Kind::Message(of), Value::Len(bytes)) => check(of, bytes, depth + 1),
        (Kind::Text, Value::Len(bytes)) => match std::str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(_) => Err(WireError::Utf8 {
                field: field.number,
            }),
        },
        (Kind::Bytes | Kind::Hex, Value::Len(_)) => Ok(()),
        (kind, Value::Len(packed)) if known.presence == Presence::Many && kind.is_number() => {
            let mut at = 0;
            while at < packed.len() {
                at = packed_value(kind, packed, at)?.1;
            }
            Ok(())
        }
        (kind, value) if Some(value.wire_type()) == kind.wire_type() => Ok(()),
        _ => Err(field.mismatch()),
    }
}

/// The value of a packed field that begins at `at`, and where it ends.
pub(crate) fn packed_value(
    kind: Kind,
    packed: &[u8],
    at: usize,
) -> Result<(Value<'_>, usize), WireError> {
    let truncated = WireError::Truncated { at };
    let rest = &packed[at..];
    match kind.wire_type() {
        Some(1) => {
            let bytes = rest.first_chunk().ok_or(truncated)?;
            Ok((Value::Fixed64(u64::from_le_bytes(*bytes)), at + 8))
        }
        Some(5) => {
            let bytes = rest.first_chunk().ok_or(truncated)?;
            Ok((Value::Fixed32(u32::from_le_bytes(*bytes)), at + 4))
        }
        _ => {
            let (value, end) = read_varint(packed, at)?;
            Ok((Value::Varint(value), end))
        }
    }
}
