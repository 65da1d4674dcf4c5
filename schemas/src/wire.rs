//! The protobuf wire format, read in place and written by concatenation.
//! Source: <https://protobuf.dev/programming-guides/encoding/>.
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
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// The value of a field whose type is a message, a string or bytes.
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
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    #[inline]
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
#[inline]
fn read_field(message: &[u8], start: usize) -> Result<(Field<'_>, usize), WireError> {
    let (tag, at) = read_varint(message, start)?;
    let number = tag >> 3;
    if number == 0 {
        return Err(WireError::FieldZero { at: start });
    }
    if tag > u64::from(u32::MAX) {
        return Err(WireError::FieldNumber { at: start });
    }
    let (value, end) = match (tag & 7) as u8 {
        0 => {
            let (value, end) = read_varint(message, at)?;
            (Value::Varint(value), end)
        }
        1 => {
            let bytes = message
                .get(at..)
                .and_then(|rest| rest.first_chunk::<8>())
                .ok_or(WireError::Truncated { at })?;
            (Value::Fixed64(u64::from_le_bytes(*bytes)), at + 8)
        }
        2 => {
            let (length, from) = read_varint(message, at)?;
            let left = message.len() - from;
            if length > left as u64 {
                return Err(WireError::Length { at, length, left });
            }
            let end = from + length as usize;
            (Value::Len(&message[from..end]), end)
        }
        5 => {
            let bytes = message
                .get(at..)
                .and_then(|rest| rest.first_chunk::<4>())
                .ok_or(WireError::Truncated { at })?;
            (Value::Fixed32(u32::from_le_bytes(*bytes)), at + 4)
        }
        wire_type => {
            return Err(WireError::WireType {
                at: start,
                wire_type,
            });
        }
    };
    let field = Field {
        number: number as u32,
        value,
        raw: &message[start..end],
    };
    Ok((field, end))
}

/// The varint that begins at `at`, and where it ends.
///
/// # Errors
/// [`WireError::Truncated`], or [`WireError::Varint`] when it has more than 64 bits.
#[inline]
pub fn read_varint(message: &[u8], at: usize) -> Result<(u64, usize), WireError> {
    // Nearly every tag and length of OTLP fits one byte, most of the rest two.
    match message.get(at) {
        Some(&first) if first < 0x80 => Ok((u64::from(first), at + 1)),
        Some(&first) => match message.get(at + 1) {
            Some(&second) if second < 0x80 => {
                Ok((u64::from(first & 0x7f) | u64::from(second) << 7, at + 2))
            }
            _ => read_long_varint(message, at),
        },
        None => Err(WireError::Truncated { at }),
    }
}

fn read_long_varint(message: &[u8], at: usize) -> Result<(u64, usize), WireError> {
    let mut value = 0_u64;
    for (index, &byte) in message[at..].iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            // The tenth byte has room for one bit.
            if index == 9 && byte > 1 {
                return Err(WireError::Varint { at });
            }
            return Ok((value, at + index + 1));
        }
    }
    if message.len() - at < 10 {
        Err(WireError::Truncated { at })
    } else {
        Err(WireError::Varint { at })
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn error_of(message: &[u8]) -> WireError {
        let mut fields = Fields::new(message);
        let error = fields.by_ref().find_map(Result::err).unwrap();
        assert_eq!(fields.next(), None, "an error ends the walk");
        error
    }

    #[test]
    fn varints_round_trip_and_know_their_length() {
        for shift in 0..64 {
            for value in [(1_u64 << shift) - 1, 1 << shift, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_len(value));
                assert_eq!(read_varint(&out, 0), Ok((value, out.len())));
                for cut in 0..out.len() {
                    assert_eq!(
                        read_varint(&out[..cut], 0),
                        Err(WireError::Truncated { at: 0 })
                    );
                }
            }
        }
    }

    #[test]
    fn fields_are_read_with_their_raw_bytes() {
        let mut message = Vec::new();
        put_len(&mut message, 5, b"name");
        put_varint_field(&mut message, 6, 300);
        put_fixed64(&mut message, 7, u64::MAX);
        put_fixed32(&mut message, 16, 9);
        let fields: Vec<_> = Fields::new(&message).map(Result::unwrap).collect();
        let values: Vec<_> = fields.iter().map(|f| (f.number, f.value)).collect();
        assert_eq!(
            values,
            [
                (5, Value::Len(b"name")),
                (6, Value::Varint(300)),
                (7, Value::Fixed64(u64::MAX)),
                (16, Value::Fixed32(9)),
            ]
        );
        assert_eq!(
            fields
                .iter()
                .flat_map(|f| f.raw)
                .copied()
                .collect::<Vec<_>>(),
            message
        );
    }

    #[test]
    fn what_is_not_protobuf_is_an_error() {
        let cases: [(&[u8], WireError); 11] = [
            (&[0x80], WireError::Truncated { at: 0 }),
            (&[0x08], WireError::Truncated { at: 1 }),
            (&[0x09, 1, 2, 3], WireError::Truncated { at: 1 }),
            (&[0x0d, 1, 2, 3], WireError::Truncated { at: 1 }),
            (
                &[0x0a, 3, 1, 2],
                WireError::Length {
                    at: 1,
                    length: 3,
                    left: 2,
                },
            ),
            (
                // a length of 2^64 - 1 must not wrap round
                &[0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
                WireError::Length {
                    at: 1,
                    length: u64::MAX,
                    left: 0,
                },
            ),
            (&[0x00, 0], WireError::FieldZero { at: 0 }),
            (
                &[0x0b],
                WireError::WireType {
                    at: 0,
                    wire_type: 3,
                },
            ),
            (
                &[0x0f],
                WireError::WireType {
                    at: 0,
                    wire_type: 7,
                },
            ),
            (
                &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
                WireError::Varint { at: 1 },
            ),
            (
                &[0x80, 0x80, 0x80, 0x80, 0x10, 0],
                WireError::FieldNumber { at: 0 },
            ),
        ];
        for (message, error) in cases {
            assert_eq!(error_of(message), error, "{message:02x?}");
        }
    }
}
