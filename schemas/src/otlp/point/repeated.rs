//! Repeated numbers, packed or not: every reader of protobuf takes both, and a mixture.

use crate::wire::{Fields, Value, WireError, read_varint};

/// Iterates over a repeated `fixed64` or (by its bits) `double` field. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Fixed64s<'a> {
    fields: Fields<'a>,
    field: u32,
    packed: &'a [u8],
}

impl<'a> Fixed64s<'a> {
    /// Those in field `field` of `message`.
    pub fn new(message: &'a [u8], field: u32) -> Self {
        Self {
            fields: Fields::new(message),
            field,
            packed: &[],
        }
    }

    fn step(&mut self) -> Result<Option<u64>, WireError> {
        loop {
            if let Some((bytes, rest)) = self.packed.split_first_chunk::<8>() {
                self.packed = rest;
                return Ok(Some(u64::from_le_bytes(*bytes)));
            }
            if !self.packed.is_empty() {
                return Err(WireError::Truncated { at: 0 });
            }
            let Some(field) = self.fields.next() else {
                return Ok(None);
            };
            let field = field?;
            match field.value {
                _ if field.number != self.field => {}
                Value::Len(packed) => self.packed = packed,
                Value::Fixed64(value) => return Ok(Some(value)),
                _ => return Err(field.mismatch()),
            }
        }
    }
}

impl Iterator for Fixed64s<'_> {
    type Item = Result<u64, WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            (self.fields, self.packed) = (Fields::new(&[]), &[]);
        }
        step.transpose()
    }
}

/// Iterates over a repeated `uint64` field. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Varints<'a> {
    fields: Fields<'a>,
    field: u32,
    packed: &'a [u8],
    at: usize,
}

impl<'a> Varints<'a> {
    /// Those in field `field` of `message`.
    pub fn new(message: &'a [u8], field: u32) -> Self {
        Self {
            fields: Fields::new(message),
            field,
            packed: &[],
            at: 0,
        }
    }

    fn step(&mut self) -> Result<Option<u64>, WireError> {
        loop {
            if self.at < self.packed.len() {
                let (value, end) = read_varint(self.packed, self.at)?;
                self.at = end;
                return Ok(Some(value));
            }
            let Some(field) = self.fields.next() else {
                return Ok(None);
            };
            let field = field?;
            match field.value {
                _ if field.number != self.field => {}
                Value::Len(packed) => (self.packed, self.at) = (packed, 0),
                Value::Varint(value) => return Ok(Some(value)),
                _ => return Err(field.mismatch()),
            }
        }
    }
}

impl Iterator for Varints<'_> {
    type Item = Result<u64, WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            (self.fields, self.packed) = (Fields::new(&[]), &[]);
        }
        step.transpose()
    }
}
