//! The tags of a span: a map from text to text, of what the span, its scope and its resource have. Of several values of a key the last one counts.

use std::borrow::Cow;
use std::collections::HashMap;

use schemas::json::plain::Plain;
use schemas::json::token::put_text;
use schemas::otlp::{AnyValue, Attributes};
use schemas::wire::WireError;

/// Up to here, keys are compared one by one.
const FEW: usize = 32;

/// The text of a tag.
#[derive(Clone, Debug)]
pub enum Tag<'a> {
    /// An attribute's value, which becomes text when it is written.
    Value(AnyValue<'a>),
    Text(Cow<'a, [u8]>),
}

impl Tag<'_> {
    /// Its text is empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Value(value) => matches!(value, AnyValue::Empty | AnyValue::String(b"")),
        }
    }

    /// The text, where it is a text or a whole number; else empty.
    pub fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Text(text) => Cow::Borrowed(&**text),
            Self::Value(AnyValue::String(text)) => Cow::Borrowed(text),
            Self::Value(AnyValue::Int(number)) => Cow::Owned(number.to_string().into_bytes()),
            Self::Value(_) => Cow::Borrowed(&[]),
        }
    }
}

/// Tags in the order in which their keys came. One that was taken out leaves its place empty.
#[derive(Clone, Debug, Default)]
pub struct Tags<'a> {
    tags: Vec<(Cow<'a, [u8]>, Option<Tag<'a>>)>,
    /// Where the keys are, once there are many.
    places: HashMap<Vec<u8>, usize>,
}

impl<'a> Tags<'a> {
    /// Becomes a copy of others, without new memory.
    pub fn copy(&mut self, of: &Self) {
        self.tags.clone_from(&of.tags);
        self.places.clone_from(&of.places);
    }

    pub fn clear(&mut self) {
        self.tags.clear();
        self.places.clear();
    }

    fn place(&self, key: &[u8]) -> Option<usize> {
        if self.places.is_empty() {
            return self.tags.iter().position(|(other, _)| **other == *key);
        }
        self.places.get(key).copied()
    }

    /// Sets a tag.
    pub fn put(&mut self, key: impl Into<Cow<'a, [u8]>>, tag: Tag<'a>) {
        let key = key.into();
        if let Some(place) = self.place(&key) {
            self.tags[place].1 = Some(tag);
            return;
        }
        if !self.places.is_empty() {
            self.places.insert(key.to_vec(), self.tags.len());
        }
        self.tags.push((key, Some(tag)));
        if self.tags.len() == FEW {
            let keys = self.tags.iter().map(|(key, _)| key.to_vec());
            self.places = keys.zip(0..).collect();
        }
    }

    /// Sets tags by attributes.
    ///
    /// # Errors
    /// They are malformed.
    pub fn put_all(&mut self, attributes: Attributes<'a>) -> Result<(), WireError> {
        for pair in attributes {
            let pair = pair?;
            self.put(pair.key, Tag::Value(pair.value));
        }
        Ok(())
    }

    /// Sets a tag to a text, unless that is empty.
    pub fn put_some(&mut self, key: &'static str, text: &'a [u8]) {
        if !text.is_empty() {
            self.put(key.as_bytes(), Tag::Text(text.into()));
        }
    }

    pub fn get(&self, key: &str) -> Option<&Tag<'a>> {
        self.tags[self.place(key.as_bytes())?].1.as_ref()
    }

    /// Takes a tag out.
    pub fn remove(&mut self, key: &str) -> Option<Tag<'a>> {
        let place = self.place(key.as_bytes())?;
        self.tags[place].1.take()
    }

    /// Appends them as an object.
    ///
    /// # Errors
    /// A value is malformed, or nested too deeply.
    pub fn write(&self, plain: &mut Plain<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.push(b'{');
        let mut is_first = true;
        for (key, tag) in &self.tags {
            let Some(tag) = tag else {
                continue;
            };
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            put_text(out, key);
            out.push(b':');
            write_tag(tag, plain, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

/// Appends a tag's text as a string.
///
/// # Errors
/// The value is malformed, or nested too deeply.
pub fn write_tag<'a>(
    tag: &Tag<'a>,
    plain: &mut Plain<'a>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    match tag {
        Tag::Value(value) => plain.text(out, *value),
        Tag::Text(text) => {
            put_text(out, text);
            Ok(())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schemas::json::plain::BytesAs;
    use serde_json::{Value, json};

    use super::*;

    fn written(tags: &Tags<'_>) -> Value {
        let mut out = Vec::new();
        tags.write(&mut Plain::new(BytesAs::Base64), &mut out)
            .unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let number = |number| Tag::Value(AnyValue::Int(number));
        let mut tags = Tags::default();
        tags.put(&b"a"[..], number(1));
        tags.put(&b"b"[..], number(2));
        tags.put(&b"a"[..], number(3));
        assert!(
            tags.remove("b").is_some() && tags.remove("b").is_none() && tags.get("b").is_none()
        );
        assert_eq!(written(&tags), json!({"a": "3"}));
        tags.put(&b"b"[..], number(4));
        tags.put_some("c", b"");
        tags.put_some("d", b"e");
        assert_eq!(written(&tags), json!({"a": "3", "b": "4", "d": "e"}));
    }

    #[test]
    fn many_tags() {
        let mut tags = Tags::default();
        for round in 0..2 {
            for key in 0..200 {
                let key = key.to_string().into_bytes();
                tags.put(key, Tag::Value(AnyValue::Int(round)));
            }
        }
        assert_eq!(
            tags.remove("7").map(|tag| tag.text().into_owned()),
            Some(b"1".to_vec())
        );
        let mut copy = Tags::default();
        copy.copy(&tags);
        let written = written(&copy);
        assert_eq!(written.as_object().unwrap().len(), 199);
        assert!(
            written
                .as_object()
                .unwrap()
                .values()
                .all(|value| value == "1")
        );
    }
}
