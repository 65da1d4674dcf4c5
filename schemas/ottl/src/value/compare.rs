//! Comparing values: the table of `LANGUAGE.md`, section "Comparison Rules".
//!
//! Values of types that don't compare are "not equal": `!=` holds, every other operator doesn't. Numbers of different types
//! compare as floating point numbers. Inside of maps and lists there is no such leniency: 1 and 1.0 differ there. Bytes of
//! length zero are nil.

use std::cmp::Ordering;

use crate::syntax::ast::Comparison;
use crate::value::{DEPTH_MAX, Result, Value, deeper};

#[inline]
pub(crate) fn compare(left: &Value<'_>, operator: Comparison, right: &Value<'_>) -> Result<bool> {
    // Most comparisons are of texts, and ask for equality only, which needs no order.
    if let (Value::Text(a), Value::Text(b)) = (left, right) {
        return Ok(match operator {
            Comparison::Equal => a == b,
            Comparison::NotEqual => a != b,
            _ => holds(a.as_bytes().cmp(b.as_bytes()), operator),
        });
    }
    let order = match (some(left), some(right)) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Float(b)) => return Ok(floats(*a as f64, operator, *b)),
        (Value::Float(a), Value::Int(b)) => return Ok(floats(*a, operator, *b as f64)),
        (Value::Float(a), Value::Float(b)) => return Ok(floats(*a, operator, *b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Nil, Value::Nil) => Some(Ordering::Equal),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.instant().cmp(&b.instant())),
        (left, right) => return equality_only(left, operator, right),
    };
    Ok(order.is_some_and(|order| holds(order, operator)))
}

#[inline]
fn some<'v, 'a>(value: &'v Value<'a>) -> &'v Value<'a> {
    match value {
        Value::Bytes(bytes) if bytes.is_empty() => &Value::Nil,
        value => value,
    }
}

fn equality_only(left: &Value<'_>, operator: Comparison, right: &Value<'_>) -> Result<bool> {
    match operator {
        Comparison::Equal => same(left, right, DEPTH_MAX),
        Comparison::NotEqual => Ok(!same(left, right, DEPTH_MAX)?),
        _ => Ok(false),
    }
}

fn holds(order: Ordering, operator: Comparison) -> bool {
    match operator {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// NaN differs from everything and is neither less nor greater.
fn floats(a: f64, operator: Comparison, b: f64) -> bool {
    match a.partial_cmp(&b) {
        Some(order) => holds(order, operator),
        None => operator == Comparison::NotEqual,
    }
}

/// Whether two values are of the same type and equal, maps regardless of order.
pub(crate) fn same(left: &Value<'_>, right: &Value<'_>, depth: usize) -> Result<bool> {
    match (left, right) {
        (Value::Map(a), Value::Map(b)) => {
            let depth = deeper(depth)?;
            if a.len()? != b.len()? {
                return Ok(false);
            }
            for (key, value) in a.clone().into_pairs()? {
                match b.get(&key)? {
                    Some(other) if same(&value, &other, depth)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Value::List(a), Value::List(b)) => {
            let depth = deeper(depth)?;
            let (a, b) = (a.clone().into_values()?, b.clone().into_values()?);
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(&b) {
                if !same(a, b, depth)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Time(a), Value::Time(b)) => Ok(a.instant() == b.instant()),
        _ => Ok(left == right),
    }
}
