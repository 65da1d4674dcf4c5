//! Places in telemetry: a field of a message, and the keys into it.

use super::key::{self, Key};
use crate::paths::{self, Attributes, Field};
use crate::telemetry::Subject;
use crate::telemetry::changes::Known;
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
            ([Key::Text(key)], Some(Attributes::Changed(changes, index, Some(within))))
                if matches!(changes.attribute(key), Known::AsItCame) =>
            {
                index.plain_value(within, key)
            }
            _ => None,
        }
    }

    /// The attributes of a message, if that is what the place is.
    pub(crate) fn whole_attributes<'s, 'a>(
        &self,
        at: &'s Subject<'a>,
    ) -> Option<Attributes<'s, 'a>> {
        let whole = self.keys.is_empty() && self.field.is_attributes();
        whole.then(|| paths::attributes(self.field, at)).flatten()
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
            let found = match first {
                Key::Text(key) => attributes.get(key)?,
                key => attributes.get(&key.text(at)?)?,
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
