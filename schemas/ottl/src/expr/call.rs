//! Calls of converters.

use super::Expr;
use crate::telemetry::Subject;
use crate::value::{Result, Value};

/// A converter with its arguments.
pub(crate) enum Call {
    /// One value in, one out, which may borrow from it.
    One(Box<Expr>, for<'a> fn(Value<'a>) -> Result<Value<'a>>),
    Any(Box<Evaluate>),
}

type Evaluate = dyn Fn(&Subject<'_>) -> Result<Value<'static>> + Send + Sync;

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Call")
    }
}

impl Call {
    pub(crate) fn one(argument: Expr, apply: for<'a> fn(Value<'a>) -> Result<Value<'a>>) -> Self {
        Self::One(Box::new(argument), apply)
    }

    pub(crate) fn any(
        evaluate: impl Fn(&Subject<'_>) -> Result<Value<'static>> + Send + Sync + 'static,
    ) -> Self {
        Self::Any(Box::new(evaluate))
    }

    pub(crate) fn eval<'a>(&'a self, at: &Subject<'a>) -> Result<Value<'a>> {
        match self {
            Self::One(argument, apply) => apply(argument.eval(at)?),
            Self::Any(evaluate) => evaluate(at),
        }
    }
}
