//! A point of a histogram with explicit bounds.

use super::{Exemplars, Fixed64s};
use crate::otlp::Attributes;
use crate::wire::{Fields, WireError};

/// `HistogramDataPoint {start_time_unix_nano = 2, time_unix_nano = 3, count = 4, sum = 5, bucket_counts = 6, explicit_bounds = 7,
/// exemplars = 8, attributes = 9, flags = 10, min = 11, max = 12}`.
#[derive(Clone, Copy, Debug)]
pub struct HistogramPoint<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// Nanoseconds since 1970; 0: not known.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub count: u64,
    /// `None`: it is not monotonic, or not recorded.
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub flags: u32,
}

impl<'a> HistogramPoint<'a> {
    /// One pass over the point's fields. Of fields that appear twice the last counts.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut point = Self {
            body,
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            count: 0,
            sum: None,
            min: None,
            max: None,
            flags: 0,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                2 => point.start_time_unix_nano = field.fixed64_value()?,
                3 => point.time_unix_nano = field.fixed64_value()?,
                4 => point.count = field.fixed64_value()?,
                5 => point.sum = Some(f64::from_bits(field.fixed64_value()?)),
                10 => point.flags = field.varint_value()? as u32,
                11 => point.min = Some(f64::from_bits(field.fixed64_value()?)),
                12 => point.max = Some(f64::from_bits(field.fixed64_value()?)),
                _ => {}
            }
        }
        Ok(point)
    }

    /// How many values were in each bucket.
    pub fn bucket_counts(&self) -> Fixed64s<'a> {
        Fixed64s::new(self.body, 6)
    }

    /// The upper bounds of all buckets but the last, as the bits of doubles.
    pub fn explicit_bounds(&self) -> Fixed64s<'a> {
        Fixed64s::new(self.body, 7)
    }

    /// Field 9, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 9)
    }

    pub fn exemplars(&self) -> Exemplars<'a> {
        Exemplars::new(self.body, 8)
    }
}
