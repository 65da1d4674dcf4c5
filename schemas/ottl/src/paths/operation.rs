//! A span as it is now, as `schemas::operation` asks about it.

use std::borrow::Cow;

use schemas::operation::Facts;

use super::field::{Field, SpanField};
use super::{attributes, attributes_of, read};
use crate::telemetry::{Part, Subject};
use crate::value::text::as_string;
use crate::value::{DEPTH_MAX, EvalError, Result, Value, convert};

/// What a span does is told from this; see [`schemas::operation`].
#[derive(Clone, Copy, Debug)]
pub struct SpanFacts<'s, 'a>(&'s Subject<'a>);

impl<'s, 'a> SpanFacts<'s, 'a> {
    /// Of the span that was set last.
    pub fn new(subject: &'s Subject<'a>) -> Self {
        Self(subject)
    }

    fn attribute(&self, key: &str) -> Result<Option<Value<'a>>> {
        match attributes(attributes_of(Part::Span), self.0) {
            Some(attributes) => attributes.get(key),
            None => Ok(None),
        }
    }
}

impl Facts for SpanFacts<'_, '_> {
    type Error = EvalError;

    fn kind(&self) -> Result<i64> {
        match read(Field::Span(SpanField::Kind), self.0)? {
            Value::Int(kind) => Ok(kind),
            _ => Ok(0),
        }
    }

    fn name(&self) -> Result<Cow<'_, str>> {
        match read(Field::Span(SpanField::Name), self.0)? {
            Value::Nil => Ok(Cow::Borrowed("")),
            name => convert::text(name),
        }
    }

    fn text(&self, key: &'static str) -> Result<Option<Cow<'_, str>>> {
        Ok(match self.attribute(key)? {
            None => None,
            Some(Value::Text(text)) => Some(text),
            Some(other) => Some(as_string(&other, DEPTH_MAX)?.into()),
        })
    }

    fn is_true(&self, key: &'static str) -> Result<bool> {
        Ok(self.attribute(key)? == Some(Value::Bool(true)))
    }
}
