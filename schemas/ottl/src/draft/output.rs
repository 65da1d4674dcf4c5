//! Writing items, and what they stand in, as they are now.

use super::Draft;
use super::inner::Inners;
use super::metric::put_data;
use crate::telemetry::Part;
use crate::telemetry::changes::Changes;
use crate::value::Result;
use schemas::Signal;
use schemas::wire::{WireError, put_len};

/// The field of a span that holds its events.
const EVENTS: u32 = 11;

impl Draft<'_> {
    /// Appends the span, log record or metric as it is now.
    ///
    /// # Errors
    /// It can't be read.
    pub fn write_item(&self, out: &mut Vec<u8>) -> Result<()> {
        let Some(changed) = self.subject.changed() else {
            out.extend_from_slice(self.item);
            return Ok(());
        };
        let mut inners = Inners::new(&changed.inners);
        match self.signal {
            Signal::Traces => changed.item.write(
                self.item,
                9,
                |field, out| Ok(field.number == EVENTS && inners.write(field, 3, out)?),
                out,
            ),
            Signal::Logs => changed.item.write(self.item, 6, |_, _| Ok(false), out),
            Signal::Metrics => {
                let kind = self.subject.metric().view().and_then(|metric| metric.kind);
                changed.item.write(
                    self.item,
                    12,
                    |field, out| match kind.filter(|kind| kind.field() == field.number) {
                        Some(kind) => put_data(field, kind, changed.data, &mut inners, out),
                        None => Ok(false),
                    },
                    out,
                )
            }
        }
    }

    /// Appends `ResourceSpans` or its sibling as it is now, without scopes.
    ///
    /// # Errors
    /// It can't be read.
    pub fn write_resource(&self, out: &mut Vec<u8>) -> Result<()> {
        let changes = self
            .subject
            .changed()
            .and_then(|changed| changed.of(Part::Resource));
        match self.subject.resource().view() {
            Some(head) => write_head(head.fields(), changes, 1, out),
            None => Ok(()),
        }
    }

    /// Appends `ScopeSpans` or its sibling as it is now, without items.
    ///
    /// # Errors
    /// It can't be read.
    pub fn write_scope(&self, out: &mut Vec<u8>) -> Result<()> {
        let changes = self
            .subject
            .changed()
            .and_then(|changed| changed.of(Part::Scope));
        match self.subject.scope().view() {
            Some(head) => write_head(head.fields(), changes, 3, out),
            None => Ok(()),
        }
    }
}

/// A head with the message in its field 1 changed.
fn write_head<'a>(
    fields: impl Iterator<Item = std::result::Result<schemas::wire::Field<'a>, WireError>>,
    changes: Option<&Changes>,
    attributes: u32,
    out: &mut Vec<u8>,
) -> Result<()> {
    const HEAD: u32 = 1;
    const SCHEMA_URL: u32 = 3;
    let changes = changes.filter(|changes| !changes.is_empty());
    let mut inner = Vec::new();
    for field in fields {
        let field = field?;
        let Some(changes) = changes else {
            out.extend_from_slice(field.raw);
            continue;
        };
        match field.number {
            // Several are one message, as every reader of protobuf has it.
            HEAD => inner.extend_from_slice(field.len_value()?),
            SCHEMA_URL if changes.schema_url().is_some() => {}
            _ => out.extend_from_slice(field.raw),
        }
    }
    if let Some(changes) = changes {
        let mut head = Vec::with_capacity(inner.len() + 64);
        changes.write(&inner, attributes, |_, _| Ok(false), &mut head)?;
        put_len(out, HEAD, &head);
        if let Some(url) = changes.schema_url() {
            put_len(out, SCHEMA_URL, url.as_bytes());
        }
    }
    Ok(())
}
