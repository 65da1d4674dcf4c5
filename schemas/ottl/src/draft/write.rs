//! Writing to fields: what each one takes, and where it stands in its message.

use super::Draft;
use super::metric::{write_metric, write_point};
use super::scalars::{count, fixed64, flags, id, id_text, read_only, text, time, varint};
use crate::paths::field::{self, Field};
use crate::paths::kind_named;
use crate::telemetry::Part;
use crate::telemetry::changes::Changes;
use crate::telemetry::encode::{put_any, replace};
use crate::value::{EvalError, Result, Value, convert};
use schemas::wire::{put_len, put_varint_field};

/// Sets a whole field.
pub(crate) fn write(field: Field, draft: &mut Draft<'_>, value: Value<'static>) -> Result<()> {
    if field == Field::Cache {
        value.check_storable()?;
        return draft.set_cache(convert::map(value)?);
    }
    if field.is_attributes() {
        let pairs = convert::map(value)?.into_pairs()?;
        pairs
            .iter()
            .try_for_each(|(_, value)| value.check_storable())?;
        draft.changes(field.part())?.replace_attributes(pairs);
        return Ok(());
    }
    match field {
        Field::Metric(field) => return write_metric(field, draft, value),
        Field::Point(field) => {
            let point = draft.subject().point().view().copied();
            let point = point.ok_or_else(|| EvalError::new("no data point is edited"))?;
            return write_point(field, point, draft.changes(Part::DataPoint)?, value);
        }
        _ => {}
    }
    // What was not set within a status is to stay as the span has it.
    let base = match field {
        Field::Span(field::SpanField::StatusCode | field::SpanField::StatusMessage) => draft.item(),
        _ => &[],
    };
    let changes = draft.changes(field.part())?;
    match field {
        Field::Resource(field) => write_resource(field, changes, value),
        Field::Scope(field) => write_scope(field, changes, value),
        Field::Span(field) => write_span(field, base, changes, value),
        Field::Log(field) => write_log(field, changes, value),
        Field::Event(field) => write_event(field, changes, value),
        Field::Metric(_) | Field::Point(_) | Field::Trace(_) | Field::Cache => Err(read_only()),
    }
}

fn write_resource(
    field: field::ResourceField,
    message: &mut Changes,
    value: Value<'static>,
) -> Result<()> {
    use field::ResourceField as F;
    match field {
        F::Attributes => Err(read_only()),
        F::DroppedAttributesCount => count(message, 2, value),
        F::SchemaUrl => schema_url(message, value),
    }
}

fn write_scope(
    field: field::ScopeField,
    message: &mut Changes,
    value: Value<'static>,
) -> Result<()> {
    use field::ScopeField as F;
    match field {
        F::Name => text(message, 1, value),
        F::Version => text(message, 2, value),
        F::Attributes => Err(read_only()),
        F::DroppedAttributesCount => count(message, 4, value),
        F::SchemaUrl => schema_url(message, value),
    }
}

fn schema_url(message: &mut Changes, value: Value<'static>) -> Result<()> {
    message.set_schema_url(convert::text(value)?.into_owned());
    Ok(())
}

fn write_span(
    field: field::SpanField,
    base: &[u8],
    message: &mut Changes,
    value: Value<'static>,
) -> Result<()> {
    use field::SpanField as F;
    match field {
        F::TraceId => id::<16>(message, 1, value),
        F::TraceIdString => id_text::<16>(message, 1, value),
        F::SpanId => id::<8>(message, 2, value),
        F::SpanIdString => id_text::<8>(message, 2, value),
        F::TraceState => text(message, 3, value),
        F::ParentSpanId => id::<8>(message, 4, value),
        F::ParentSpanIdString => id_text::<8>(message, 4, value),
        F::Name => text(message, 5, value),
        F::Kind => varint(message, 6, value),
        F::KindString | F::KindDeprecatedString => {
            let style = usize::from(field == F::KindDeprecatedString);
            varint(
                message,
                6,
                Value::Int(kind_named(&convert::text(value)?, style)?),
            )
        }
        F::StartTime => time(message, 7, value),
        F::StartTimeUnixNano => fixed64(message, 7, value),
        F::EndTime => time(message, 8, value),
        F::EndTimeUnixNano => fixed64(message, 8, value),
        F::DroppedAttributesCount => count(message, 10, value),
        F::DroppedEventsCount => count(message, 12, value),
        F::DroppedLinksCount => count(message, 14, value),
        F::StatusMessage => {
            let text = convert::text(value)?;
            message.set_within(base, 15, |status| {
                replace(status, 2, |out| put_len(out, 2, text.as_bytes()))
            })
        }
        F::StatusCode => {
            let code = convert::int(value)?;
            message.set_within(base, 15, |status| {
                replace(status, 3, |out| put_varint_field(out, 3, code as u64))
            })
        }
        F::Flags => flags(message, 16, value),
        F::Attributes | F::Events | F::Links | F::Status | F::Service | F::Duration => {
            Err(read_only())
        }
    }
}

fn write_event(
    field: field::EventField,
    message: &mut Changes,
    value: Value<'static>,
) -> Result<()> {
    use field::EventField as F;
    match field {
        F::Time => time(message, 1, value),
        F::TimeUnixNano => fixed64(message, 1, value),
        F::Name => text(message, 2, value),
        F::DroppedAttributesCount => count(message, 4, value),
        F::Attributes | F::Index => Err(read_only()),
    }
}

fn write_log(field: field::LogField, message: &mut Changes, value: Value<'static>) -> Result<()> {
    use field::LogField as F;
    match field {
        F::Time => time(message, 1, value),
        F::TimeUnixNano => fixed64(message, 1, value),
        F::SeverityNumber => varint(message, 2, value),
        F::SeverityText => text(message, 3, value),
        F::Body => body(message, &value),
        F::BodyString => body(message, &Value::Text(convert::text(value)?)),
        F::DroppedAttributesCount => count(message, 7, value),
        F::Flags => flags(message, 8, value),
        F::TraceId => id::<16>(message, 9, value),
        F::TraceIdString => id_text::<16>(message, 9, value),
        F::SpanId => id::<8>(message, 10, value),
        F::SpanIdString => id_text::<8>(message, 10, value),
        F::ObservedTime => time(message, 11, value),
        F::ObservedTimeUnixNano => fixed64(message, 11, value),
        F::EventName => text(message, 12, value),
        F::Attributes => Err(read_only()),
    }
}

fn body(message: &mut Changes, value: &Value<'static>) -> Result<()> {
    value.check_storable()?;
    let mut any = Vec::new();
    put_any(&mut any, value)?;
    message.set_field(5, |out| put_len(out, 5, &any))
}
