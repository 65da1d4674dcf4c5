//! The messages that all signals share: attributes and values, as data.

use super::message::Kind::{self, Bool, Bytes, Double, Int32, Int64, Text, Uint32};
use super::message::Presence::Scalar;
use super::message::{Field, Meaning, Message, choice, field, message, messages};

/// Repeated `KeyValue`s.
pub(super) const fn pairs(number: u32, name: &'static str) -> Field {
    Field {
        meaning: Meaning::Attribute,
        ..messages(number, name, &KEY_VALUE)
    }
}

pub(super) const fn attributes(number: u32) -> Field {
    pairs(number, "attributes")
}

pub(super) const fn dropped_attributes(number: u32) -> Field {
    field(number, "droppedAttributesCount", Uint32, Scalar)
}

pub static KEY_VALUE: Message = Message::new(
    "KeyValue",
    &[
        field(1, "key", Text, Scalar),
        message(2, "value", &ANY_VALUE),
        field(3, "keyStrindex", Int32, Scalar),
    ],
);
pub static ANY_VALUE: Message = Message::new(
    "AnyValue",
    &[
        choice(1, "stringValue", Text),
        choice(2, "boolValue", Bool),
        choice(3, "intValue", Int64),
        choice(4, "doubleValue", Double),
        choice(5, "arrayValue", Kind::Message(&ARRAY_VALUE)),
        choice(6, "kvlistValue", Kind::Message(&KEY_VALUE_LIST)),
        choice(7, "bytesValue", Bytes),
        choice(8, "stringValueStrindex", Int32),
    ],
);
static ARRAY_VALUE: Message = Message::new("ArrayValue", &[messages(1, "values", &ANY_VALUE)]);
static KEY_VALUE_LIST: Message = Message::new("KeyValueList", &[pairs(1, "values")]);
