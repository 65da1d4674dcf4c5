//! The exemplars of a data point.

use super::Number;
use crate::otlp::Attributes;
use crate::wire::{Fields, WireError};

/// `Exemplar {time_unix_nano = 2, as_double = 3, span_id = 4, trace_id = 5, as_int = 6, filtered_attributes = 7}`.
#[derive(Clone, Copy, Debug)]
pub struct ExemplarView<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub value: Number,
    /// As sent, of any length.
    pub span_id: &'a [u8],
    /// As sent, of any length.
    pub trace_id: &'a [u8],
}

impl<'a> ExemplarView<'a> {
    /// One pass over the exemplar's fields. Of fields that appear twice the last counts.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut exemplar = Self {
            body,
            time_unix_nano: 0,
            value: Number::Absent,
            span_id: &[],
            trace_id: &[],
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                2 => exemplar.time_unix_nano = field.fixed64_value()?,
                3 => exemplar.value = Number::Double(f64::from_bits(field.fixed64_value()?)),
                4 => exemplar.span_id = field.len_value()?,
                5 => exemplar.trace_id = field.len_value()?,
                6 => exemplar.value = Number::Int(field.fixed64_value()? as i64),
                _ => {}
            }
        }
        Ok(exemplar)
    }

    /// Field 7, in order: what the view of the metric left out.
    pub fn filtered_attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 7)
    }
}

/// Iterates over the exemplars of a data point. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Exemplars<'a> {
    fields: Fields<'a>,
    field: u32,
}

impl<'a> Exemplars<'a> {
    /// Those in field `field` of a point: 5 of numbers, 8 of histograms, 11 of exponential ones.
    pub fn new(point: &'a [u8], field: u32) -> Self {
        Self {
            fields: Fields::new(point),
            field,
        }
    }
}

impl<'a> Iterator for Exemplars<'a> {
    type Item = Result<ExemplarView<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        for field in self.fields.by_ref() {
            let exemplar = match field {
                Ok(field) if field.number != self.field => continue,
                Ok(field) => field.len_value().and_then(ExemplarView::parse),
                Err(error) => Err(error),
            };
            if exemplar.is_err() {
                self.fields = Fields::new(&[]);
            }
            return Some(exemplar);
        }
        None
    }
}
