//! Attributes under construction: a key stands once, and its last value counts, as in the Collector's maps.

use std::borrow::Cow;

use hashbrown::HashMap;
use schemas::wire::{put_fixed64, put_len, put_varint_field};

/// The values that foreign formats have.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Value<'a> {
    /// The text of a text, and nothing of any other value.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            _ => Cow::Borrowed(""),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => put_len(out, 1, text.as_bytes()),
            Self::Bool(value) => put_varint_field(out, 2, u64::from(*value)),
            Self::Int(value) => put_varint_field(out, 3, *value as u64),
            Self::Double(value) => put_fixed64(out, 4, value.to_bits()),
            Self::Bytes(bytes) => put_len(out, 7, bytes),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

/// In the order in which the keys first came.
#[derive(Debug, Default)]
pub struct Attributes<'a> {
    entries: Vec<Option<(Cow<'a, str>, Value<'a>)>>,
    places: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Attributes<'a> {
    pub fn put(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) {
        let (key, value) = (key.into(), value.into());
        match self.places.get(&key) {
            Some(&place) => self.entries[place] = Some((key, value)),
            None => {
                self.places.insert(key.clone(), self.entries.len());
                self.entries.push(Some((key, value)));
            }
        }
    }

    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let place = *self.places.get(key)?;
        self.entries[place].as_ref().map(|(_, value)| value)
    }

    pub fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let place = self.places.remove(key)?;
        self.entries[place].take().map(|(_, value)| value)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Appends each as a `KeyValue` in this field.
    pub fn write(&self, field: u32, out: &mut Vec<u8>) {
        let (mut any, mut pair) = (Vec::new(), Vec::new());
        for (key, value) in self.entries.iter().flatten() {
            any.clear();
            pair.clear();
            value.put(&mut any);
            put_len(&mut pair, 1, key.as_bytes());
            put_len(&mut pair, 2, &any);
            put_len(out, field, &pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_counts() {
        let mut attributes = Attributes::default();
        attributes.put("a", "1");
        attributes.put("b", "2");
        attributes.put("a", Value::Int(3));
        assert_eq!(attributes.get("a"), Some(&Value::Int(3)));
        assert_eq!(attributes.take("b"), Some("2".into()));
        assert_eq!(attributes.take("b"), None);
        assert!(!attributes.is_empty());
        let mut out = Vec::new();
        attributes.write(9, &mut out);
        assert_eq!(
            out,
            [9 << 3 | 2, 7, 1 << 3 | 2, 1, b'a', 2 << 3 | 2, 2, 3 << 3, 3]
        );
    }
}
