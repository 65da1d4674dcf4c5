//! The protobuf wire format, read in place and written by concatenation.
//! Source: <https://protobuf.dev/programming-guides/encoding/>.

/// Why bytes are not a protobuf message. `at` is the byte position within the message being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("truncated at byte {at}")]
    Truncated { at: usize },
    #[error("a varint of more than 10 bytes at byte {at}")]
    Varint { at: usize },
    #[error("a length of {length} at byte {at}, where {left} bytes are left")]
    Length { at: usize, length: u64, left: usize },
    #[error("wire type {wire_type} at byte {at} is unknown or a group")]
    WireType { at: usize, wire_type: u8 },
    #[error("field number 0 at byte {at}")]
    FieldZero { at: usize },
    #[error("field {field} has wire type {wire_type}, which its type does not allow")]
    Mismatch { field: u32, wire_type: u8 },
    #[error("field {field} is not UTF-8")]
    Utf8 { field: u32 },
}

/// A field's value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Len(&'a [u8]),
    Fixed32(u32),
}

/// One field: its number, its value, and its bytes with the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub number: u32,
    pub value: Value<'a>,
    pub raw: &'a [u8],
}

/// Iterates over the fields of one message. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.message.len() {
            return None;
        }
        let _ = self.message;
        todo!("schemas")
    }
}

/// Appends `field` as a length-delimited field (tag, length, bytes).
pub fn put_len(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    let _ = (out, field, bytes);
    todo!("schemas")
}

/// Appends a varint.
pub fn put_varint(out: &mut Vec<u8>, value: u64) {
    let _ = (out, value);
    todo!("schemas")
}

/// The length in bytes of a varint.
pub fn varint_len(value: u64) -> usize {
    let _ = value;
    todo!("schemas")
}
