//! The fields of a log record that routing looks at.

use super::Attributes;
use super::span::valid_id;
use crate::wire::{Fields, WireError};

/// A log record in place.
#[derive(Clone, Copy, Debug)]
pub struct LogView<'a> {
    /// The whole message (not the record's `body` field).
    pub body: &'a [u8],
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
    pub time_unix_nano: u64,
    pub severity_number: i32,
}

impl<'a> LogView<'a> {
    /// One pass over the record's fields, with the checks of [`super::SpanView::parse`].
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
