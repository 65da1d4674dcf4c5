//! Arithmetic: integers, floating point numbers, times and durations.
//!
//! Integers wrap round, as in the reference; division by zero is an error, of floating point numbers too.

use crate::syntax::ast::Arithmetic;
use crate::value::{EvalError, Result, Value};

pub(crate) fn calculate<'a>(
    left: &Value<'_>,
    operator: Arithmetic,
    right: &Value<'_>,
) -> Result<Value<'a>> {
    use Arithmetic::{Add, Subtract};
    match (left, operator, right) {
        (Value::Int(a), _, Value::Int(b)) => integers(*a, operator, *b).map(Value::Int),
        (Value::Int(a), _, Value::Float(b)) => floats(*a as f64, operator, *b).map(Value::Float),
        (Value::Float(a), _, Value::Int(b)) => floats(*a, operator, *b as f64).map(Value::Float),
        (Value::Float(a), _, Value::Float(b)) => floats(*a, operator, *b).map(Value::Float),
        (Value::Time(a), Subtract, Value::Time(b)) => Ok(Value::Duration(a.since(b))),
        (Value::Time(a), Add, Value::Duration(b)) => Ok(Value::Time(a.plus(i128::from(*b)))),
        (Value::Duration(a), Add, Value::Time(b)) => Ok(Value::Time(b.plus(i128::from(*a)))),
        // The reference negates the duration first, which wraps round for the smallest one.
        (Value::Time(a), Subtract, Value::Duration(b)) => {
            Ok(Value::Time(a.plus(i128::from(b.wrapping_neg()))))
        }
        (Value::Duration(a), Add, Value::Duration(b)) => Ok(Value::Duration(a.wrapping_add(*b))),
        (Value::Duration(a), Subtract, Value::Duration(b)) => {
            Ok(Value::Duration(a.wrapping_sub(*b)))
        }
        _ => Err(EvalError::new(format!(
            "no arithmetic on {} and {} with this operator",
            left.type_name(),
            right.type_name()
        ))),
    }
}

pub(crate) fn negate<'a>(value: &Value<'_>) -> Result<Value<'a>> {
    match value {
        Value::Int(value) => Ok(Value::Int(value.wrapping_neg())),
        Value::Float(value) => Ok(Value::Float(-value)),
        other => Err(other.is_not("a number to negate")),
    }
}

fn integers(a: i64, operator: Arithmetic, b: i64) -> Result<i64> {
    Ok(match operator {
        Arithmetic::Add => a.wrapping_add(b),
        Arithmetic::Subtract => a.wrapping_sub(b),
        Arithmetic::Multiply => a.wrapping_mul(b),
        Arithmetic::Divide if b == 0 => return Err(division()),
        Arithmetic::Divide => a.wrapping_div(b),
    })
}

fn floats(a: f64, operator: Arithmetic, b: f64) -> Result<f64> {
    Ok(match operator {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide if b == 0.0 => return Err(division()),
        Arithmetic::Divide => a / b,
    })
}

fn division() -> EvalError {
    EvalError::new("division by zero")
}
