//! Promotion: attributes of a trace's entry span that all its kept spans get.
//!
//! SDKs put what they know of a request (tenant, order, feature flag) on the span that takes the request in. A *list* is what one span has of these
//! attributes, as OTLP's message `KeyValueList`: so it stands in the decision log, in memory, and, each attribute with another tag, behind the spans.
//!
//! What is too long isn't cut: half an id is a wrong id.

use std::sync::Arc;

use schemas::decisions::{PROMOTED, promoted_attributes};
use schemas::otlp::{AnyValue, SpanView};
use schemas::wire::{put_fixed64, put_len, put_varint_field};

/// Keys at most.
pub const KEYS_MAX: usize = 8;
/// A longer value is not promoted.
pub const VALUE_BYTES_MAX: usize = 128;
/// All of it may take one part of so many of the memory limit.
pub const MEMORY_PARTS: usize = 4;
/// What a trace takes besides its list, maps that are half empty included: measured by `tests/promoted.rs`.
const TRACE_BYTES: usize = 128;

/// The keys of the attributes that are promoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromotedKeys {
    keys: Arc<[Box<str>]>,
}

/// How many values of a span are not promoted, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) too_long: u8,
    pub(crate) unsupported: u8,
    /// There was no room for them.
    pub(crate) no_memory: u8,
}

impl PromotedKeys {
    /// Of the first [`KEYS_MAX`] keys.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let keys = keys.into_iter().take(KEYS_MAX);
        Self {
            keys: keys.map(Box::from).collect(),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What one trace takes at most, in bytes: while it is open, and as long as its verdict holds.
    pub fn trace_bytes_max(&self) -> usize {
        match self.is_empty() {
            true => 0,
            false => TRACE_BYTES + self.list_bytes_max(),
        }
    }

    fn list_bytes_max(&self) -> usize {
        let mut list = Vec::new();
        let longest = [b'x'; VALUE_BYTES_MAX];
        for key in &*self.keys {
            put(&mut list, key.as_bytes(), AnyValue::String(&longest));
        }
        list.len()
    }

    /// The list of a span, in the order of the configuration: equal values are equal lists. Of an attribute that appears twice, the first counts.
    pub(crate) fn read(&self, span: &[u8], list: &mut Vec<u8>) -> Refused {
        list.clear();
        let mut refused = Refused::default();
        // Both cursors walk these bytes to their end; malformed attributes end the look at them.
        let Ok(span) = SpanView::parse(span) else {
            return refused;
        };
        let mut values = [None; KEYS_MAX];
        for attribute in span.attributes().map_while(Result::ok) {
            let mut keys = self.keys.iter();
            if let Some(at) = keys.position(|key| key.as_bytes() == attribute.key) {
                values[at].get_or_insert(attribute.value);
            }
        }
        for (key, value) in self.keys.iter().zip(values) {
            match value {
                None | Some(AnyValue::Empty) => {}
                Some(AnyValue::String(text)) if text.len() > VALUE_BYTES_MAX => {
                    refused.too_long += 1;
                }
                // It would make every span of the trace unreadable.
                Some(AnyValue::String(text)) if std::str::from_utf8(text).is_err() => {
                    refused.unsupported += 1;
                }
                Some(AnyValue::Array(_) | AnyValue::Kvlist(_) | AnyValue::Bytes(_)) => {
                    refused.unsupported += 1;
                }
                Some(value) => put(list, key.as_bytes(), value),
            }
        }
        refused
    }

    /// What a list has of these keys.
    pub(crate) fn retain(&self, list: &[u8], out: &mut Vec<u8>) {
        out.clear();
        for attribute in promoted_attributes(list).map_while(Result::ok) {
            let mut keys = self.keys.iter();
            if keys.any(|key| key.as_bytes() == attribute.key) {
                put(out, attribute.key, attribute.value);
            }
        }
    }
}

/// How many attributes a list has.
pub(crate) fn count(list: &[u8]) -> usize {
    promoted_attributes(list).map_while(Result::ok).count()
}

fn put(list: &mut Vec<u8>, key: &[u8], value: AnyValue<'_>) {
    let mut any = Vec::with_capacity(VALUE_BYTES_MAX + 4);
    match value {
        AnyValue::String(text) => put_len(&mut any, 1, text),
        AnyValue::Bool(value) => put_varint_field(&mut any, 2, value.into()),
        AnyValue::Int(value) => put_varint_field(&mut any, 3, value as u64),
        AnyValue::Double(value) => put_fixed64(&mut any, 4, value.to_bits()),
        AnyValue::Empty | AnyValue::Array(_) | AnyValue::Kvlist(_) | AnyValue::Bytes(_) => return,
    }
    let mut pair = Vec::with_capacity(key.len() + any.len() + 8);
    put_len(&mut pair, 1, key);
    put_len(&mut pair, 2, &any);
    put_len(list, PROMOTED, &pair);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, any: &[u8]) -> Vec<u8> {
        let (mut pair, mut out) = (Vec::new(), Vec::new());
        put_len(&mut pair, 1, key.as_bytes());
        put_len(&mut pair, 2, any);
        put_len(&mut out, 9, &pair);
        out
    }

    fn text(text: &[u8]) -> Vec<u8> {
        let mut any = Vec::new();
        put_len(&mut any, 1, text);
        any
    }

    const KEYS: [&str; 8] = ["text", "bool", "int", "double", "list", "map", "bytes", "e"];

    /// What is promoted of a span with these attributes, and what is not.
    fn read(attributes: &[Vec<u8>]) -> (Vec<(String, String)>, Refused) {
        let mut list = vec![1];
        let refused = PromotedKeys::new(KEYS).read(&attributes.concat(), &mut list);
        let pairs = promoted_attributes(&list).map(|attribute| {
            let attribute = attribute.expect("what we wrote");
            let key = String::from_utf8_lossy(attribute.key).into_owned();
            let value = match attribute.value {
                AnyValue::String(text) => String::from_utf8_lossy(text).into_owned(),
                value => format!("{value:?}"),
            };
            (key, value)
        });
        (pairs.collect(), refused)
    }

    #[test]
    fn single_values_are_promoted_in_the_order_of_the_keys() {
        let (pairs, refused) = read(&[
            attribute("double", &[&[0x21][..], &f64::NAN.to_le_bytes()].concat()),
            attribute("int", &[&[0x18][..], &[0xff; 9], &[1]].concat()),
            attribute("another", &text(b"x")),
            attribute("bool", &[0x10, 0]),
            attribute("text", &text("größer".as_bytes())),
            attribute("text", &text(b"again")),
        ]);
        let expected = [
            ("text", "größer"),
            ("bool", "Bool(false)"),
            ("int", "Int(-1)"),
            ("double", "Double(NaN)"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected);
        assert_eq!(refused, Refused::default());
    }

    #[test]
    fn what_cannot_be_promoted_is_counted_and_nothing_is_cut() {
        let fits = "x".repeat(VALUE_BYTES_MAX);
        let (pairs, refused) = read(&[
            attribute("text", &text(fits.as_bytes())),
            attribute("e", &text("x".repeat(VALUE_BYTES_MAX + 1).as_bytes())),
            attribute("bool", &text(b"\xff")),
            attribute("list", &[0x2a, 0]),
            attribute("map", &[0x32, 0]),
            attribute("bytes", &[0x3a, 1, b'x']),
            attribute("int", &[]),
        ]);
        assert_eq!(pairs, [("text".to_owned(), fits)]);
        let expected = Refused {
            too_long: 1,
            unsupported: 4,
            no_memory: 0,
        };
        assert_eq!(refused, expected);
    }

    #[test]
    fn lists_are_no_longer_than_is_said() {
        let keys = PromotedKeys::new(KEYS);
        let longest = "x".repeat(VALUE_BYTES_MAX);
        let span = KEYS.map(|key| attribute(key, &text(longest.as_bytes())));
        let mut list = Vec::new();
        keys.read(&span.concat(), &mut list);
        assert_eq!((list.len(), count(&list)), (keys.list_bytes_max(), 8));
        let mut fewer = Vec::new();
        PromotedKeys::new(["map", "new"]).retain(&list, &mut fewer);
        assert_eq!(promoted_attributes(&fewer).count(), 1);
        assert!(PromotedKeys::default().is_empty());
    }

    /// Attributes behind a broken one can't be seen.
    #[test]
    fn broken_attributes_end_the_look() {
        let (pairs, _) = read(&[
            attribute("text", &text(b"a")),
            vec![0x4a, 2, 0x0a, 9],
            attribute("bool", &[0x10, 1]),
        ]);
        assert_eq!(pairs.len(), 1);
    }
}
