//! OTLP JSON to protobuf bytes, in one pass over the text.
//!
//! Messages are written as they are read; a length is put in front of a message when its end is known. Fields come out in
//! the order of the JSON text. Fields that are zero or empty are left out where protobuf can't tell them from absent.
//! serde_json's own limit of 128 levels keeps the recursion within the stack.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::JsonError;
use super::scalar::{Scalar, put_scalar};
use crate::Signal;
use crate::otlp::schema::{self, Field, Kind, Message, Presence};
use crate::wire::{put_tag, put_varint, varint_len};

pub(super) fn request(signal: Signal, json: &[u8]) -> Result<Vec<u8>, JsonError> {
    let mut reader = Reader {
        out: Vec::with_capacity(json.len() / 2),
        path: Vec::new(),
        failure: None,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let root = MessageSeed {
        reader: &mut reader,
        of: schema::request(signal),
    };
    let read = root
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    match (read, reader.failure) {
        (Ok(()), _) => Ok(reader.out),
        (Err(_), Some(message)) => Err(JsonError::Value {
            path: path_text(&reader.path),
            message,
        }),
        (Err(error), None) => Err(JsonError::Syntax(error)),
    }
}

struct Reader {
    out: Vec<u8>,
    /// Where the reader is; stays as it is after a failure.
    path: Vec<Step>,
    /// What is wrong with the value at `path`: carried past serde_json, whose errors know no paths.
    failure: Option<String>,
}

enum Step {
    Field(&'static str),
    Element(usize),
}

fn path_text(path: &[Step]) -> String {
    use fmt::Write as _;
    let mut text = String::new();
    for step in path {
        let _ = match step {
            Step::Field(name) if text.is_empty() => write!(text, "{name}"),
            Step::Field(name) => write!(text, ".{name}"),
            Step::Element(index) => write!(text, "[{index}]"),
        };
    }
    text
}

impl Reader {
    fn fail<E: serde::de::Error>(&mut self, message: String) -> E {
        let error = E::custom(&message);
        self.failure = Some(message);
        error
    }

    /// Writes the tag of a length-delimited field; returns where its content begins.
    fn open(&mut self, number: u32) -> usize {
        put_tag(&mut self.out, number, 2);
        self.out.push(0); // long enough for most lengths
        self.out.len()
    }

    /// Puts the length of what was written since [`Self::open`] in front of it.
    fn close(&mut self, start: usize) {
        let length = self.out.len() - start;
        let extra = varint_len(length as u64) - 1;
        if extra > 0 {
            self.out.resize(self.out.len() + extra, 0);
            self.out.copy_within(start..start + length, start + extra);
        }
        let mut varint = Vec::new();
        put_varint(&mut varint, length as u64);
        self.out[start - 1..start + extra].copy_from_slice(&varint);
    }
}

/// Reads a JSON object as the fields of a message.
struct MessageSeed<'r> {
    reader: &'r mut Reader,
    of: &'static Message,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an OTLP JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(NameSeed(self.of))? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            self.reader.path.push(Step::Field(field.name));
            map.next_value_seed(ValueSeed {
                reader: &mut *self.reader,
                field,
                element: false,
            })?;
            self.reader.path.pop();
        }
        Ok(())
    }
}

/// Reads a key as one of the message's fields; `None` when it has none of that name.
struct NameSeed(&'static Message);

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field_named(name))
    }
}

/// Reads the value of a field, or one element of a repeated field.
struct ValueSeed<'r> {
    reader: &'r mut Reader,
    field: &'static Field,
    element: bool,
}

impl ValueSeed<'_> {
    fn repeated(&self) -> bool {
        self.field.presence == Presence::Many && !self.element
    }

    /// A number, string or bool; everything that may be wrong with it is said with its path.
    fn scalar<E: serde::de::Error>(self, value: Scalar<'_>) -> Result<(), E> {
        if self.repeated() {
            return Err(self.found(value));
        }
        // Elements of packed fields have no tag; strings are never packed.
        let packed = self.element && self.field.kind.is_number();
        let keep_zero = self.element
            || self.field.presence == Presence::OneOf
            || self.field.presence == Presence::Set;
        put_scalar(&mut self.reader.out, self.field, value, packed, keep_zero)
            .map_err(|message| self.reader.fail(message))
    }

    fn found<E: serde::de::Error>(self, found: impl fmt::Display) -> E {
        let expected = match self.field.kind {
            _ if self.repeated() => "an array",
            Kind::Message(_) => "an object",
            kind => super::scalar::expected(kind),
        };
        self.reader
            .fail(format!("expected {expected}, found {found}"))
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an OTLP JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        // null is the same as absent, but there are no absent elements.
        if self.element {
            return Err(self.found("null"));
        }
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Scalar::Integer(i128::from(value)))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(Scalar::Integer(i128::from(value)))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(Scalar::Double(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(of) = self.field.kind else {
            return Err(self.found("an object"));
        };
        if self.repeated() {
            return Err(self.found("an object"));
        }
        let start = self.reader.open(self.field.number);
        let reader = &mut *self.reader;
        MessageSeed { reader, of }.visit_map(map)?;
        self.reader.close(start);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if !self.repeated() {
            return Err(self.found("an array"));
        }
        let before = self.reader.out.len();
        let packed = self.field.kind.is_number();
        let start = packed.then(|| self.reader.open(self.field.number));
        for index in 0.. {
            self.reader.path.push(Step::Element(index));
            let element = seq.next_element_seed(ValueSeed {
                reader: &mut *self.reader,
                field: self.field,
                element: true,
            })?;
            self.reader.path.pop();
            if element.is_none() {
                break;
            }
        }
        match start {
            Some(start) if self.reader.out.len() == start => self.reader.out.truncate(before),
            Some(start) => self.reader.close(start),
            None => {}
        }
        Ok(())
    }
}
