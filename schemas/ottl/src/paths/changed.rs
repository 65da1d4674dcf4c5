//! Reading fields that statements have set, from the few bytes that those are.

use super::field::Field;
use super::{event, log, metric, point, resource, scope, span};
use crate::telemetry::Subject;
use crate::telemetry::changes::Changes;
use crate::value::{Result, Value};
use schemas::otlp::{EventView, LogView, SpanView};

/// The value of a field that was set; `None`: it is as the message has it. What was set of a message is a message itself, so it is read as one.
pub(super) fn read<'a>(
    field: Field,
    changes: &Changes,
    at: &Subject<'_>,
) -> Result<Option<Value<'a>>> {
    let value = match field {
        Field::Resource(resource::Field::SchemaUrl) | Field::Scope(scope::Field::SchemaUrl) => {
            return Ok(changes.schema_url().map(Value::owned));
        }
        Field::Resource(_) => match changes.fields_with(2) {
            Some(message) => resource::read_count(message)?,
            None => return Ok(None),
        },
        Field::Scope(field) => match changes.fields_with(field.number()) {
            Some(message) => scope::read_message(field, message)?,
            None => return Ok(None),
        },
        Field::Span(field) => match changes.fields_with(field.number()) {
            Some(message) => span::read(field, &SpanView::parse(message)?, None)?,
            None => return Ok(None),
        },
        Field::Event(field) => match changes.fields_with(field.number()) {
            Some(message) => event::read(field, Some(EventView::parse(message)?))?,
            None => return Ok(None),
        },
        Field::Log(field) => match changes.fields_with(field.number()) {
            Some(message) => log::read(field, Some(LogView::parse(message)?))?,
            None => return Ok(None),
        },
        Field::Metric(field) => match changes.fields_with(field.number()) {
            // Only texts: what stands in the data is changed elsewhere. 0 is the number of no field.
            Some(message) => metric::read_message(field, message)?,
            None => return Ok(None),
        },
        Field::Point(field) => {
            let kind = at.point().view().map(|point| point.kind);
            let set = kind.and_then(|kind| changes.fields_with(field.number(kind)).zip(Some(kind)));
            match set {
                Some((message, kind)) => point::read(field, kind, message)?,
                None => return Ok(None),
            }
        }
        Field::Trace(_) | Field::Cache => return Ok(None),
    };
    value.into_owned().map(Some)
}
