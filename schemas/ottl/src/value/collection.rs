//! Maps and lists: in place as OTLP encodes them, or made by converters.
//!
//! Encoded ones are searched where they stand; only who wants all of a map or list gets them as vectors, one level deep.

use std::borrow::Cow;

use crate::value::{Result, Value};
use schemas::otlp::{AnyValue, ArrayValues, Attributes};

/// A map. Of several pairs with the same key the first counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Map<'a> {
    /// The `KeyValue`s in field `field` of `message`, or of the messages in its field `outer` unless that is 0.
    Encoded {
        message: &'a [u8],
        outer: u8,
        field: u8,
    },
    Owned(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Map<'a> {
    pub(crate) fn encoded(message: &'a [u8], field: u8) -> Self {
        Self::Encoded {
            message,
            outer: 0,
            field,
        }
    }

    fn attributes(message: &'a [u8], outer: u8, field: u8) -> Attributes<'a> {
        match outer {
            0 => Attributes::new(message, field.into()),
            outer => Attributes::within(message, outer.into(), field.into()),
        }
    }

    pub fn get(&self, key: &str) -> Result<Option<Value<'a>>> {
        match self {
            Self::Encoded {
                message,
                outer,
                field,
            } => {
                for pair in Self::attributes(message, *outer, *field) {
                    let pair = pair?;
                    if pair.key == key.as_bytes() {
                        return Value::read(pair.value).map(Some);
                    }
                }
                Ok(None)
            }
            Self::Owned(pairs) => {
                let pair = pairs.iter().find(|(name, _)| name == key);
                Ok(pair.map(|(_, value)| value.clone()))
            }
        }
    }

    pub fn len(&self) -> Result<usize> {
        match self {
            Self::Encoded {
                message,
                outer,
                field,
            } => {
                let mut length = 0;
                for pair in Self::attributes(message, *outer, *field) {
                    pair?;
                    length += 1;
                }
                Ok(length)
            }
            Self::Owned(pairs) => Ok(pairs.len()),
        }
    }

    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    pub fn into_pairs(self) -> Result<Vec<(Cow<'a, str>, Value<'a>)>> {
        let (message, outer, field) = match self {
            Self::Owned(pairs) => return Ok(pairs),
            Self::Encoded {
                message,
                outer,
                field,
            } => (message, outer, field),
        };
        let mut pairs = Vec::new();
        for pair in Self::attributes(message, outer, field) {
            let pair = pair?;
            let Value::Text(key) = Value::text(pair.key)? else {
                continue;
            };
            pairs.push((key, Value::read(pair.value)?));
        }
        Ok(pairs)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum List<'a> {
    /// An `ArrayValue` message.
    Encoded(&'a [u8]),
    Owned(Vec<Value<'a>>),
}

impl<'a> List<'a> {
    pub fn get(&self, index: usize) -> Result<Option<Value<'a>>> {
        match self {
            Self::Encoded(message) => {
                let mut values = ArrayValues::new(message);
                for _ in 0..index {
                    let Some(value) = values.next() else {
                        return Ok(None);
                    };
                    value?;
                }
                let value = values.next().transpose()?;
                value.map(Value::read).transpose()
            }
            Self::Owned(values) => Ok(values.get(index).cloned()),
        }
    }

    pub fn len(&self) -> Result<usize> {
        match self {
            Self::Encoded(message) => {
                let mut length = 0;
                for value in ArrayValues::new(message) {
                    value?;
                    length += 1;
                }
                Ok(length)
            }
            Self::Owned(values) => Ok(values.len()),
        }
    }

    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    pub fn into_values(self) -> Result<Vec<Value<'a>>> {
        match self {
            Self::Owned(values) => Ok(values),
            Self::Encoded(message) => ArrayValues::new(message)
                .map(|value: std::result::Result<AnyValue<'a>, _>| Value::read(value?))
                .collect(),
        }
    }
}
