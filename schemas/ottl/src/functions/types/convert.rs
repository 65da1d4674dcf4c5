//! From one type to another.

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, required};
use crate::value::Map;
use crate::value::convert;
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "String",
        parameters: &[required("target", Kind::TextLike)],
        make: |args| {
            one(args, |value| {
                Ok(convert::text_like(value)?.map_or(Value::Nil, Value::Text))
            })
        },
    },
    Converter {
        name: "Int",
        parameters: &[required("target", Kind::IntLike)],
        make: |args| {
            one(args, |value| {
                Ok(convert::int_like(value)?.map_or(Value::Nil, Value::Int))
            })
        },
    },
    Converter {
        name: "Double",
        parameters: &[required("target", Kind::FloatLike)],
        make: |args| {
            one(args, |value| {
                Ok(convert::float_like(value)?.map_or(Value::Nil, Value::Float))
            })
        },
    },
    Converter {
        name: "Bool",
        parameters: &[required("target", Kind::BoolLike)],
        make: |args| {
            one(args, |value| {
                Ok(convert::bool_like(value)?.map_or(Value::Nil, Value::Bool))
            })
        },
    },
    Converter {
        name: "Len",
        parameters: &[required("target", Kind::Any)],
        make: |args| one(args, len),
    },
];

fn one(mut args: Args, apply: for<'a> fn(Value<'a>) -> Result<Value<'a>>) -> Result<Call, String> {
    Ok(Call::one(args.expr(0)?, apply))
}

/// Of text in bytes.
fn len(value: Value<'_>) -> Result<Value<'_>> {
    let length = match &value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Map(map) => Map::len(map)?,
        Value::List(list) => list.len()?,
        other => {
            let length = match other {
                Value::Opaque(opaque) => opaque.length(),
                _ => None,
            };
            let name = other.type_name();
            length.ok_or_else(|| EvalError::new(format!("a {name} has no length")))?
        }
    };
    Ok(Value::Int(length as i64))
}
