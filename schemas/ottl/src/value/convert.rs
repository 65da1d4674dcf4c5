//! What a function's argument makes of a value: strictly ("must be a string") or leniently ("as a string").
//!
//! Named and behaving as the reference's getters: `StringGetter`, `StringLikeGetter` and so on. The lenient ones pass nil on as `None`.

use std::borrow::Cow;

use crate::value::Time;
use crate::value::{EvalError, Result, Value};
use crate::value::{List, Map};

pub(crate) use crate::value::text::string_like as text_like;

pub(crate) fn text(value: Value<'_>) -> Result<Cow<'_, str>> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(other.is_not("string")),
    }
}

pub(crate) fn int(value: Value<'_>) -> Result<i64> {
    match value {
        Value::Int(value) => Ok(value),
        other => Err(other.is_not("int64")),
    }
}

pub(crate) fn float(value: Value<'_>) -> Result<f64> {
    match value {
        Value::Float(value) => Ok(value),
        other => Err(other.is_not("float64")),
    }
}

pub(crate) fn bool(value: Value<'_>) -> Result<bool> {
    match value {
        Value::Bool(value) => Ok(value),
        other => Err(other.is_not("bool")),
    }
}

pub(crate) fn map(value: Value<'_>) -> Result<Map<'_>> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(other.is_not("map")),
    }
}

pub(crate) fn list(value: Value<'_>) -> Result<List<'_>> {
    value.check_storable()?;
    match value {
        Value::List(list) => Ok(list),
        other => Err(other.is_not("list")),
    }
}

pub(crate) fn time(value: Value<'_>) -> Result<Time> {
    match value {
        Value::Time(time) => Ok(time),
        other => Err(other.is_not("time")),
    }
}

/// In nanoseconds.
pub(crate) fn duration(value: Value<'_>) -> Result<i64> {
    match value {
        Value::Duration(nanos) => Ok(nanos),
        other => Err(other.is_not("duration")),
    }
}

/// Text that is no number is `None`.
pub(crate) fn int_like(value: Value<'_>) -> Result<Option<i64>> {
    match value {
        Value::Nil => Ok(None),
        Value::Int(value) => Ok(Some(value)),
        Value::Float(value) => Ok(Some(truncated(value))),
        Value::Bool(value) => Ok(Some(value.into())),
        Value::Text(text) => Ok(text.parse().ok()),
        other => Err(other.is_not("something that can be an int64")),
    }
}

/// As Go converts on amd64: what has no int64 is the smallest one.
pub(crate) fn truncated(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

pub(crate) fn float_like(value: Value<'_>) -> Result<Option<f64>> {
    match value {
        Value::Nil => Ok(None),
        Value::Float(value) => Ok(Some(value)),
        Value::Int(value) => Ok(Some(value as f64)),
        Value::Bool(value) => Ok(Some(if value { 1.0 } else { 0.0 })),
        Value::Text(text) => parse_float(&text).map(Some),
        other => Err(other.is_not("something that can be a float64")),
    }
}

pub(crate) fn parse_float(text: &str) -> Result<f64> {
    let names_infinity = text.to_ascii_lowercase().contains("inf");
    let unsigned = text.strip_prefix(['+', '-']);
    let signed_nan = unsigned.is_some_and(|text| text.eq_ignore_ascii_case("nan"));
    match text.parse::<f64>() {
        Ok(value) if !signed_nan && (value.is_finite() || value.is_nan() || names_infinity) => {
            Ok(value)
        }
        _ => Err(EvalError::new(format!("{text:?} is no float64"))),
    }
}

pub(crate) fn bool_like(value: Value<'_>) -> Result<Option<bool>> {
    match value {
        Value::Nil => Ok(None),
        Value::Bool(value) => Ok(Some(value)),
        Value::Int(value) => Ok(Some(value != 0)),
        Value::Float(value) => Ok(Some(value != 0.0)),
        Value::Text(text) => match &*text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Some(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Some(false)),
            other => Err(EvalError::new(format!("{other:?} is no bool"))),
        },
        other => Err(other.is_not("something that can be a bool")),
    }
}

/// Numbers in big-endian order.
pub(crate) fn bytes_like(value: Value<'_>) -> Result<Option<Cow<'_, [u8]>>> {
    Ok(Some(match value {
        Value::Nil => return Ok(None),
        Value::Bytes(bytes) => bytes,
        Value::Text(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Value::Text(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        Value::Int(value) => Cow::Owned(value.to_be_bytes().to_vec()),
        Value::Float(value) => Cow::Owned(value.to_be_bytes().to_vec()),
        Value::Bool(value) => Cow::Owned(vec![value.into()]),
        other => return Err(other.is_not("something that can be bytes")),
    }))
}
