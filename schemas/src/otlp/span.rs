//! The fields of a span that the pipeline looks at, read in one pass.

use super::{Attributes, Events};
use crate::wire::{Field, Fields, WireError, delimited, read_field};

/// Fields of a span.
const ATTRIBUTES: u32 = 9;

/// Tags of a span's fields.
mod tag {
    pub(super) const TRACE_ID: u8 = 1 << 3 | 2;
    pub(super) const SPAN_ID: u8 = 2 << 3 | 2;
    pub(super) const TRACE_STATE: u8 = 3 << 3 | 2;
    pub(super) const PARENT_SPAN_ID: u8 = 4 << 3 | 2;
    pub(super) const NAME: u8 = 5 << 3 | 2;
    pub(super) const KIND: u8 = 6 << 3;
    pub(super) const START: u8 = 7 << 3 | 1;
    pub(super) const END: u8 = 8 << 3 | 1;
    pub(super) const ATTRIBUTES: u8 = 9 << 3 | 2;
    pub(super) const EVENTS: u8 = 11 << 3 | 2;
    pub(super) const LINKS: u8 = 13 << 3 | 2;
    pub(super) const STATUS: u8 = 15 << 3 | 2;
    /// The first of two bytes; the second is 1.
    pub(super) const FLAGS: u8 = (16 << 3 | 5) as u8 | 0x80;
    /// `Status.code`.
    pub(super) const CODE: u8 = 3 << 3;
}

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
    /// As sent: 8 bytes when valid, see [`SpanView::valid_span_id`].
    pub span_id: &'a [u8],
    /// As sent: empty, or 8 bytes when valid.
    pub parent_span_id: &'a [u8],
    /// W3C `tracestate`, see [`super::trace_state`].
    pub trace_state: &'a [u8],
    pub name: &'a [u8],
    /// `SpanKind`: 0 (unspecified) to 5 (consumer).
    pub kind: i32,
    /// The lowest eight bits are W3C trace flags.
    pub flags: u32,
    /// Nanoseconds since 1970, by the sender's clock.
    pub start_unix_nano: u64,
    pub end_unix_nano: u64,
    pub status: StatusCode,
    /// Field 11 is there.
    pub has_events: bool,
    /// From the first attribute to the end of the last.
    attributes: &'a [u8],
}

impl<'a> SpanView<'a> {
    /// One pass over the span's fields. Checks the framing of the top level and of `status`; strings are not
    /// checked for UTF-8, attributes and events are checked when they are read.
    #[inline]
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
            has_events: false,
            attributes: &[],
        };
        view.read()?;
        Ok(view)
    }

    /// Fields as every client writes them are told by their tag's byte; any other shape is left to [`Self::take`]. Half the instructions. One
    /// function, although long: it is a table of fields, read from top to bottom.
    fn read(&mut self) -> Result<(), WireError> {
        // Long: one arm for each field of the message, on the hot path.
        let body = self.body;
        let mut attributes: Option<(usize, usize)> = None;
        let mut rest = body;
        while let [tag, behind @ ..] = rest {
            let plain = match *tag {
                tag::TRACE_ID => delimited(behind).map(|(id, rest)| {
                    self.trace_id = id;
                    rest
                }),
                tag::SPAN_ID => delimited(behind).map(|(id, rest)| {
                    self.span_id = id;
                    rest
                }),
                tag::TRACE_STATE => delimited(behind).map(|(state, rest)| {
                    self.trace_state = state;
                    rest
                }),
                tag::PARENT_SPAN_ID => delimited(behind).map(|(id, rest)| {
                    self.parent_span_id = id;
                    rest
                }),
                tag::NAME => delimited(behind).map(|(name, rest)| {
                    self.name = name;
                    rest
                }),
                tag::KIND => match behind {
                    [kind @ ..0x80, rest @ ..] => {
                        self.kind = i32::from(*kind);
                        Some(rest)
                    }
                    _ => None,
                },
                tag::START => behind.split_first_chunk().map(|(time, rest)| {
                    self.start_unix_nano = u64::from_le_bytes(*time);
                    rest
                }),
                tag::END => behind.split_first_chunk().map(|(time, rest)| {
                    self.end_unix_nano = u64::from_le_bytes(*time);
                    rest
                }),
                tag::ATTRIBUTES => delimited(behind).map(|(_, after)| {
                    let from = body.len() - rest.len();
                    let first = attributes.map_or(from, |(first, _)| first);
                    attributes = Some((first, body.len() - after.len()));
                    after
                }),
                tag::EVENTS => delimited(behind).map(|(_, rest)| {
                    self.has_events = true;
                    rest
                }),
                tag::LINKS => delimited(behind).map(|(_, rest)| rest),
                tag::STATUS => match delimited(behind) {
                    Some(([tag::CODE, code @ ..0x80], rest)) => {
                        self.status = StatusCode::from(i32::from(*code));
                        Some(rest)
                    }
                    _ => None,
                },
                tag::FLAGS => match behind {
                    [1, rest @ ..] => rest.split_first_chunk().map(|(flags, rest)| {
                        self.flags = u32::from_le_bytes(*flags);
                        rest
                    }),
                    _ => None,
                },
                _ => None,
            };
            rest = match plain {
                Some(rest) => rest,
                None => {
                    let from = body.len() - rest.len();
                    let (field, end) = read_field(body, from)?;
                    if field.number == ATTRIBUTES {
                        let first = attributes.map_or(from, |(first, _)| first);
                        attributes = Some((first, end));
                    }
                    self.take(field)?;
                    &body[end..]
                }
            };
        }
        if let Some((first, end)) = attributes {
            self.attributes = &body[first..end];
        }
        Ok(())
    }

    /// A field of any shape.
    #[inline(never)]
    fn take(&mut self, field: Field<'a>) -> Result<(), WireError> {
        match field.number {
            1 => self.trace_id = field.len_value()?,
            2 => self.span_id = field.len_value()?,
            3 => self.trace_state = field.len_value()?,
            4 => self.parent_span_id = field.len_value()?,
            5 => self.name = field.len_value()?,
            6 => self.kind = field.varint_value()? as i32,
            7 => self.start_unix_nano = field.fixed64_value()?,
            8 => self.end_unix_nano = field.fixed64_value()?,
            11 => self.has_events = true,
            15 => {
                for field in Fields::new(field.len_value()?) {
                    let field = field?;
                    if field.number == 3 {
                        self.status = StatusCode::from(field.varint_value()? as i32);
                    }
                }
            }
            16 => self.flags = field.fixed32_value()?,
            _ => {}
        }
        Ok(())
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
        Attributes::new(self.attributes, ATTRIBUTES)
    }

    /// Field 11, in order.
    #[inline]
    pub fn events(&self) -> Events<'a> {
        Events::new(self.body)
    }
}

/// An id of the right length that is not all zero.
#[inline]
pub(super) fn valid_id<const N: usize>(id: &[u8]) -> Option<&[u8; N]> {
    <&[u8; N]>::try_from(id)
        .ok()
        .filter(|id| id.iter().any(|&byte| byte != 0))
}
