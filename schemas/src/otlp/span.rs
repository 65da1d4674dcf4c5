//! The fields of a span that the pipeline looks at, read in one pass.

use super::Attributes;
use crate::wire::{Fields, WireError};

/// `Status.code`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusCode {
    #[default]
    Unset,
    Ok,
    Error,
    /// A code of a newer protocol.
    Other(i32),
}

impl From<i32> for StatusCode {
    fn from(code: i32) -> Self {
        match code {
            0 => Self::Unset,
            1 => Self::Ok,
            2 => Self::Error,
            other => Self::Other(other),
        }
    }
}

/// A span in place. Absent fields have protobuf's defaults; repeated scalar fields have their last value.
#[derive(Clone, Copy, Debug)]
pub struct SpanView<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// As sent: 16 bytes when valid, see [`SpanView::valid_trace_id`].
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
    pub parent_span_id: &'a [u8],
    pub trace_state: &'a [u8],
    pub name: &'a [u8],
    pub kind: i32,
    pub flags: u32,
    pub start_unix_nano: u64,
    pub end_unix_nano: u64,
    pub status: StatusCode,
}

impl<'a> SpanView<'a> {
    /// One pass over the span's fields. Checks the framing of the top level and of `status`; strings are not
    /// checked for UTF-8, attributes and events are checked when they are read.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self {
            body,
            trace_id: &[],
            span_id: &[],
            parent_span_id: &[],
            trace_state: &[],
            name: &[],
            kind: 0,
            flags: 0,
            start_unix_nano: 0,
            end_unix_nano: 0,
            status: StatusCode::Unset,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                1 => view.trace_id = field.len_value()?,
                2 => view.span_id = field.len_value()?,
                3 => view.trace_state = field.len_value()?,
                4 => view.parent_span_id = field.len_value()?,
                5 => view.name = field.len_value()?,
                6 => view.kind = field.varint_value()? as i32,
                7 => view.start_unix_nano = field.fixed64_value()?,
                8 => view.end_unix_nano = field.fixed64_value()?,
                15 => {
                    for field in Fields::new(field.len_value()?) {
                        let field = field?;
                        if field.number == 3 {
                            view.status = StatusCode::from(field.varint_value()? as i32);
                        }
                    }
                }
                16 => view.flags = field.fixed32_value()?,
                _ => {}
            }
        }
        Ok(view)
    }

    /// The trace id, unless it is of a wrong length or all zero.
    #[inline]
    pub fn valid_trace_id(&self) -> Option<&'a [u8; 16]> {
        valid_id(self.trace_id)
    }

    /// The span id, unless it is of a wrong length or all zero.
    #[inline]
    pub fn valid_span_id(&self) -> Option<&'a [u8; 8]> {
        valid_id(self.span_id)
    }

    /// No parent: the parent id is empty or all zero.
    #[inline]
    pub fn is_root(&self) -> bool {
        self.parent_span_id.iter().all(|&byte| byte == 0)
    }

    /// Field 9, in order.
    #[inline]
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 9)
    }
}

/// An id of the right length that is not all zero.
#[inline]
pub(super) fn valid_id<const N: usize>(id: &[u8]) -> Option<&[u8; N]> {
    <&[u8; N]>::try_from(id)
        .ok()
        .filter(|id| id.iter().any(|&byte| byte != 0))
}
