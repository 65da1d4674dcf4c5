//! Protobuf bytes to OTLP JSON.
//!
//! The fields of a message are gathered on a stack and put in order of their numbers, because JSON wants the elements of a
//! repeated field together and a singular field once, and neither is promised by protobuf (spans are changed by
//! appending fields): of a scalar the last value is written, and a message in several pieces is written as one.

use std::io::Write as _;
use std::ops::Range;

use super::token::{put_base64, put_bool, put_double, put_hex, put_text};
use crate::Signal;
use crate::otlp::schema::{self, Kind, Message, Presence};
use crate::otlp::{DEPTH_MAX, packed_value};
use crate::wire::{Field, Fields, Value, WireError};

pub(super) fn request(signal: Signal, request: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let mut writer = Writer {
        out,
        fields: Vec::new(),
    };
    writer.gather(schema::request(signal), request)?;
    writer.object(0, 0)
}

struct Writer<'a, 'o> {
    out: &'o mut Vec<u8>,
    /// The known fields of the message being written, on top of those of the messages round it.
    fields: Vec<(&'static schema::Field, Field<'a>)>,
}

impl<'a> Writer<'a, '_> {
    /// Puts the known fields of (one piece of) a message on the stack.
    fn gather(&mut self, of: &'static Message, message: &'a [u8]) -> Result<(), WireError> {
        for field in Fields::new(message) {
            let field = field?;
            if let Some(known) = of.field(field.number) {
                self.fields.push((known, field));
            }
        }
        Ok(())
    }

    /// Writes the message whose fields lie on the stack from `start` on, and takes them off.
    fn object(&mut self, start: usize, depth: usize) -> Result<(), WireError> {
        if depth > DEPTH_MAX {
            return Err(WireError::Depth { limit: DEPTH_MAX });
        }
        self.settle_choice(start);
        self.fields[start..].sort_by_key(|(known, _)| known.number);
        self.out.push(b'{');
        let mut at = start;
        while let Some(&(known, _)) = self.fields.get(at) {
            let same = self.fields[at..]
                .iter()
                .take_while(|(other, _)| other.number == known.number)
                .count();
            if at > start {
                self.out.push(b',');
            }
            self.out.push(b'"');
            self.out.extend_from_slice(known.name.as_bytes());
            self.out.extend_from_slice(b"\":");
            if known.presence == Presence::Many {
                self.array(known, at..at + same, depth)?;
            } else {
                self.single(known, at..at + same, depth)?;
            }
            at += same;
        }
        self.fields.truncate(start);
        self.out.push(b'}');
        Ok(())
    }

    /// Of the alternatives of a oneof, the last one on the wire holds.
    fn settle_choice(&mut self, start: usize) {
        let choice = |(known, _): &&(&schema::Field, _)| known.presence == Presence::OneOf;
        let Some(&(last, _)) = self.fields[start..].iter().rev().find(choice) else {
            return;
        };
        let others = |known: &schema::Field| {
            known.presence == Presence::OneOf && known.number != last.number
        };
        if self.fields[start..].iter().any(|(known, _)| others(known)) {
            let mut index = 0;
            self.fields.retain(|(known, _)| {
                index += 1;
                index <= start || !others(known)
            });
        }
    }

    fn single(
        &mut self,
        known: &'static schema::Field,
        pieces: Range<usize>,
        depth: usize,
    ) -> Result<(), WireError> {
        let Kind::Message(of) = known.kind else {
            let mut last = None;
            for (_, field) in &self.fields[pieces] {
                // All of them must be sound, although only the last one counts.
                last = Some(typed(known, field)?);
            }
            return last.map_or(Ok(()), |value| self.scalar(known, value));
        };
        let start = self.fields.len();
        for piece in pieces {
            let message = self.fields[piece].1.len_value()?;
            self.gather(of, message)?;
        }
        self.object(start, depth + 1)
    }

    fn array(
        &mut self,
        known: &'static schema::Field,
        elements: Range<usize>,
        depth: usize,
    ) -> Result<(), WireError> {
        self.out.push(b'[');
        let empty = self.out.len();
        for element in elements {
            let field = self.fields[element].1;
            match (known.kind, field.value) {
                (Kind::Message(of), _) => {
                    self.comma(empty);
                    let start = self.fields.len();
                    self.gather(of, field.len_value()?)?;
                    self.object(start, depth + 1)?;
                }
                (kind, Value::Len(packed)) if kind.is_number() => {
                    let mut at = 0;
                    while at < packed.len() {
                        let (value, end) = packed_value(kind, packed, at)?;
                        self.comma(empty);
                        self.scalar(known, value)?;
                        at = end;
                    }
                }
                _ => {
                    self.comma(empty);
                    self.scalar(known, typed(known, &field)?)?;
                }
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn comma(&mut self, empty: usize) {
        if self.out.len() > empty {
            self.out.push(b',');
        }
    }

    /// Writes a value whose wire type was checked.
    fn scalar(&mut self, known: &schema::Field, value: Value<'a>) -> Result<(), WireError> {
        match (known.kind, value) {
            (Kind::Text, Value::Len(bytes)) => {
                std::str::from_utf8(bytes).map_err(|_| WireError::Utf8 {
                    field: known.number,
                })?;
                put_text(self.out, bytes);
            }
            (Kind::Id(_), Value::Len(bytes)) => put_hex(self.out, bytes),
            (_, Value::Len(bytes)) => put_base64(self.out, bytes),
            (Kind::Bool, Value::Varint(value)) => put_bool(self.out, value != 0),
            (Kind::Int64, Value::Varint(value)) => {
                self.number(format_args!("\"{}\"", value as i64))
            }
            (Kind::Uint64, Value::Varint(value)) => self.number(format_args!("\"{value}\"")),
            (Kind::Uint32, Value::Varint(value)) => self.number(format_args!("{}", value as u32)),
            (Kind::Sint32, Value::Varint(value)) => {
                let zigzag = value as u32;
                let value = (zigzag >> 1) as i32 ^ -((zigzag & 1) as i32);
                self.number(format_args!("{value}"));
            }
            // int32 and enums
            (_, Value::Varint(value)) => self.number(format_args!("{}", value as i32)),
            (Kind::Double, Value::Fixed64(bits)) => self.double(f64::from_bits(bits)),
            (Kind::Sfixed64, Value::Fixed64(value)) => {
                self.number(format_args!("\"{}\"", value as i64));
            }
            (_, Value::Fixed64(value)) => self.number(format_args!("\"{value}\"")),
            (_, Value::Fixed32(value)) => self.number(format_args!("{value}")),
        }
        Ok(())
    }

    fn number(&mut self, number: std::fmt::Arguments<'_>) {
        // Writing to memory doesn't fail.
        let _ = self.out.write_fmt(number);
    }

    fn double(&mut self, value: f64) {
        if value.is_nan() {
            self.out.extend_from_slice(b"\"NaN\"");
        } else if value.is_infinite() {
            let name = if value > 0.0 { "Infinity" } else { "-Infinity" };
            put_text(self.out, name.as_bytes());
        } else {
            put_double(self.out, value);
        }
    }
}

/// A single value of the wire type that its kind asks for.
fn typed<'a>(known: &schema::Field, field: &Field<'a>) -> Result<Value<'a>, WireError> {
    match known.kind.wire_type() {
        None => field.len_value().map(Value::Len),
        Some(wire_type) if field.value.wire_type() == wire_type => Ok(field.value),
        Some(_) => Err(field.mismatch()),
    }
}
