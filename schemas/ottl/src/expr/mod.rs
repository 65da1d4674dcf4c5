//! What a text compiles to, and its evaluation.
//!
//! An expression holds places, a place holds keys, and a key may be an expression; a call holds expressions, too.

mod call;
mod key;
mod place;
mod set;

pub(crate) use call::Call;
pub(crate) use key::Key;
pub(crate) use place::Place;

use std::borrow::Cow;

use crate::syntax::ast::{Arithmetic, Comparison};
use crate::telemetry::Subject;
use crate::value::compare::compare;
use crate::value::{EvalError, List, Map, Result, Time, Value, convert, math};

/// Arguments as values: [`convert`] on what an expression evaluates to.
macro_rules! evaluate {
    ($name:ident, $type:ty) => {
        pub(crate) fn $name<'a>(&'a self, at: &Subject<'a>) -> Result<$type> {
            convert::$name(self.eval(at)?)
        }
    };
}

/// An expression that gives a value.
#[derive(Debug)]
pub(crate) enum Expr {
    Literal(Value<'static>),
    Place(Place),
    Call(Call, Vec<Key>),
    Negate(Box<Expr>),
    Arithmetic(Arithmetic, Box<(Expr, Expr)>),
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
}

/// An expression that gives a truth value.
#[derive(Debug)]
pub(crate) enum Test {
    Constant(bool),
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
    Compare(Comparison, Box<(Expr, Expr)>),
    /// A converter that must give a truth value.
    Call(Expr),
    /// What the root span answered to the part of that number.
    Root(usize),
}

impl Expr {
    pub(crate) fn eval<'a>(&'a self, at: &Subject<'a>) -> Result<Value<'a>> {
        match self {
            Self::Literal(value) => Ok(borrowed(value)),
            Self::Place(place) => place.read(at),
            Self::Call(call, keys) if keys.is_empty() => call.eval(at),
            Self::Call(call, keys) => key::index_result(call.eval(at)?, keys, at),
            Self::Negate(value) => math::negate(&value.eval(at)?),
            Self::Arithmetic(operator, sides) => {
                math::calculate(&sides.0.eval(at)?, *operator, &sides.1.eval(at)?)
            }
            Self::List(values) => {
                let values: Result<_> = values.iter().map(|value| value.eval(at)).collect();
                Ok(Value::List(List::Owned(values?)))
            }
            Self::Map(pairs) => {
                let pair = |(key, value): &'a (String, Expr)| {
                    let value = value.eval(at)?;
                    value.check_storable()?;
                    Ok((Cow::Borrowed(key.as_str()), value))
                };
                let pairs: Result<_> = pairs.iter().map(pair).collect();
                Ok(Value::Map(Map::Owned(pairs?)))
            }
        }
    }

    evaluate!(text, Cow<'a, str>);
    evaluate!(text_like, Option<Cow<'a, str>>);
    evaluate!(int, i64);
    evaluate!(float_like, Option<f64>);
    evaluate!(bytes_like, Option<Cow<'a, [u8]>>);
    evaluate!(map, Map<'a>);
    evaluate!(list, List<'a>);
    evaluate!(time, Time);
    evaluate!(duration, i64);

    pub(crate) fn literal(&self) -> Option<&Value<'static>> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }
}

/// A literal without its text copied.
fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        other => other.clone(),
    }
}

impl Test {
    pub(crate) fn holds(&self, at: &Subject<'_>) -> Result<bool> {
        match self {
            Self::Constant(value) => Ok(*value),
            Self::Not(test) => Ok(!test.holds(at)?),
            Self::All(tests) => {
                for test in tests {
                    if !test.holds(at)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(tests) => {
                for test in tests {
                    if test.holds(at)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Compare(operator, sides) => {
                if let Some(held) = compare_in_place(sides, *operator, at) {
                    return Ok(held);
                }
                compare_values(sides, *operator, at)
            }
            Self::Call(call) => match call.eval(at)? {
                Value::Bool(value) => Ok(value),
                other => Err(other.is_not("bool")),
            },
            Self::Root(test) => match at.trace() {
                Some((_, root)) => root.get(*test),
                None => Err(EvalError::new("no trace was set")),
            },
        }
    }

    /// All of the tests, with constants folded in as the reference does: one that is false decides without the others being
    /// evaluated.
    pub(crate) fn all(tests: Vec<Test>) -> Self {
        fold(tests, true)
    }

    /// Any of the tests; one that is constantly true decides.
    pub(crate) fn any(tests: Vec<Test>) -> Self {
        fold(tests, false)
    }

    pub(crate) fn compares_with_itself(&self) -> bool {
        match self {
            Self::Not(test) => test.compares_with_itself(),
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::compares_with_itself),
            // What is written alike is read alike: no function asks a clock or draws a number.
            Self::Compare(_, sides) => {
                let (left, right) = &**sides;
                left.literal().is_none() && format!("{left:?}") == format!("{right:?}")
            }
            Self::Constant(_) | Self::Call(_) | Self::Root(_) => false,
        }
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            test => Self::Not(Box::new(test)),
        }
    }
}

/// An attribute against a literal text, as nearly all comparisons are, on the bytes themselves: no value is made.
/// `None` where either is of another shape. A text that isn't UTF-8 equals no literal.
#[inline]
fn compare_in_place(sides: &(Expr, Expr), operator: Comparison, at: &Subject<'_>) -> Option<bool> {
    let (Expr::Place(place), Expr::Literal(literal)) = sides else {
        return None;
    };
    let wants_equal = match operator {
        Comparison::Equal => true,
        Comparison::NotEqual => false,
        _ => return None,
    };
    match literal {
        Value::Text(literal) => match place.plain_attribute(at)? {
            [0x0a, length @ ..0x80, text @ ..] if text.len() == usize::from(*length) => {
                Some((text == literal.as_bytes()) == wants_equal)
            }
            _ => None,
        },
        _ => None,
    }
}

fn compare_values(sides: &(Expr, Expr), operator: Comparison, at: &Subject<'_>) -> Result<bool> {
    // Nothing is copied or dropped where one side is a literal, which is nearly always.
    match sides {
        (left, Expr::Literal(right)) => match &left.eval(at) {
            Ok(left) => compare(left, operator, right),
            Err(error) => Err(error.clone()),
        },
        (Expr::Literal(left), right) => compare(left, operator, &right.eval(at)?),
        (left, right) => compare(&left.eval(at)?, operator, &right.eval(at)?),
    }
}

/// Joins tests; a constant equal to `neutral` changes nothing, any other decides.
fn fold(tests: Vec<Test>, neutral: bool) -> Test {
    let decided = |test: &Test| matches!(test, Test::Constant(value) if *value != neutral);
    if tests.iter().any(decided) {
        return Test::Constant(!neutral);
    }
    let mut left: Vec<_> = tests
        .into_iter()
        .filter(|test| !matches!(test, Test::Constant(_)))
        .collect();
    match left.len() {
        0 => Test::Constant(neutral),
        1 => left.remove(0),
        _ if neutral => Test::All(left),
        _ => Test::Any(left),
    }
}
