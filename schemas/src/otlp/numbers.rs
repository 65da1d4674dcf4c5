//! Repeated numbers, read in place, in any mix of packed and single values.

use crate::wire::{Fields, Value, WireError, read_varint};

/// The values of a repeated field of eight bytes each, packed or not, in order. After an error it is at its end.
pub fn fixed64s(message: &[u8], number: u32) -> Numbers<'_> {
    Numbers::new(message, number, Width::Fixed64)
}

/// The values of a repeated field of varints, packed or not, in order. After an error it is at its end.
pub fn varints(message: &[u8], number: u32) -> Numbers<'_> {
    Numbers::new(message, number, Width::Varint)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Fixed64,
    Varint,
}

/// Iterates over the values of a repeated field of numbers.
#[derive(Clone, Debug)]
pub struct Numbers<'a> {
    fields: Fields<'a>,
    number: u32,
    width: Width,
    packed: &'a [u8],
}

impl<'a> Numbers<'a> {
    fn new(message: &'a [u8], number: u32, width: Width) -> Self {
        Self {
            fields: Fields::new(message),
            number,
            width,
            packed: &[],
        }
    }

    fn of_packed(&mut self) -> Result<u64, WireError> {
        let (value, rest) = match self.width {
            Width::Fixed64 => {
                let (bytes, rest) =
                    (self.packed.split_first_chunk()).ok_or(WireError::Truncated { at: 0 })?;
                (u64::from_le_bytes(*bytes), rest)
            }
            Width::Varint => {
                let (value, end) = read_varint(self.packed, 0)?;
                (value, &self.packed[end..])
            }
        };
        self.packed = rest;
        Ok(value)
    }

    fn step(&mut self) -> Result<Option<u64>, WireError> {
        loop {
            if !self.packed.is_empty() {
                return self.of_packed().map(Some);
            }
            let Some(field) = self.fields.next() else {
                return Ok(None);
            };
            let field = field?;
            if field.number != self.number {
                continue;
            }
            match (field.value, self.width) {
                (Value::Len(packed), _) => self.packed = packed,
                (Value::Fixed64(value), Width::Fixed64) | (Value::Varint(value), Width::Varint) => {
                    return Ok(Some(value));
                }
                _ => return Err(field.mismatch()),
            }
        }
    }
}

impl Iterator for Numbers<'_> {
    type Item = Result<u64, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            (self.fields, self.packed) = (Fields::new(&[]), &[]);
        }
        step.transpose()
    }
}
