//! OTLP JSON to protobuf bytes, in one pass over the text.
//!
//! Messages are written as they are read; a length is put in front of a message when its end is known. Fields come out in
//! the order of the JSON text. Fields that are zero or empty are left out where protobuf can't tell them from absent.
//! A limit of depth keeps the recursion within the stack.
//!
//! A value that can't be read doesn't end the text: the reader goes on behind it, and takes back what it wrote of the item (`lenient.rs`).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::lenient::{Level, Units, remember};
use super::names::Name;
use super::scalar::{Scalar, put_scalar};
use super::translated::{JsonError, Translated};
use crate::Signal;
use crate::otlp::schema::{self, Field, Kind, Message, Presence};
use crate::wire::{put_tag, put_varint, varint_len};

pub(super) fn request(signal: Signal, json: &[u8]) -> Result<Translated, JsonError> {
    let mut reader = Reader {
        out: Vec::with_capacity(json.len() / 2),
        path: Vec::new(),
        units: Units::new(signal),
        depth: 0,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let root = MessageSeed {
        reader: &mut reader,
        of: schema::request(signal),
    };
    root.deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())?;
    let units = reader.units;
    Ok(Translated {
        request: reader.out,
        taken: units.taken.items,
        rejected: units.rejected,
        fault: units
            .fault
            .map(|(path, message)| JsonError::Value { path, message }),
        unknown: units.unknown,
    })
}

/// Containers within each other. serde_json itself gives up at 128, and with it the whole text; what is skipped has no limit.
const DEPTH_MAX: usize = 126;

struct Reader {
    out: Vec<u8>,
    /// Where the reader is.
    path: Vec<Step>,
    units: Units,
    /// Containers that are open.
    depth: usize,
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
        let Self { reader, of } = self;
        let children = reader.units.children(of);
        let (mut has_children, mut unknown) = (false, Vec::new());
        reader.depth += 1;
        loop {
            let name = NameSeed {
                units: &mut reader.units,
                of,
                unknown: children.is_some().then_some(&mut unknown),
            };
            let Some(field) = map.next_key_seed(name)? else {
                break;
            };
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            has_children |= children.is_some_and(|children| std::ptr::eq(children, field));
            reader.path.push(Step::Field(field.name));
            map.next_value_seed(ValueSeed {
                reader: &mut *reader,
                field,
                element: false,
            })?;
            reader.path.pop();
        }
        reader.depth -= 1;
        if !has_children && !unknown.is_empty() {
            let path = path_text(&reader.path);
            reader.units.not_understood(of, &path, &unknown);
        }
        Ok(())
    }
}

/// Reads a key as one of the message's fields; `None` when it has none of that name.
struct NameSeed<'r> {
    units: &'r mut Units,
    of: &'static Message,
    /// Where names of unknown fields go, if they matter.
    unknown: Option<&'r mut Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(match self.units.name(self.of, name) {
            Name::Field(field) => Some(field),
            Name::Old(field) => {
                self.units.old_name(field, name);
                Some(field)
            }
            Name::Unknown => {
                if let Some(unknown) = self.unknown {
                    remember(unknown, name);
                }
                None
            }
        })
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
    fn scalar(self, value: Scalar<'_>) {
        if self.repeated() {
            return self.found(value);
        }
        // Elements of packed fields have no tag; strings are never packed.
        let packed = self.element && self.field.kind.is_number();
        let keep_zero = self.element
            || self.field.presence == Presence::OneOf
            || self.field.presence == Presence::Set;
        let put = put_scalar(&mut self.reader.out, self.field, value, packed, keep_zero);
        if let Err(message) = put {
            self.wrong(message);
        }
    }

    fn found(self, found: impl fmt::Display) {
        let expected = match self.field.kind {
            _ if self.repeated() => "an array",
            Kind::Message(_) => "an object",
            kind => super::scalar::expected(kind),
        };
        self.wrong(format!("expected {expected}, found {found}"));
    }

    /// The value stays out; the reader goes on behind it.
    fn wrong(self, message: String) {
        let Reader { path, units, .. } = self.reader;
        let path = || path_text(path);
        let is_item = match self.field.kind {
            Kind::Message(of) => self.element && units.level(of) == Some(Level::Item),
            _ => false,
        };
        match is_item {
            true => units.no_item(path, message),
            false => units.damage(path, message),
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.reader.depth >= DEPTH_MAX {
            self.wrong("nested too deep".to_owned());
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
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
            self.found("null");
        }
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Scalar::Integer(i128::from(value)));
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(Scalar::Integer(i128::from(value)));
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(Scalar::Double(value));
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(value));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let of = match self.field.kind {
            Kind::Message(of) if !self.repeated() => of,
            _ => {
                self.found("an object");
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(());
            }
        };
        let reader = &mut *self.reader;
        if self.element && self.field.name == "dataPoints" {
            reader.units.point();
        }
        let before = reader.out.len();
        let unit = reader
            .units
            .level(of)
            .map(|level| reader.units.begin(level));
        let start = reader.open(self.field.number);
        MessageSeed { reader, of }.visit_map(map)?;
        let reader = self.reader;
        if unit.is_none_or(|unit| reader.units.end(unit)) {
            reader.close(start);
        } else {
            reader.out.truncate(before);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if !self.repeated() {
            self.found("an array");
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let before = self.reader.out.len();
        let packed = self.field.kind.is_number();
        let start = packed.then(|| self.reader.open(self.field.number));
        self.reader.depth += 1;
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
        self.reader.depth -= 1;
        match start {
            Some(start) if self.reader.out.len() == start => self.reader.out.truncate(before),
            Some(start) => self.reader.close(start),
            None => {}
        }
        Ok(())
    }
}
