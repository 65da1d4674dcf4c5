//! Writing to places: what each field takes, and where it stands in its message.

use super::super::collection::{List, Map};
use super::super::convert;
use super::super::draft::{Draft, put_any, put_map, replace, within};
use super::super::subject::Subject;
use super::super::value::{EvalError, Result, Value};
use super::{Field, Key, Place, event, log, resource, scope, span};
use schemas::wire::{put_fixed32, put_fixed64, put_len, put_varint_field};

impl Place {
    /// Writes a value that borrows nothing of the draft.
    pub(in super::super) fn set(&self, draft: &mut Draft, value: Value<'static>) -> Result<()> {
        if self.keys.is_empty() {
            return write(self.field, draft, value);
        }
        let keys: Result<Vec<Fixed>> = {
            let subject = draft.subject()?;
            self.keys.iter().map(|key| fixed(key, &subject)).collect()
        };
        let keys = keys?;
        let bare = Place {
            field: self.field,
            keys: Vec::new(),
        };
        let mut whole = bare.read(&draft.subject()?)?.into_owned()?;
        put_at(&mut whole, &keys, value)?;
        write(self.field, draft, whole)
    }
}

/// A key whose value is known.
enum Fixed {
    Text(String),
    Int(i64),
}

fn fixed(key: &Key, at: &Subject<'_>) -> Result<Fixed> {
    Ok(match key {
        Key::Text(text) => Fixed::Text(text.clone()),
        Key::Int(index) => Fixed::Int(*index),
        Key::Expr(expr) => match expr.eval(at)? {
            Value::Text(text) => Fixed::Text(text.into_owned()),
            Value::Int(index) => Fixed::Int(index),
            other => return Err(other.is_not("string or int64 as a key")),
        },
    })
}

/// Puts a value where the keys lead; maps and lists on the way are made where nothing is.
fn put_at(whole: &mut Value<'static>, keys: &[Fixed], value: Value<'static>) -> Result<()> {
    let Some((key, rest)) = keys.split_first() else {
        *whole = value;
        return Ok(());
    };
    match (whole, key) {
        (Value::Map(Map::Owned(pairs)), Fixed::Text(key)) => {
            let at = match pairs.iter().position(|(known, _)| known == key) {
                Some(at) => at,
                None => {
                    pairs.push((key.clone().into(), Value::Nil));
                    pairs.len() - 1
                }
            };
            put_at(&mut pairs[at].1, rest, value)
        }
        (Value::List(List::Owned(values)), Fixed::Int(index)) => {
            let element = usize::try_from(*index)
                .ok()
                .and_then(|at| values.get_mut(at));
            let missing = || EvalError::new(format!("index {index} is out of bounds"));
            put_at(element.ok_or_else(missing)?, rest, value)
        }
        (empty @ Value::Nil, Fixed::Text(_)) => {
            *empty = Value::Map(Map::Owned(Vec::new()));
            put_at(empty, keys, value)
        }
        (empty @ Value::Nil, Fixed::Int(index)) => {
            // A long list of nothing for a number out of somebody's telemetry would be a way to take all memory.
            let length = usize::try_from(*index).ok().filter(|length| *length < 1024);
            let length =
                length.ok_or_else(|| EvalError::new(format!("index {index} is out of bounds")))?;
            *empty = Value::List(List::Owned(vec![Value::Nil; length + 1]));
            put_at(empty, keys, value)
        }
        (other, _) => Err(EvalError::new(format!(
            "a {} has no such key",
            other.type_name()
        ))),
    }
}

fn write(field: Field, draft: &mut Draft, value: Value<'static>) -> Result<()> {
    match field {
        Field::Resource(field) => write_resource(field, &mut draft.resource, value),
        Field::Scope(field) => write_scope(field, &mut draft.scope, value),
        Field::Span(field) => write_span(field, &mut draft.item, value),
        Field::Log(field) => write_log(field, &mut draft.item, value),
        Field::Event(field) => match &mut draft.event {
            Some((_, event)) => write_event(field, event, value),
            None => Err(EvalError::new("no event is edited")),
        },
        Field::Cache => {
            draft.cache = convert::map(value)?;
            Ok(())
        }
        Field::Trace(_) => Err(read_only()),
    }
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
    let digits: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
            Some((digit(0)? << 4 | digit(1)?) as u8)
        })
        .collect();
    let id = digits.filter(|id| id.len() == N);
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
