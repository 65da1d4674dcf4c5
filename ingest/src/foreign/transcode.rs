//! JSON to protobuf by tables, for formats that have both: so each of them is translated from one form alone.
//!
//! Fields are written as they are read, and nothing else of the text is held. The tables say what a field's value looks like in JSON, and how it
//! stands in protobuf. `null` is the same as absent.

use std::fmt;

use schemas::json::mend;
use schemas::wire::put_len;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::malformed::{Malformed, shown};
use super::scalar::{Kind, Scalar, put_scalar};

/// A message: its fields, and how their names are read.
pub struct Table {
    pub names: Names,
    pub fields: &'static [Field],
}

/// How a field is found by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As it stands in the table; one that isn't there is an error (Go's `jsonpb`).
    Exact,
    /// In either case; one that isn't there is ignored (Go's `encoding/json`).
    AnyCase,
}

/// A field by its names.
pub struct Field {
    pub names: &'static [&'static str],
    pub number: u32,
    pub value: Value,
}

/// What stands behind a field's name.
#[derive(Clone, Copy)]
pub enum Value {
    One(Kind),
    Message(&'static Table),
    /// An array of them.
    Messages(&'static Table),
    Texts,
    /// An object of strings: protobuf's `map<string, string>`.
    TextMap,
}

/// A JSON object as a protobuf message. Text that is almost JSON (half characters, bytes that are not UTF-8) is mended.
///
/// # Errors
/// It isn't JSON, or not of this table, or something follows it.
pub fn object(json: &[u8], table: &'static Table) -> Result<Vec<u8>, Malformed> {
    mended(json, |reader, out| {
        reader.deserialize_map(Message { out, table })
    })
}

/// A JSON array of objects as a message that repeats them in field 1.
///
/// # Errors
/// As [`object`].
pub fn list(json: &[u8], table: &'static Table) -> Result<Vec<u8>, Malformed> {
    mended(json, |reader, out| {
        let (number, value) = (1, Value::Messages(table));
        Place { out, number, value }.deserialize(reader)
    })
}

type Reader<'j> = serde_json::Deserializer<serde_json::de::SliceRead<'j>>;

fn mended(
    json: &[u8],
    read: impl Fn(&mut Reader<'_>, &mut Vec<u8>) -> serde_json::Result<()>,
) -> Result<Vec<u8>, Malformed> {
    let read = |json: &[u8]| {
        let mut out = Vec::with_capacity(json.len() / 2);
        let mut reader = serde_json::Deserializer::from_slice(json);
        read(&mut reader, &mut out)?;
        reader.end().map(|()| out)
    };
    match read(json) {
        Err(error) if error.is_syntax() => match mend(json) {
            Some(mended) => read(&mended),
            None => Err(error),
        },
        read => read,
    }
    .map_err(Malformed::new)
}

/// The fields of a message.
struct Message<'o> {
    out: &'o mut Vec<u8>,
    table: &'static Table,
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name(self.table))? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value_seed(Place {
                out: &mut *self.out,
                number: field.number,
                value: field.value,
            });
            value.map_err(|error| within(field.names, error))?;
        }
        Ok(())
    }
}

/// The same fault, with the name of its field. The text's own errors say where they are.
fn within<E: Error>(names: &[&str], error: E) -> E {
    let name = names.first().copied().unwrap_or_default();
    match error.to_string() {
        text if text.contains(" at line ") => error,
        text => E::custom(format_args!("{name}: {text}")),
    }
}

/// A key as one of the table's fields.
struct Name(&'static Table);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let same = |known: &&str| match self.0.names {
            Names::Exact => **known == *name,
            Names::AnyCase => known.eq_ignore_ascii_case(name),
        };
        let found = (self.0.fields.iter()).find(|field| field.names.iter().any(same));
        match self.0.names {
            Names::Exact if found.is_none() => Err(E::custom(format_args!(
                "the format has no field `{}`",
                shown(name)
            ))),
            _ => Ok(found),
        }
    }
}

/// Where a value goes: appended as this field.
struct Place<'o> {
    out: &'o mut Vec<u8>,
    number: u32,
    value: Value,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl Place<'_> {
    fn scalar<E: Error>(self, value: Scalar<'_>) -> Result<(), E> {
        let Value::One(kind) = self.value else {
            return Err(E::custom(format_args!(
                "expected {}, found a single value",
                self.expected()
            )));
        };
        put_scalar(self.out, self.number, kind, value).map_err(E::custom)
    }

    fn expected(&self) -> &'static str {
        match self.value {
            Value::One(_) => "a single value",
            Value::Message(_) | Value::TextMap => "an object",
            Value::Messages(_) | Value::Texts => "an array",
        }
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Scalar::Int(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(Scalar::Int(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(Scalar::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut inner = Vec::new();
        match self.value {
            Value::Message(table) => {
                let out = &mut inner;
                Message { out, table }.visit_map(map)?;
                put_len(self.out, self.number, &inner);
            }
            Value::TextMap => {
                while let Some((key, text)) = map.next_entry::<String, Option<String>>()? {
                    inner.clear();
                    put_len(&mut inner, 1, key.as_bytes());
                    put_len(&mut inner, 2, text.unwrap_or_default().as_bytes());
                    put_len(self.out, self.number, &inner);
                }
            }
            _ => return Err(unexpected(&self, "an object")),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let element = match self.value {
            Value::Messages(table) => Value::Message(table),
            Value::Texts => Value::One(Kind::Text),
            _ => return Err(unexpected(&self, "an array")),
        };
        loop {
            let next = Place {
                out: &mut *self.out,
                number: self.number,
                value: element,
            };
            if seq.next_element_seed(next)?.is_none() {
                return Ok(());
            }
        }
    }
}

fn unexpected<E: Error>(place: &Place<'_>, found: &str) -> E {
    E::custom(format_args!("expected {}, found {found}", place.expected()))
}
