//! The fields of a log record that routing looks at.

use super::Attributes;
use crate::wire::WireError;

/// A log record in place.
#[derive(Clone, Copy, Debug)]
pub struct LogView<'a> {
    pub body: &'a [u8],
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
    pub time_unix_nano: u64,
    pub severity_number: i32,
}

impl<'a> LogView<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let _ = body;
        todo!("schemas")
    }

    /// The trace id, unless it is of a wrong length or all zero.
    pub fn valid_trace_id(&self) -> Option<&'a [u8; 16]> {
        todo!("schemas")
    }

    /// Field 6, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 6)
    }
}
