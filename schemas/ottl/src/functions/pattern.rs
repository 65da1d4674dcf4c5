//! Patterns of functions: compiled once where they are literals, and each time where they aren't.

use std::sync::Arc;

use regex::Regex;

use crate::go_pattern::translated;

use crate::expr::Expr;
use crate::telemetry::Subject;
use crate::value::convert::text;
use crate::value::{EvalError, Result};

/// A regular expression that is compiled once where it is a literal, and each time where it isn't.
#[derive(Debug)]
pub(crate) enum Pattern {
    Fixed(Arc<Regex>),
    Dynamic(Expr),
}

impl Pattern {
    pub(crate) fn new(function: &str, pattern: Expr) -> Result<Self, String> {
        let Some(literal) = pattern.literal() else {
            return Ok(Self::Dynamic(pattern));
        };
        let literal = text(literal.clone()).map_err(|error| error.to_string())?;
        match Regex::new(&translated(&literal)) {
            Ok(regex) => Ok(Self::Fixed(Arc::new(regex))),
            Err(error) => Err(format!(
                "the pattern of {function} doesn't compile: {error}"
            )),
        }
    }

    pub(crate) fn get(&self, at: &Subject<'_>) -> Result<Arc<Regex>> {
        match self {
            Self::Fixed(regex) => Ok(regex.clone()),
            Self::Dynamic(pattern) => match Regex::new(&translated(&pattern.text(at)?)) {
                Ok(regex) => Ok(Arc::new(regex)),
                Err(error) => Err(EvalError::new(format!(
                    "a pattern doesn't compile: {error}"
                ))),
            },
        }
    }
}
