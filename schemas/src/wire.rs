//! The protobuf wire format, read in place and written by concatenation.
//! Source: <https://protobuf.dev/programming-guides/encoding/>.
//!
//! ```
//! use schemas::wire::{Fields, put_len, put_varint_field};
//!
//! let mut message = Vec::new();
//! put_len(&mut message, 5, b"GET /pay");
//! put_varint_field(&mut message, 6, 2);
//! let fields: Vec<_> = Fields::new(&message).collect::<Result<_, _>>()?;
//! assert_eq!(fields[0].len_value()?, b"GET /pay");
//! assert_eq!((fields[1].number, fields[1].varint_value()?), (6, 2));
//! // What nobody changes is copied as it stands.
//! assert_eq!([fields[0].raw, fields[1].raw].concat(), message);
//! # Ok::<(), schemas::wire::WireError>(())
//! ```
//!
//! Knows no message and no field name. Groups (wire types 3 and 4) are an error: OTLP never had any, and letting them
//! through would mean carrying nested framing that nobody has checked.

/// Why bytes are not a protobuf message. `at` is the byte position within the message being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("truncated at byte {at}")]
    Truncated { at: usize },
    #[error("a varint of more than 10 bytes or 64 bits at byte {at}")]
    Varint { at: usize },
    #[error("a length of {length} at byte {at}, where {left} bytes are left")]
    Length { at: usize, length: u64, left: usize },
    #[error("wire type {wire_type} at byte {at} is unknown or a group")]
    WireType { at: usize, wire_type: u8 },
    #[error("field number 0 at byte {at}")]
    FieldZero { at: usize },
    #[error("a field number above 2^29 - 1 at byte {at}")]
    FieldNumber { at: usize },
    #[error("field {field} has wire type {wire_type}, which its type does not allow")]
    Mismatch { field: u32, wire_type: u8 },
    #[error("field {field} is not UTF-8")]
    Utf8 { field: u32 },
    #[error("messages nested more than {limit} deep")]
    Depth { limit: usize },
}

/// A field's value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Len(&'a [u8]),
    Fixed32(u32),
}

impl Value<'_> {
    /// The number that stands in the tag.
    pub fn wire_type(&self) -> u8 {
        match self {
            Value::Varint(_) => 0,
            Value::Fixed64(_) => 1,
            Value::Len(_) => 2,
            Value::Fixed32(_) => 5,
        }
    }
}

/// One field: its number, its value, and its bytes with the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub number: u32,
    pub value: Value<'a>,
    /// Tag, length where there is one, and value.
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// The value of a field whose type is a message, a string or bytes.
    ///
    /// # Errors
    /// [`WireError::Mismatch`]: the field has another wire type; so with all that follow.
    #[inline]
    pub fn len_value(&self) -> Result<&'a [u8], WireError> {
        match self.value {
            Value::Len(bytes) => Ok(bytes),
            _ => Err(self.mismatch()),
        }
    }

    /// The value of a field of any integer type, of `bool` or of an enum.
    #[inline]
    pub fn varint_value(&self) -> Result<u64, WireError> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(self.mismatch()),
        }
    }

    /// The value of a `fixed64`, `sfixed64` or (by its bits) `double` field.
    #[inline]
    pub fn fixed64_value(&self) -> Result<u64, WireError> {
        match self.value {
            Value::Fixed64(value) => Ok(value),
            _ => Err(self.mismatch()),
        }
    }

    /// The value of a `fixed32` field.
    #[inline]
    pub fn fixed32_value(&self) -> Result<u32, WireError> {
        match self.value {
            Value::Fixed32(value) => Ok(value),
            _ => Err(self.mismatch()),
        }
    }

    /// The error for a wire type that the field's type does not allow.
    #[cold]
    pub fn mismatch(&self) -> WireError {
        WireError::Mismatch {
            field: self.number,
            wire_type: self.value.wire_type(),
        }
    }
}

/// Iterates over the fields of one message. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    #[inline]
    pub fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    /// The field that comes next, passed over if it has this tag, of one byte and of wire type 2, and a length of one or two bytes: what
    /// nearly all fields of OTLP look like. `None` says nothing of the field, and passes over nothing.
    #[inline(always)]
    pub fn next_plain(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (first, behind) = self.rest().split_first()?;
        if *first != tag {
            return None;
        }
        let (value, rest) = delimited(behind)?;
        self.at = self.message.len() - rest.len();
        Some(value)
    }

    /// What was not walked over yet.
    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.message[self.at..]
    }

    /// Passes over this many bytes of the rest: whole fields that the caller knows to be sound.
    #[inline(always)]
    pub(crate) fn pass(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    // Always: where the caller is inlined too, only the fields it looks at are ever put together. Three times faster.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.message.len() {
            return None;
        }
        match read_field(self.message, self.at) {
            Ok((field, end)) => {
                self.at = end;
                Some(Ok(field))
            }
            Err(error) => {
                self.at = self.message.len();
                Some(Err(error))
            }
        }
    }
}

/// The field that begins at `start`, and where it ends.
///
/// Inlined into every walk, so nothing in it may return through memory but the error, which is worked out elsewhere: a
/// call that fills in a `Result` would make the compiler put every field together in memory first.
#[inline(always)]
pub(crate) fn read_field(message: &[u8], start: usize) -> Result<(Field<'_>, usize), WireError> {
    let Some((field, end)) = sound_field(message, start) else {
        return Err(field_error(message, start));
    };
    Ok((field, end))
}

#[inline(always)]
fn sound_field(message: &[u8], start: usize) -> Option<(Field<'_>, usize)> {
    let (tag, at) = varint(message, start)?;
    if !(8..=u64::from(u32::MAX)).contains(&tag) {
        return None;
    }
    let rest = message.get(at..)?;
    let (value, end) = match tag & 7 {
        2 => {
            let (length, from) = varint(message, at)?;
            let bytes = message.get(from..)?.get(..usize::try_from(length).ok()?)?;
            (Value::Len(bytes), from + bytes.len())
        }
        0 => {
            let (value, end) = varint(message, at)?;
            (Value::Varint(value), end)
        }
        1 => {
            let bytes = rest.first_chunk::<8>()?;
            (Value::Fixed64(u64::from_le_bytes(*bytes)), at + 8)
        }
        5 => {
            let bytes = rest.first_chunk::<4>()?;
            (Value::Fixed32(u32::from_le_bytes(*bytes)), at + 4)
        }
        _ => return None,
    };
    let field = Field {
        number: (tag >> 3) as u32,
        value,
        raw: message.get(start..end)?,
    };
    Some((field, end))
}

/// Why there is no sound field at `start`.
#[cold]
#[inline(never)]
fn field_error(message: &[u8], start: usize) -> WireError {
    let (tag, at) = match read_varint(message, start) {
        Ok(read) => read,
        Err(error) => return error,
    };
    let wire_type = (tag & 7) as u8;
    if tag >> 3 == 0 {
        return WireError::FieldZero { at: start };
    }
    if tag > u64::from(u32::MAX) {
        return WireError::FieldNumber { at: start };
    }
    match wire_type {
        0 | 2 => match read_varint(message, at) {
            Ok((length, from)) => WireError::Length {
                at,
                length,
                left: message.len() - from,
            },
            Err(error) => error,
        },
        1 | 5 => WireError::Truncated { at },
        _ => WireError::WireType {
            at: start,
            wire_type,
        },
    }
}

/// The varint that begins at `at`, and where it ends.
///
/// # Errors
/// [`WireError::Truncated`], or [`WireError::Varint`] when it has more than 64 bits.
#[inline]
pub fn read_varint(message: &[u8], at: usize) -> Result<(u64, usize), WireError> {
    match varint(message, at) {
        Some(read) => Ok(read),
        None if message.len().saturating_sub(at) < 10
            && message[at.min(message.len())..]
                .iter()
                .all(|byte| *byte >= 0x80) =>
        {
            Err(WireError::Truncated { at })
        }
        None => Err(WireError::Varint { at }),
    }
}

#[inline(always)]
fn varint(message: &[u8], at: usize) -> Option<(u64, usize)> {
    // Nearly every tag and length of OTLP fits one byte, most of the rest two.
    let first = *message.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    let second = *message.get(at + 1)?;
    if second < 0x80 {
        return Some((u64::from(first & 0x7f) | u64::from(second) << 7, at + 2));
    }
    match long_varint(message, at) {
        (_, 0) => None,
        read => Some(read),
    }
}

/// A varint of any length and where it ends; it ends at 0 if it is none (two words come back in registers).
#[inline(never)]
fn long_varint(message: &[u8], at: usize) -> (u64, usize) {
    let mut value = 0_u64;
    for (index, &byte) in message[at..].iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            // The tenth byte has room for one bit.
            let fits = index < 9 || byte <= 1;
            return (value, if fits { at + index + 1 } else { 0 });
        }
    }
    (0, 0)
}

/// What a length of one or two bytes stands before, and what comes behind it.
#[inline(always)]
pub(crate) fn delimited(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes {
        [length, rest @ ..] if *length < 0x80 => rest.split_at_checked(usize::from(*length)),
        [low, high, rest @ ..] if *high < 0x80 => {
            rest.split_at_checked(usize::from(*low & 0x7f) | usize::from(*high) << 7)
        }
        _ => None,
    }
}

/// The bytes behind a length of one or two bytes, if it is their length.
#[inline(always)]
pub(crate) fn whole(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [length, rest @ ..] if *length < 0x80 => {
            (rest.len() == usize::from(*length)).then_some(rest)
        }
        [low, high, rest @ ..] if *high < 0x80 => {
            (rest.len() == usize::from(*low & 0x7f) | usize::from(*high) << 7).then_some(rest)
        }
        _ => None,
    }
}

/// Appends `field` as a length-delimited field (tag, length, bytes).
#[inline]
pub fn put_len(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_tag(out, field, 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends `field` as a varint field. Negative `int32`, `int64` and enum values are passed as `value as i64 as u64`.
#[inline]
pub fn put_varint_field(out: &mut Vec<u8>, field: u32, value: u64) {
    put_tag(out, field, 0);
    put_varint(out, value);
}

/// Appends `field` as a `fixed64` field; a `double` is passed by its bits.
#[inline]
pub fn put_fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    put_tag(out, field, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends `field` as a `fixed32` field.
#[inline]
pub fn put_fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    put_tag(out, field, 5);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a tag.
#[inline]
pub fn put_tag(out: &mut Vec<u8>, field: u32, wire_type: u8) {
    put_varint(out, u64::from(field) << 3 | u64::from(wire_type));
}

/// Appends a varint.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The length in bytes of a varint.
#[inline]
pub fn varint_len(value: u64) -> usize {
    // Bits rounded up to groups of seven; zero takes one byte.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

#[cfg(test)]
mod tests;
