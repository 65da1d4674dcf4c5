//! Attributes with fixed values, encoded once.

use std::collections::BTreeMap;

use schemas::wire::{put_len, put_varint};

use super::redaction::Fixed;

/// Attributes as `KeyValue` messages, ready to be written under any field number.
#[derive(Clone, Debug, Default)]
pub(crate) struct SetAttributes {
    encoded: Vec<Vec<u8>>,
}

impl SetAttributes {
    pub(crate) fn new(attributes: &BTreeMap<String, Fixed>) -> Self {
        Self {
            encoded: attributes
                .iter()
                .map(|(key, value)| key_value(key, value))
                .collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// Appends them all as values of the repeated field `number`.
    pub(crate) fn write(&self, number: u32, out: &mut Vec<u8>) {
        for attribute in &self.encoded {
            put_len(out, number, attribute);
        }
    }
}

/// `KeyValue {key = 1, value = 2}` with `AnyValue {string = 1, bool = 2, int = 3, double = 4}`.
fn key_value(key: &str, value: &Fixed) -> Vec<u8> {
    let mut any = Vec::new();
    match value {
        Fixed::Text(text) => put_len(&mut any, 1, text.as_bytes()),
        Fixed::Bool(value) => any.extend_from_slice(&[2 << 3, u8::from(*value)]),
        Fixed::Int(value) => {
            any.push(3 << 3);
            put_varint(&mut any, *value as u64);
        }
        Fixed::Double(value) => {
            any.push(4 << 3 | 1);
            any.extend_from_slice(&value.to_le_bytes());
        }
    }
    let mut out = Vec::new();
    put_len(&mut out, 1, key.as_bytes());
    put_len(&mut out, 2, &any);
    out
}
