//! A point of a summary.

use crate::otlp::Attributes;
use crate::wire::{Fields, WireError};

/// `SummaryDataPoint {start_time_unix_nano = 2, time_unix_nano = 3, count = 4, sum = 5, quantile_values = 6, attributes = 7, flags = 8}`.
#[derive(Clone, Copy, Debug)]
pub struct SummaryPoint<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// Nanoseconds since 1970; 0: not known.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub count: u64,
    pub sum: f64,
    pub flags: u32,
}

impl<'a> SummaryPoint<'a> {
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
            sum: 0.0,
            flags: 0,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                2 => point.start_time_unix_nano = field.fixed64_value()?,
                3 => point.time_unix_nano = field.fixed64_value()?,
                4 => point.count = field.fixed64_value()?,
                5 => point.sum = f64::from_bits(field.fixed64_value()?),
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

    /// (quantile, value), in order.
    pub fn quantiles(&self) -> Quantiles<'a> {
        Self::quantiles_of(self.body)
    }

    pub(super) fn quantiles_of(body: &'a [u8]) -> Quantiles<'a> {
        Quantiles {
            fields: Fields::new(body),
        }
    }
}

/// Iterates over `ValueAtQuantile {quantile = 1, value = 2}` of a summary. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Quantiles<'a> {
    fields: Fields<'a>,
}

impl Iterator for Quantiles<'_> {
    type Item = Result<(f64, f64), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        for field in self.fields.by_ref() {
            let pair = match field {
                Ok(field) if field.number != 6 => continue,
                Ok(field) => field.len_value().and_then(quantile),
                Err(error) => Err(error),
            };
            if pair.is_err() {
                self.fields = Fields::new(&[]);
            }
            return Some(pair);
        }
        None
    }
}

fn quantile(message: &[u8]) -> Result<(f64, f64), WireError> {
    let (mut quantile, mut value) = (0.0, 0.0);
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => quantile = f64::from_bits(field.fixed64_value()?),
            2 => value = f64::from_bits(field.fixed64_value()?),
            _ => {}
        }
    }
    Ok((quantile, value))
}
