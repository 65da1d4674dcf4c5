//! Single fields of a message that no view keeps, read when somebody asks. The last occurrence counts.

use schemas::otlp::{AnyValue, Attributes};
use schemas::wire::{Fields, Value as Wire, WireError};

pub(super) fn bytes(message: &[u8], number: u32) -> Result<&[u8], WireError> {
    let mut found: &[u8] = &[];
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number {
            found = field.len_value()?;
        }
    }
    Ok(found)
}

/// A number of any wire type.
pub(super) fn number(message: &[u8], number: u32) -> Result<u64, WireError> {
    let mut found = 0;
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number {
            found = match field.value {
                Wire::Varint(value) | Wire::Fixed64(value) => value,
                Wire::Fixed32(value) => value.into(),
                Wire::Len(_) => return Err(field.mismatch()),
            };
        }
    }
    Ok(found)
}

pub(super) fn count(message: &[u8], number: u32) -> Result<usize, WireError> {
    let mut count = 0;
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number {
            field.len_value()?;
            count += 1;
        }
    }
    Ok(count)
}

/// A field of type `AnyValue`.
pub(super) fn any(message: &[u8], number: u32) -> Result<AnyValue<'_>, WireError> {
    AnyValue::parse(bytes(message, number)?)
}

/// The first attribute of that name, in field `number`.
pub(super) fn attribute<'a>(
    attributes: Attributes<'a>,
    key: &[u8],
) -> Result<AnyValue<'a>, WireError> {
    for pair in attributes {
        let pair = pair?;
        if pair.key == key {
            return Ok(pair.value);
        }
    }
    Ok(AnyValue::Empty)
}
