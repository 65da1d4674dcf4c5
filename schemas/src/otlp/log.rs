//! The fields of a log record that routing looks at.

use super::Attributes;
use super::span::valid_id;
use crate::wire::{Fields, WireError};

/// A log record in place.
#[derive(Clone, Copy, Debug)]
pub struct LogView<'a> {
    /// The whole message (not the record's `body` field).
    pub body: &'a [u8],
    /// As sent: empty, or 16 bytes when valid, see [`LogView::valid_trace_id`].
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// `SeverityNumber`: 0 (unspecified) to 24 (the worst).
    pub severity_number: i32,
}

impl<'a> LogView<'a> {
    /// One pass over the record's fields, with the checks of [`super::SpanView::parse`].
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self {
            body,
            trace_id: &[],
            span_id: &[],
            time_unix_nano: 0,
            severity_number: 0,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                1 => view.time_unix_nano = field.fixed64_value()?,
                2 => view.severity_number = field.varint_value()? as i32,
                9 => view.trace_id = field.len_value()?,
                10 => view.span_id = field.len_value()?,
                _ => {}
            }
        }
        Ok(view)
    }

    /// The trace id, unless it is of a wrong length or all zero.
    pub fn valid_trace_id(&self) -> Option<&'a [u8; 16]> {
        valid_id(self.trace_id)
    }

    /// Field 6, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 6)
    }
}
