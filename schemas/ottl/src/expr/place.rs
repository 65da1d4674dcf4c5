//! Places in telemetry: a field of a message, and the keys into it.

use super::key::{self, Key};
use crate::paths::{self, Attributes, Field};
use crate::telemetry::Subject;
use crate::value::{Result, Value};

/// A path with its keys.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) field: Field,
    pub(crate) keys: Vec<Key>,
}

impl Place {
    /// The `AnyValue` of an attribute by its name, where it stands as encoders write it; for comparing it where it lies.
    #[inline]
    pub(crate) fn plain_attribute<'a>(&self, at: &Subject<'a>) -> Option<&'a [u8]> {
        match (&self.keys[..], paths::attributes(self.field, at)) {
            ([Key::Text(key)], Some(Attributes::Of(index, within))) => {
                index.plain_value(within, key)
            }
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn read<'a>(&'a self, at: &Subject<'a>) -> Result<Value<'a>> {
        let Some((first, rest)) = self.keys.split_first() else {
            return paths::read(self.field, at);
        };
        if let Some(attributes) = paths::attributes(self.field, at) {
            // By far the most common path: an attribute by its name.
            if let (Key::Text(key), [], Attributes::Of(index, within)) = (first, rest, &attributes)
            {
                return Ok(index.find(*within, key)?.unwrap_or(Value::Nil));
            }
            let found = match (first, attributes) {
                (Key::Text(key), Attributes::Of(index, within)) => index.find(within, key)?,
                (key, Attributes::Of(index, within)) => index.find(within, &key.text(at)?)?,
                (key, Attributes::Cache(Some(cache))) => cache.get(&key.text(at)?)?,
                (key, Attributes::Empty | Attributes::Cache(None)) => {
                    key.text(at)?;
                    None
                }
            };
            return match found {
                Some(value) => key::index_path(value, rest, at),
                None => Ok(Value::Nil),
            };
        }
        match first {
            Key::Text(key) if self.field == paths::TRACE_STATE => paths::trace_state(at, key),
            _ => key::index_path(paths::read(self.field, at)?, &self.keys, at),
        }
    }
}
