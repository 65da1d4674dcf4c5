//! Writing single fields, by their types.

use crate::telemetry::changes::Changes;
use crate::value::{EvalError, Result, Value, convert};
use schemas::wire::{put_fixed32, put_fixed64, put_len, put_varint_field};

pub(super) fn read_only() -> EvalError {
    EvalError::new("this path can't be set")
}

pub(super) fn text(message: &mut Changes, number: u32, value: Value<'static>) -> Result<()> {
    let text = convert::text(value)?;
    message.set_field(number, |out| put_len(out, number, text.as_bytes()))
}

pub(super) fn varint(message: &mut Changes, number: u32, value: Value<'static>) -> Result<()> {
    let value = convert::int(value)?;
    message.set_field(number, |out| put_varint_field(out, number, value as u64))
}

/// Counts are 32 bits wide; what is above is cut off, as in the reference.
pub(super) fn count(message: &mut Changes, number: u32, value: Value<'static>) -> Result<()> {
    let value = convert::int(value)?;
    varint(message, number, Value::Int(i64::from(value as u32)))
}

pub(super) fn flags(message: &mut Changes, number: u32, value: Value<'static>) -> Result<()> {
    let value = convert::int(value)?;
    let flags =
        u32::try_from(value).map_err(|_| EvalError::new(format!("{value} doesn't fit 32 bits")))?;
    message.set_field(number, |out| put_fixed32(out, number, flags))
}

/// A number of type `fixed64`.
pub(super) fn fixed64(message: &mut Changes, number: u32, value: Value<'static>) -> Result<()> {
    let nanos = convert::int(value)? as u64;
    message.set_field(number, |out| put_fixed64(out, number, nanos))
}

pub(super) fn time(message: &mut Changes, number: u32, value: Value<'static>) -> Result<()> {
    let nanos = convert::time(value)?.unix_nanos() as u64;
    message.set_field(number, |out| put_fixed64(out, number, nanos))
}

/// All elements of a list.
pub(super) fn list<T>(
    value: Value<'static>,
    element: impl Fn(Value<'static>) -> Result<T>,
) -> Result<Vec<T>> {
    let values = convert::list(value)?.into_values()?;
    values.into_iter().map(element).collect()
}

pub(super) fn id<const N: usize>(
    message: &mut Changes,
    number: u32,
    value: Value<'static>,
) -> Result<()> {
    let id = match value {
        Value::TraceId(id) if N == 16 => id.to_vec(),
        Value::SpanId(id) if N == 8 => id.to_vec(),
        other => return Err(other.is_not("id")),
    };
    put_id(message, number, &id)
}

/// Zeros are no id: the field is empty then, as the reference writes it.
pub(super) fn put_id(message: &mut Changes, number: u32, id: &[u8]) -> Result<()> {
    message.set_field(number, |out| {
        if id.iter().any(|byte| *byte != 0) {
            put_len(out, number, id);
        }
    })
}

/// An id written as hexadecimal digits.
pub(super) fn id_text<const N: usize>(
    message: &mut Changes,
    number: u32,
    value: Value<'static>,
) -> Result<()> {
    let text = convert::text(value)?;
    // The length is checked first, since a prefix `0x` is no part of an id.
    let id = (text.len() == 2 * N)
        .then(|| const_hex::decode_to_array::<_, N>(&*text).ok())
        .flatten();
    let id = id.ok_or_else(|| EvalError::new(format!("{text:?} is no id of {} digits", 2 * N)))?;
    put_id(message, number, &id)
}
