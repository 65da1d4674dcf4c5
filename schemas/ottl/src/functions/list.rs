//! Lists and maps: sorting, searching, turning one into the other.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::signature::{Args, Converter, Kind, optional, required};
use crate::expr::Call;
use crate::syntax::ast::Comparison;
use crate::value::Map;
use crate::value::compare::compare;
use crate::value::convert;
use crate::value::text::as_string;
use crate::value::{DEPTH_MAX, EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "Coalesce",
        parameters: &[required("values", Kind::ListOf(&Kind::Any))],
        make: coalesce,
    },
    Converter {
        name: "Index",
        parameters: &[required("target", Kind::Any), required("value", Kind::Any)],
        make: index,
    },
    Converter {
        name: "Keys",
        parameters: &[required("target", Kind::Map)],
        make: |args| parts(args, |key, _| Value::owned(key)),
    },
    Converter {
        name: "Values",
        parameters: &[required("target", Kind::Map)],
        make: |args| parts(args, |_, value| value),
    },
    Converter {
        name: "SliceToMap",
        parameters: &[
            required("target", Kind::List),
            optional("key_path", Kind::ListOf(&Kind::LiteralText)),
            optional("value_path", Kind::ListOf(&Kind::LiteralText)),
        ],
        make: slice_to_map,
    },
    Converter {
        name: "Sort",
        parameters: &[
            required("target", Kind::Any),
            optional("order", Kind::LiteralText),
        ],
        make: sort,
    },
];

/// The first value that isn't nil.
fn coalesce(mut args: Args) -> Result<Call, String> {
    let values = args.exprs(0)?;
    Ok(Call::any(move |at| {
        for value in &values {
            match value.eval(at)? {
                Value::Nil => {}
                found => return found.into_owned(),
            }
        }
        Ok(Value::Nil)
    }))
}

/// Where a text or a list has a part; −1 where it hasn't.
fn index(mut args: Args) -> Result<Call, String> {
    let (target, value) = (args.expr(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let (target, value) = (target.eval(at)?, value.eval(at)?);
        let found = match (target, &value) {
            (Value::Text(text), Value::Text(part)) => text.find(&**part),
            (Value::Text(_), other) => return Err(other.is_not("string")),
            (target @ Value::List(_), value) => {
                let list = convert::list(target)?;
                let mut found = None;
                for (index, element) in list.into_values()?.iter().enumerate() {
                    if compare(element, Comparison::Equal, value)? {
                        found = Some(index);
                        break;
                    }
                }
                found
            }
            (other, _) => return Err(other.is_not("string or list")),
        };
        Ok(Value::Int(found.map_or(-1, |index| index as i64)))
    }))
}

fn parts(
    mut args: Args,
    part: fn(String, Value<'static>) -> Value<'static>,
) -> Result<Call, String> {
    let target = args.expr(0)?;
    Ok(Call::any(move |at| {
        let pairs = target.map(at)?.into_pairs()?;
        let part = |(key, value): (Cow<'_, str>, Value<'_>)| {
            Ok(part(key.into_owned(), value.into_owned()?))
        };
        let parts: Result<_> = pairs.into_iter().map(part).collect();
        Ok(Value::list(parts?))
    }))
}

/// Elements by a text found in them, or by their number.
fn slice_to_map(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let (key_path, value_path) = (
        args.optional_literal_texts(1),
        args.optional_literal_texts(2),
    );
    Ok(Call::any(move |at| {
        let mut pairs: Vec<(Cow<'static, str>, Value<'static>)> = Vec::new();
        for (index, element) in target.list(at)?.into_values()?.into_iter().enumerate() {
            let key = match &key_path {
                None => index.to_string(),
                Some(path) => match extract(&element, path)? {
                    Value::Text(key) => key.into_owned(),
                    other => return Err(other.is_not("string as a key")),
                },
            };
            let value = match &value_path {
                None if key_path.is_some() && !matches!(element, Value::Map(_)) => {
                    return Err(element.is_not("map"));
                }
                None => element,
                Some(path) => extract(&element, path)?,
            };
            let value = value.into_owned()?;
            match pairs.iter_mut().find(|(known, _)| *known == key) {
                Some(pair) => pair.1 = value,
                None => pairs.push((key.into(), value)),
            }
        }
        Ok(Value::Map(Map::Owned(pairs)))
    }))
}

fn extract<'a>(element: &Value<'a>, path: &[String]) -> Result<Value<'a>> {
    let mut value = element.clone();
    if path.is_empty() {
        return Err(EvalError::new(
            "SliceToMap needs at least one name in a path",
        ));
    }
    for name in path {
        let Value::Map(map) = &value else {
            return Err(value.is_not("map"));
        };
        let missing = || EvalError::new(format!("an element has no {name:?}"));
        value = map.get(name)?.ok_or_else(missing)?;
    }
    Ok(value)
}

/// Numbers as numbers, and as text as soon as anything else is among them. A list with lists, maps or bytes stays as it is.
fn sort(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let descending = match args.optional_literal_text(1).as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => return Err(format!("no order {other:?}: known are asc and desc")),
    };
    Ok(Call::any(move |at| {
        let target = target.eval(at)?;
        target.check_storable()?;
        let Value::List(values) = target.into_owned()? else {
            return Err(EvalError::new("Sort needs a list"));
        };
        let mut values = values.into_values()?;
        let number = |value: &Value<'_>| matches!(value, Value::Int(_) | Value::Float(_));
        let plain = |value: &Value<'_>| {
            number(value) || matches!(value, Value::Text(_) | Value::Bool(_) | Value::Nil)
        };
        if !values.iter().all(plain) {
            return Ok(Value::list(values));
        }
        let directed = |order: Ordering| if descending { order.reverse() } else { order };
        if values.iter().all(|value| matches!(value, Value::Int(_))) {
            values.sort_by(|a, b| directed(whole(a).cmp(&whole(b))));
        } else if values.iter().all(number) {
            values.sort_by(|a, b| directed(floating(a).total_cmp(&floating(b))));
        } else {
            let mut named = Vec::with_capacity(values.len());
            for value in values {
                named.push((as_string(&value, DEPTH_MAX)?, value));
            }
            named.sort_by(|(a, _), (b, _)| directed(a.cmp(b)));
            values = named.into_iter().map(|(_, value)| value).collect();
        }
        Ok(Value::list(values))
    }))
}

fn whole(value: &Value<'_>) -> i64 {
    match value {
        Value::Int(value) => *value,
        _ => 0,
    }
}

fn floating(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        _ => 0.0,
    }
}
