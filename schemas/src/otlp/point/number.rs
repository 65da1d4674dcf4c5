//! A point of a gauge or a sum.

use super::{Exemplars, Number};
use crate::otlp::Attributes;
use crate::wire::{Fields, WireError};

/// `NumberDataPoint {start_time_unix_nano = 2, time_unix_nano = 3, as_double = 4, exemplars = 5, as_int = 6, attributes = 7, flags = 8}`.
#[derive(Clone, Copy, Debug)]
pub struct NumberPoint<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// Nanoseconds since 1970; 0: not known.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub value: Number,
    pub flags: u32,
}

impl<'a> NumberPoint<'a> {
    /// One pass over the point's fields. Of fields that appear twice the last counts.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut point = Self {
            body,
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            value: Number::Absent,
            flags: 0,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                2 => point.start_time_unix_nano = field.fixed64_value()?,
                3 => point.time_unix_nano = field.fixed64_value()?,
                4 => point.value = Number::Double(f64::from_bits(field.fixed64_value()?)),
                6 => point.value = Number::Int(field.fixed64_value()? as i64),
                8 => point.flags = field.varint_value()? as u32,
                _ => {}
            }
        }
        Ok(point)
    }

    /// Field 7, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 7)
    }

    pub fn exemplars(&self) -> Exemplars<'a> {
        Exemplars::new(self.body, 5)
    }
}
