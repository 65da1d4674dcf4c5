//! Writing to places: through keys to the whole value of a field, and that to its message.

use super::{Key, Place};
use crate::draft::Draft;
use crate::draft::write::write;
use crate::paths::Field;
use crate::paths::field::LogField;
use crate::telemetry::Subject;
use crate::value::{EvalError, List, Map, Result, Value};

impl Place {
    /// Writes a value that borrows nothing of the draft.
    pub(crate) fn set(&self, draft: &mut Draft<'_>, value: Value<'static>) -> Result<()> {
        if self.keys.is_empty() {
            return write(self.field, draft, value);
        }
        let keys: Result<Vec<Fixed>> = {
            let subject = draft.subject();
            self.keys.iter().map(|key| fixed(key, subject)).collect()
        };
        let mut keys = keys?;
        if self.field.is_attributes() {
            let Fixed::Text(key) = keys.remove(0) else {
                return Err(EvalError::new("a map is indexed with an int"));
            };
            let mut whole = Value::Nil;
            if !keys.is_empty() {
                whole = draft.attribute(self.field.part(), &key)?.into_owned()?;
            }
            put_at(&mut whole, &keys, value)?;
            return draft.set_attribute(self.field.part(), key, whole);
        }
        let bare = Place {
            field: self.field,
            keys: Vec::new(),
        };
        let mut whole = bare.read(draft.subject())?.into_owned()?;
        if matches!(
            (&whole, self.field),
            (Value::Nil, Field::Log(LogField::Body))
        ) {
            return Err(EvalError::new("a body that isn't there has no keys"));
        }
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
