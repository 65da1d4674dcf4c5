//! Keys in brackets: `["a"]`, `[0]`, `[attributes["which"]]`.
//!
//! Two rules, as in the reference: what telemetry lacks is nil, what a converter's result lacks is an error.

use std::borrow::Cow;

use super::Expr;
use crate::telemetry::Subject;
use crate::value::{EvalError, List, Result, Value};

#[derive(Debug)]
pub(crate) enum Key {
    Text(String),
    Int(i64),
    Expr(Box<Expr>),
}

impl Key {
    pub(super) fn text<'a>(&'a self, at: &Subject<'a>) -> Result<Cow<'a, str>> {
        match self {
            Self::Text(text) => Ok(Cow::Borrowed(text)),
            Self::Int(_) => Err(EvalError::new("a map is indexed with an int")),
            Self::Expr(expr) => match expr.eval(at)? {
                Value::Text(text) => Ok(text),
                other => Err(other.is_not("string as a map's key")),
            },
        }
    }

    fn int(&self, at: &Subject<'_>) -> Result<i64> {
        match self {
            Self::Int(index) => Ok(*index),
            Self::Text(_) => Err(EvalError::new("a list is indexed with a string")),
            Self::Expr(expr) => match expr.eval(at)? {
                Value::Int(index) => Ok(index),
                other => Err(other.is_not("int64 as a list's index")),
            },
        }
    }
}

/// What stands in telemetry under the keys; nil when a map has no such key.
pub(super) fn index_path<'a>(
    mut value: Value<'a>,
    keys: &'a [Key],
    at: &Subject<'a>,
) -> Result<Value<'a>> {
    for key in keys {
        value = match &value {
            Value::Map(map) => match map.get(&key.text(at)?)? {
                Some(value) => value,
                None => return Ok(Value::Nil),
            },
            Value::List(list) => element(list, key.int(at)?)?,
            other => return Err(not_indexable(other)),
        };
    }
    Ok(value)
}

/// What stands in a converter's result under the keys.
pub(crate) fn index_result<'a>(
    mut value: Value<'a>,
    keys: &'a [Key],
    at: &Subject<'a>,
) -> Result<Value<'a>> {
    for key in keys {
        let key = match key {
            Key::Text(text) => Value::Text(Cow::Borrowed(text)),
            Key::Int(index) => Value::Int(*index),
            Key::Expr(expr) => expr.eval(at)?,
        };
        value = match (&value, &key) {
            (Value::Map(map), Value::Text(key)) => map
                .get(key)?
                .ok_or_else(|| EvalError::new(format!("no key {key:?} in the map")))?,
            (Value::List(list), Value::Int(index)) => element(list, *index)?,
            (Value::Bytes(bytes), Value::Int(index)) => {
                let byte = usize::try_from(*index).ok().and_then(|at| bytes.get(at));
                Value::Int(i64::from(*byte.ok_or_else(|| out_of_bounds(*index))?))
            }
            (value, Value::Text(_) | Value::Int(_)) => return Err(not_indexable(value)),
            (_, key) => return Err(key.is_not("string or int64 as a key")),
        };
    }
    Ok(value)
}

fn element<'a>(list: &List<'a>, index: i64) -> Result<Value<'a>> {
    let found = match usize::try_from(index) {
        Ok(index) => list.get(index)?,
        Err(_) => None,
    };
    found.ok_or_else(|| out_of_bounds(index))
}

#[cold]
fn out_of_bounds(index: i64) -> EvalError {
    EvalError::new(format!("index {index} is out of bounds"))
}

#[cold]
fn not_indexable(value: &Value<'_>) -> EvalError {
    EvalError::new(format!("a {} has no keys", value.type_name()))
}
