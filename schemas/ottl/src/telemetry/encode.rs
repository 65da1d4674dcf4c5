//! Writing values into messages.

use crate::value::{EvalError, Map, Result, Value};
use schemas::wire::{Fields, put_len};

/// Takes the occurrences of a field out of a message and puts new ones behind the rest.
pub(crate) fn replace(
    message: &mut Vec<u8>,
    number: u32,
    put: impl FnOnce(&mut Vec<u8>),
) -> Result<()> {
    let mut out = Vec::with_capacity(message.len() + 32);
    for field in Fields::new(message) {
        let field = field?;
        if field.number != number {
            out.extend_from_slice(field.raw);
        }
    }
    put(&mut out);
    *message = out;
    Ok(())
}

/// Writes a map as `KeyValue`s in field `number`.
pub(crate) fn put_map(out: &mut Vec<u8>, number: u32, map: &Map<'_>) -> Result<()> {
    for (key, value) in map.clone().into_pairs()? {
        let mut pair = Vec::new();
        put_len(&mut pair, 1, key.as_bytes());
        let mut any = Vec::new();
        put_any(&mut any, &value)?;
        put_len(&mut pair, 2, &any);
        put_len(out, number, &pair);
    }
    Ok(())
}

impl Value<'_> {
    /// The value as an `AnyValue` message.
    ///
    /// # Errors
    /// No attribute can hold it, or it can't be read.
    pub fn encoded(&self) -> Result<Vec<u8>> {
        let mut message = Vec::new();
        put_any(&mut message, self)?;
        Ok(message)
    }
}

/// Writes the fields of an `AnyValue`.
pub(crate) fn put_any(out: &mut Vec<u8>, value: &Value<'_>) -> Result<()> {
    use schemas::wire::{put_fixed64, put_varint_field};
    match value {
        Value::Nil => {}
        Value::Text(text) => put_len(out, 1, text.as_bytes()),
        Value::Bool(value) => put_varint_field(out, 2, u64::from(*value)),
        Value::Int(value) => put_varint_field(out, 3, *value as u64),
        Value::Float(value) => put_fixed64(out, 4, value.to_bits()),
        Value::Bytes(bytes) => put_len(out, 7, bytes),
        Value::List(list) => {
            let mut message = Vec::new();
            for value in list.clone().into_values()? {
                let mut any = Vec::new();
                put_any(&mut any, &value)?;
                put_len(&mut message, 1, &any);
            }
            put_len(out, 5, &message);
        }
        Value::Map(map) => {
            let mut message = Vec::new();
            put_map(&mut message, 1, map)?;
            put_len(out, 6, &message);
        }
        other => {
            let message = format!("a {} can't be stored in telemetry", other.type_name());
            return Err(EvalError::new(message));
        }
    }
    Ok(())
}
