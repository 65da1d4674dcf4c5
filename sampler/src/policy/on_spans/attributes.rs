//! Conditions on attributes: one pass over the attributes of a span or resource for all of them.
//!
//! Most attributes are named by no policy, so an attribute's key is first looked up by a cheap hash in a table of 256 bytes;
//! only on a hit are keys compared, and only on a match is the value parsed.

use hashbrown::HashSet;
use regex::bytes::RegexSet;
use schemas::otlp::{AnyValue, Attributes};

use crate::policy::on_spans::bits::Bits;

/// Where attributes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Place {
    Resource,
    Span,
}

/// What an attribute's value must be. A value of another type counts as the type's zero, as in the Collector.
#[derive(Debug)]
pub(in crate::policy) enum Condition {
    OneOf(HashSet<Box<[u8]>>),
    Pattern(RegexSet),
    Between(i64, i64),
    Is(bool),
}

impl Condition {
    fn holds(&self, value: AnyValue<'_>, place: Place) -> bool {
        match self {
            Self::OneOf(values) => values.contains(text(value)),
            // An empty string on a span matches nothing; on a resource it may match. As in the Collector.
            Self::Pattern(patterns) => {
                let text = text(value);
                (place == Place::Resource || !text.is_empty()) && patterns.is_match(text)
            }
            Self::Between(min, max) => {
                let number = match value {
                    AnyValue::Int(number) => number,
                    _ => 0,
                };
                (*min..=*max).contains(&number)
            }
            Self::Is(wanted) => (value == AnyValue::Bool(true)) == *wanted,
        }
    }
}

fn text<'a>(value: AnyValue<'a>) -> &'a [u8] {
    match value {
        AnyValue::String(text) => text,
        _ => &[],
    }
}

/// All conditions on attributes, by key.
#[derive(Debug, Default)]
pub(in crate::policy) struct AttributeLeaves {
    keys: Vec<KeyLeaves>,
    /// By [`slot`]: 1 + the first key of that slot, 0 when there is none. Absent without keys, as for a tenant whose policies name no attribute.
    table: Option<Box<[u8; 256]>>,
}

#[derive(Debug)]
struct KeyLeaves {
    key: Box<[u8]>,
    conditions: Vec<(Condition, u8)>,
    /// 1 + the next key of the same slot.
    next: u8,
}

/// Length, first, middle and last byte tell most keys apart.
#[inline]
fn slot(key: &[u8]) -> usize {
    let at = |index: usize| usize::from(key.get(index).copied().unwrap_or(0));
    let mixed = key.len() + at(0) * 3 + at(key.len() / 2) * 5 + at(key.len().wrapping_sub(1)) * 7;
    mixed & 255
}

impl AttributeLeaves {
    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// There are at most as many keys as bits, so numbers fit a byte.
    pub(in crate::policy) fn add(&mut self, key: &str, condition: Condition, bit: u8) {
        let at = match self
            .keys
            .iter()
            .position(|leaves| *leaves.key == *key.as_bytes())
        {
            Some(at) => at,
            None => {
                let table = self.table.get_or_insert_with(|| Box::new([0; 256]));
                let entry = &mut table[slot(key.as_bytes())];
                self.keys.push(KeyLeaves {
                    key: key.as_bytes().into(),
                    conditions: Vec::new(),
                    next: *entry,
                });
                *entry = self.keys.len() as u8;
                self.keys.len() - 1
            }
        };
        self.keys[at].conditions.push((condition, bit));
    }

    /// Of attributes with the same key the first one counts, as in the Collector.
    pub(in crate::policy) fn satisfied(&self, attributes: Attributes<'_>, place: Place) -> Bits {
        let mut bits = Bits::default();
        let mut seen = Bits::default();
        let Some(table) = &self.table else {
            return bits;
        };
        for attribute in attributes {
            let Ok(attribute) = attribute else { break };
            let mut next = table[slot(attribute.key)];
            while next != 0 {
                let at = next - 1;
                let leaves = &self.keys[usize::from(at)];
                if *leaves.key == *attribute.key {
                    if !seen.has(at) {
                        seen.set(at);
                        for (condition, bit) in &leaves.conditions {
                            if condition.holds(attribute.value, place) {
                                bits.set(*bit);
                            }
                        }
                    }
                    break;
                }
                next = leaves.next;
            }
        }
        bits
    }
}
