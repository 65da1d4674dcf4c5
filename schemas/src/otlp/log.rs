//! The fields of a log record, read in one pass.

use super::span::valid_id;
use super::{AnyValue, Attributes};
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
    pub severity_text: &'a [u8],
    /// Nanoseconds since 1970.
    pub observed_unix_nano: u64,
    /// The lowest eight bits are W3C trace flags.
    pub flags: u32,
    pub event_name: &'a [u8],
    /// The record's `body`: an `AnyValue` message, see [`LogView::value`].
    value: &'a [u8],
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
            severity_text: &[],
            observed_unix_nano: 0,
            flags: 0,
            event_name: &[],
            value: &[],
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                1 => view.time_unix_nano = field.fixed64_value()?,
                2 => view.severity_number = field.varint_value()? as i32,
                3 => view.severity_text = field.len_value()?,
                5 => view.value = field.len_value()?,
                8 => view.flags = field.fixed32_value()?,
                9 => view.trace_id = field.len_value()?,
                10 => view.span_id = field.len_value()?,
                11 => view.observed_unix_nano = field.fixed64_value()?,
                12 => view.event_name = field.len_value()?,
                _ => {}
            }
        }
        Ok(view)
    }

    /// The trace id, unless it is of a wrong length or all zero.
    pub fn valid_trace_id(&self) -> Option<&'a [u8; 16]> {
        valid_id(self.trace_id)
    }

    /// The record's `body`, which is a value of any type.
    ///
    /// # Errors
    /// As [`AnyValue::parse`].
    pub fn value(&self) -> Result<AnyValue<'a>, WireError> {
        AnyValue::parse(self.value)
    }

    /// Field 6, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 6)
    }
}
