//! The links of a span, read in place.

use super::Attributes;
use crate::wire::{Fields, WireError};

/// `Span.links`.
const LINKS: u32 = 13;

/// `Span.Link {trace_id = 1, span_id = 2, trace_state = 3, attributes = 4, dropped_attributes_count = 5, flags = 6}`.
#[derive(Clone, Copy, Debug)]
pub struct LinkView<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// As sent: 16 bytes when valid.
    pub trace_id: &'a [u8],
    /// As sent: 8 bytes when valid.
    pub span_id: &'a [u8],
    /// W3C `tracestate`.
    pub trace_state: &'a [u8],
    pub dropped_attributes_count: u32,
}

impl<'a> LinkView<'a> {
    /// One pass over the link's fields, with the checks of [`super::SpanView::parse`].
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self {
            body,
            trace_id: &[],
            span_id: &[],
            trace_state: &[],
            dropped_attributes_count: 0,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                1 => view.trace_id = field.len_value()?,
                2 => view.span_id = field.len_value()?,
                3 => view.trace_state = field.len_value()?,
                5 => view.dropped_attributes_count = field.varint_value()? as u32,
                _ => {}
            }
        }
        Ok(view)
    }

    /// Field 4, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 4)
    }
}

/// Iterates over the links of a span. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Links<'a> {
    fields: Fields<'a>,
}

impl<'a> Links<'a> {
    /// Those in field 13 of a span's message.
    pub fn new(span: &'a [u8]) -> Self {
        Self {
            fields: Fields::new(span),
        }
    }
}

impl<'a> Iterator for Links<'a> {
    type Item = Result<LinkView<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        for field in self.fields.by_ref() {
            let link = match field {
                Ok(field) if field.number != LINKS => continue,
                Ok(field) => field.len_value().and_then(LinkView::parse),
                Err(error) => Err(error),
            };
            if link.is_err() {
                self.fields = Fields::new(&[]);
            }
            return Some(link);
        }
        None
    }
}
