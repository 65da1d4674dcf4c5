//! Writing to fields: what each one takes, and where it stands in its message.

use super::field::Field;
use super::{event, log, resource, scope, span};
use crate::telemetry::draft::{put_any, put_map, replace, within};
use crate::telemetry::{Draft, Part};
use crate::value::{EvalError, Result, Value, convert};
use schemas::wire::{put_fixed32, put_fixed64, put_len, put_varint_field};

pub(crate) fn write(field: Field, draft: &mut Draft, value: Value<'static>) -> Result<()> {
    match field {
        Field::Resource(field) => write_resource(field, message(draft, Part::Resource)?, value),
        Field::Scope(field) => write_scope(field, message(draft, Part::Scope)?, value),
        Field::Span(field) => write_span(field, message(draft, Part::Span)?, value),
        Field::Log(field) => write_log(field, message(draft, Part::Log)?, value),
        Field::Event(field) => write_event(field, message(draft, Part::Event)?, value),
        Field::Cache => {
            draft.set_cache(convert::map(value)?);
            Ok(())
        }
        Field::Trace(_) => Err(read_only()),
    }
}

fn message(draft: &mut Draft, part: Part) -> Result<&mut Vec<u8>> {
    let missing = || EvalError::new("no event is edited");
    draft.message(part).ok_or_else(missing)
}

fn read_only() -> EvalError {
    EvalError::new("this path can't be set")
}

fn text(message: &mut Vec<u8>, number: u32, value: Value<'static>) -> Result<()> {
    let text = convert::text(value)?;
    replace(message, number, |out| put_len(out, number, text.as_bytes()))
}

fn varint(message: &mut Vec<u8>, number: u32, value: Value<'static>) -> Result<()> {
    let value = convert::int(value)?;
    replace(message, number, |out| {
        put_varint_field(out, number, value as u64)
    })
}

/// Counts are 32 bits wide; what is above is cut off, as in the reference.
fn count(message: &mut Vec<u8>, number: u32, value: Value<'static>) -> Result<()> {
    let value = convert::int(value)?;
    varint(message, number, Value::Int(i64::from(value as u32)))
}

fn flags(message: &mut Vec<u8>, number: u32, value: Value<'static>) -> Result<()> {
    let value = convert::int(value)?;
    let flags =
        u32::try_from(value).map_err(|_| EvalError::new(format!("{value} doesn't fit 32 bits")))?;
    replace(message, number, |out| put_fixed32(out, number, flags))
}

fn nanos(message: &mut Vec<u8>, number: u32, value: Value<'static>) -> Result<()> {
    let nanos = match value {
        Value::Time(time) => time.unix_nanos() as u64,
        other => convert::int(other)? as u64,
    };
    replace(message, number, |out| put_fixed64(out, number, nanos))
}

fn map(message: &mut Vec<u8>, number: u32, value: Value<'static>) -> Result<()> {
    let mut pairs = Vec::new();
    put_map(&mut pairs, number, &convert::map(value)?)?;
    replace(message, number, |out| out.extend_from_slice(&pairs))
}

fn id<const N: usize>(message: &mut Vec<u8>, number: u32, value: Value<'static>) -> Result<()> {
    let id = match value {
        Value::TraceId(id) if N == 16 => id.to_vec(),
        Value::SpanId(id) if N == 8 => id.to_vec(),
        other => return Err(other.is_not("id")),
    };
    replace(message, number, |out| put_len(out, number, &id))
}

/// An id written as hexadecimal digits.
fn id_text<const N: usize>(
    message: &mut Vec<u8>,
    number: u32,
    value: Value<'static>,
) -> Result<()> {
    let text = convert::text(value)?;
    // The length is checked first, since a prefix `0x` is no part of an id.
    let id = (text.len() == 2 * N)
        .then(|| const_hex::decode_to_array::<_, N>(&*text).ok())
        .flatten();
    let id = id.ok_or_else(|| EvalError::new(format!("{text:?} is no id of {} digits", 2 * N)))?;
    replace(message, number, |out| put_len(out, number, &id))
}

fn write_resource(
    field: resource::Field,
    message: &mut Vec<u8>,
    value: Value<'static>,
) -> Result<()> {
    use resource::Field as F;
    match field {
        F::Attributes => within(message, 1, |inner| map(inner, 1, value)),
        F::DroppedAttributesCount => within(message, 1, |inner| count(inner, 2, value)),
        F::SchemaUrl => text(message, 3, value),
    }
}

fn write_scope(field: scope::Field, message: &mut Vec<u8>, value: Value<'static>) -> Result<()> {
    use scope::Field as F;
    match field {
        F::Name => within(message, 1, |inner| text(inner, 1, value)),
        F::Version => within(message, 1, |inner| text(inner, 2, value)),
        F::Attributes => within(message, 1, |inner| map(inner, 3, value)),
        F::DroppedAttributesCount => within(message, 1, |inner| count(inner, 4, value)),
        F::SchemaUrl => text(message, 3, value),
    }
}

fn write_span(field: span::Field, message: &mut Vec<u8>, value: Value<'static>) -> Result<()> {
    use span::Field as F;
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
                Value::Int(span::kind_named(&convert::text(value)?, style)?),
            )
        }
        F::StartTime | F::StartTimeUnixNano => nanos(message, 7, value),
        F::EndTime | F::EndTimeUnixNano => nanos(message, 8, value),
        F::Attributes => map(message, 9, value),
        F::DroppedAttributesCount => count(message, 10, value),
        F::DroppedEventsCount => count(message, 12, value),
        F::DroppedLinksCount => count(message, 14, value),
        F::StatusMessage => within(message, 15, |inner| text(inner, 2, value)),
        F::StatusCode => within(message, 15, |inner| varint(inner, 3, value)),
        F::Flags => flags(message, 16, value),
        F::Events | F::Links | F::Status | F::Service | F::Duration => Err(read_only()),
    }
}

fn write_event(field: event::Field, message: &mut Vec<u8>, value: Value<'static>) -> Result<()> {
    use event::Field as F;
    match field {
        F::Time | F::TimeUnixNano => nanos(message, 1, value),
        F::Name => text(message, 2, value),
        F::Attributes => map(message, 3, value),
        F::DroppedAttributesCount => count(message, 4, value),
        F::Index => Err(read_only()),
    }
}

fn write_log(field: log::Field, message: &mut Vec<u8>, value: Value<'static>) -> Result<()> {
    use log::Field as F;
    match field {
        F::Time | F::TimeUnixNano => nanos(message, 1, value),
        F::SeverityNumber => varint(message, 2, value),
        F::SeverityText => text(message, 3, value),
        F::Body => body(message, &value),
        F::BodyString => body(message, &Value::Text(convert::text(value)?)),
        F::Attributes => map(message, 6, value),
        F::DroppedAttributesCount => count(message, 7, value),
        F::Flags => flags(message, 8, value),
        F::TraceId => id::<16>(message, 9, value),
        F::TraceIdString => id_text::<16>(message, 9, value),
        F::SpanId => id::<8>(message, 10, value),
        F::SpanIdString => id_text::<8>(message, 10, value),
        F::ObservedTime | F::ObservedTimeUnixNano => nanos(message, 11, value),
        F::EventName => text(message, 12, value),
    }
}

fn body(message: &mut Vec<u8>, value: &Value<'static>) -> Result<()> {
    let mut any = Vec::new();
    put_any(&mut any, value)?;
    replace(message, 5, |out| put_len(out, 5, &any))
}
