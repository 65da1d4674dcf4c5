//! What expressions evaluate to. Text, bytes, maps and lists that stand in OTLP bytes are borrowed from there.

pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod math;
pub(crate) mod text;

mod collection;
mod time;

pub use collection::{List, Map};
pub(crate) use time::Civil;
pub use time::Time;

use std::borrow::Cow;

use schemas::otlp::AnyValue;
use schemas::wire::WireError;

/// How deep maps and lists may be nested: what protobuf readers allow. Deeper ones are an error, not a deep recursion.
pub(crate) const DEPTH_MAX: usize = 100;

/// Why an evaluation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("malformed telemetry: {0}")]
    Wire(#[from] WireError),
    #[error("expected {wanted}, found {found}")]
    Type {
        wanted: &'static str,
        found: &'static str,
    },
    #[error("{0}")]
    Failed(Cow<'static, str>),
}

impl EvalError {
    #[cold]
    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Failed(message.into())
    }
}

pub(crate) type Result<T, E = EvalError> = std::result::Result<T, E>;

/// A value. Clones of borrowed values cost nothing; owned ones come from converters.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// Ids are neither text nor bytes: they equal what `TraceID(…)`, `SpanID(…)` and `ProfileID(…)` make.
    TraceId([u8; 16]),
    SpanId([u8; 8]),
    ProfileId([u8; 16]),
    Time(Time),
    /// In nanoseconds.
    Duration(i64),
    Map(Map<'a>),
    List(List<'a>),
    /// The events or links of a span, a status: something that has a length at most.
    Opaque(Opaque),
}

/// What can be named but not looked into: equal to itself alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opaque {
    /// With the number of elements.
    Events(usize),
    Links(usize),
    DataPoints(usize),
    Exemplars(usize),
    Quantiles(usize),
    /// One half of an exponential histogram.
    Positive,
    Negative,
    Status,
}

impl Opaque {
    /// The number of elements of what is a list.
    pub(crate) fn length(self) -> Option<usize> {
        match self {
            Self::Events(length)
            | Self::Links(length)
            | Self::DataPoints(length)
            | Self::Exemplars(length)
            | Self::Quantiles(length) => Some(length),
            Self::Positive | Self::Negative | Self::Status => None,
        }
    }
}

impl<'a> Value<'a> {
    pub(crate) fn read(value: AnyValue<'a>) -> Result<Self> {
        Ok(match value {
            AnyValue::Empty => Self::Nil,
            AnyValue::String(text) => Self::text(text)?,
            AnyValue::Bool(value) => Self::Bool(value),
            AnyValue::Int(value) => Self::Int(value),
            AnyValue::Double(value) => Self::Float(value),
            AnyValue::Array(message) => Self::List(List::Encoded(message)),
            AnyValue::Kvlist(message) => Self::Map(Map::encoded(message, 1)),
            AnyValue::Bytes(bytes) => Self::Bytes(Cow::Borrowed(bytes)),
        })
    }

    /// Text in place.
    ///
    /// # Errors
    /// When it isn't UTF-8, which a strict reader of protobuf would have refused.
    #[inline]
    pub(crate) fn text(bytes: &'a [u8]) -> Result<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::Text(Cow::Borrowed(text))),
            Err(_) => Err(EvalError::new("text that is not UTF-8")),
        }
    }

    pub(crate) fn owned(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// A list of owned values.
    pub(crate) fn list(values: Vec<Value<'static>>) -> Value<'static> {
        Value::List(List::Owned(values))
    }

    /// A map of owned pairs; of several values of a key the last one counts.
    pub(crate) fn map(pairs: impl IntoIterator<Item = (String, Value<'static>)>) -> Value<'static> {
        let mut unique: Vec<(Cow<'static, str>, Value<'static>)> = Vec::new();
        for (key, value) in pairs {
            match unique.iter_mut().find(|(known, _)| *known == key) {
                Some(pair) => pair.1 = value,
                None => unique.push((key.into(), value)),
            }
        }
        Value::Map(Map::Owned(unique))
    }

    /// The type's name as error messages have it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::TraceId(_) => "trace id",
            Self::SpanId(_) => "span id",
            Self::ProfileId(_) => "profile id",
            Self::Time(_) => "time",
            Self::Duration(_) => "duration",
            Self::Map(_) => "map",
            Self::List(_) => "list",
            Self::Opaque(Opaque::Events(_)) => "events",
            Self::Opaque(Opaque::Links(_)) => "links",
            Self::Opaque(Opaque::DataPoints(_)) => "data points",
            Self::Opaque(Opaque::Exemplars(_)) => "exemplars",
            Self::Opaque(Opaque::Quantiles(_)) => "quantiles",
            Self::Opaque(Opaque::Positive | Opaque::Negative) => "buckets",
            Self::Opaque(Opaque::Status) => "status",
        }
    }

    /// Maps and lists hold what attributes can hold. What is encoded came from there; what isn't is as deep as the text
    /// that made it.
    pub(crate) fn check_storable(&self) -> Result<()> {
        match self {
            Self::Time(_)
            | Self::Duration(_)
            | Self::TraceId(_)
            | Self::SpanId(_)
            | Self::ProfileId(_)
            | Self::Opaque(_) => Err(self.is_not("something that an attribute can hold")),
            Self::List(List::Owned(values)) => values.iter().try_for_each(Self::check_storable),
            Self::Map(Map::Owned(pairs)) => {
                (pairs.iter()).try_for_each(|(_, value)| value.check_storable())
            }
            _ => Ok(()),
        }
    }

    #[cold]
    pub(crate) fn is_not(&self, wanted: &'static str) -> EvalError {
        EvalError::Type {
            wanted,
            found: self.type_name(),
        }
    }

    /// A copy that borrows nothing and has no undecoded part.
    ///
    /// # Errors
    /// When a part is malformed or nested too deep.
    pub fn into_owned(self) -> Result<Value<'static>> {
        self.owned_within(DEPTH_MAX)
    }

    pub(crate) fn owned_within(self, depth: usize) -> Result<Value<'static>> {
        Ok(match self {
            Self::Nil => Value::Nil,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::TraceId(id) => Value::TraceId(id),
            Self::SpanId(id) => Value::SpanId(id),
            Self::ProfileId(id) => Value::ProfileId(id),
            Self::Time(time) => Value::Time(time),
            Self::Duration(nanos) => Value::Duration(nanos),
            Self::Opaque(opaque) => Value::Opaque(opaque),
            Self::Map(map) => {
                let depth = deeper(depth)?;
                let pair = |(key, value): (Cow<'_, str>, Value<'_>)| {
                    Ok((Cow::Owned(key.into_owned()), value.owned_within(depth)?))
                };
                let pairs: Result<_> = map.into_pairs()?.into_iter().map(pair).collect();
                Value::Map(Map::Owned(pairs?))
            }
            Self::List(list) => {
                let depth = deeper(depth)?;
                let value = |value: Value<'_>| value.owned_within(depth);
                let values: Result<_> = list.into_values()?.into_iter().map(value).collect();
                Value::List(List::Owned(values?))
            }
        })
    }
}

/// What is left of a depth one level down.
pub(crate) fn deeper(depth: usize) -> Result<usize> {
    depth
        .checked_sub(1)
        .ok_or(EvalError::Wire(WireError::Depth { limit: DEPTH_MAX }))
}
