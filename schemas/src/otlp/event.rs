//! The events of a span, read in place.

use super::Attributes;
use crate::wire::{Fields, WireError};

/// `Span.Event {time_unix_nano = 1, name = 2, attributes = 3, dropped_attributes_count = 4}`.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub name: &'a [u8],
    pub dropped_attributes_count: u32,
}

impl<'a> EventView<'a> {
    /// One pass over the event's fields, with the checks of [`super::SpanView::parse`].
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self {
            body,
            time_unix_nano: 0,
            name: &[],
            dropped_attributes_count: 0,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                1 => view.time_unix_nano = field.fixed64_value()?,
                2 => view.name = field.len_value()?,
                4 => view.dropped_attributes_count = field.varint_value()? as u32,
                _ => {}
            }
        }
        Ok(view)
    }

    /// Field 3, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 3)
    }
}

/// Iterates over the events of a span. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    fields: Fields<'a>,
}

impl<'a> Events<'a> {
    /// Those in field 11 of a span's message.
    pub fn new(span: &'a [u8]) -> Self {
        Self {
            fields: Fields::new(span),
        }
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<EventView<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        for field in self.fields.by_ref() {
            let event = match field {
                Ok(field) if field.number != 11 => continue,
                Ok(field) => field.len_value().and_then(EventView::parse),
                Err(error) => Err(error),
            };
            if event.is_err() {
                self.fields = Fields::new(&[]);
            }
            return Some(event);
        }
        None
    }
}
