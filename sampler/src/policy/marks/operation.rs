//! What a span does, by `schemas::operation`: for samplers that tell operations apart by more than names as they came.

use std::borrow::Cow;
use std::convert::Infallible;

use schemas::operation::{Facts, normalized};
use schemas::otlp::{AnyValue, KeyValue, SpanView};

/// The operation of a span, without ids.
pub(super) fn operation(span: &SpanView<'_>) -> String {
    let speaks = |attribute: &KeyValue<'_>| {
        let mut beginnings = BEGINNINGS.iter();
        beginnings.any(|beginning| attribute.key.starts_with(beginning))
    };
    let attributes = span.attributes().map_while(Result::ok).filter(speaks);
    let facts = SpanFacts {
        span,
        attributes: attributes.collect(),
    };
    let Ok(operation) = normalized(&facts, true);
    operation.name
}

/// Of all attributes that are asked for.
const BEGINNINGS: [&[u8]; 6] = [
    b"http.",
    b"url.",
    b"rpc.",
    b"db.",
    b"messaging.",
    b"server.",
];

struct SpanFacts<'s, 'a> {
    span: &'s SpanView<'a>,
    attributes: Vec<KeyValue<'a>>,
}

impl<'a> SpanFacts<'_, 'a> {
    fn value(&self, key: &str) -> Option<AnyValue<'a>> {
        let mut known = self.attributes.iter();
        let found = known.find(|known| known.key == key.as_bytes());
        found.map(|found| found.value)
    }
}

impl Facts for SpanFacts<'_, '_> {
    type Error = Infallible;

    fn kind(&self) -> Result<i64, Infallible> {
        Ok(self.span.kind.into())
    }

    fn name(&self) -> Result<Cow<'_, str>, Infallible> {
        Ok(String::from_utf8_lossy(self.span.name))
    }

    /// Lists and maps name nothing.
    fn text(&self, key: &'static str) -> Result<Option<Cow<'_, str>>, Infallible> {
        Ok(match self.value(key) {
            Some(AnyValue::String(text)) => Some(String::from_utf8_lossy(text)),
            Some(AnyValue::Int(number)) => Some(number.to_string().into()),
            Some(AnyValue::Bool(value)) => Some(value.to_string().into()),
            Some(AnyValue::Double(number)) => Some(number.to_string().into()),
            Some(_) => Some("".into()),
            None => None,
        })
    }

    fn is_true(&self, key: &'static str) -> Result<bool, Infallible> {
        Ok(self.value(key) == Some(AnyValue::Bool(true)))
    }
}
