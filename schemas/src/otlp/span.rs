//! The fields of a span that the pipeline looks at, read in one pass.

use super::Attributes;
use crate::wire::WireError;

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
        let _ = body;
        todo!("schemas")
    }

    /// The trace id, unless it is of a wrong length or all zero.
    pub fn valid_trace_id(&self) -> Option<&'a [u8; 16]> {
        todo!("schemas")
    }

    /// The span id, unless it is of a wrong length or all zero.
    pub fn valid_span_id(&self) -> Option<&'a [u8; 8]> {
        todo!("schemas")
    }

    /// No parent: the parent id is empty or all zero.
    pub fn is_root(&self) -> bool {
        todo!("schemas")
    }

    /// Field 9, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 9)
    }
}
