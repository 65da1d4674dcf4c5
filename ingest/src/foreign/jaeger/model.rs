//! Jaeger's messages, read in place. Source: `model.proto` of <https://github.com/jaegertracing/jaeger-idl>.
//!
//! Repeated messages stay bytes until somebody walks over them: an empty one takes two bytes on the wire and would take a hundred as a value.

use std::borrow::Cow;

use super::super::attributes::Value;
use super::super::fields::{bytes, each_field, fixed64, id8, id16, text, varint};
use super::super::malformed::Malformed;
use super::super::time::{duration_nanos, unix_nanos};

#[derive(Debug, Default)]
pub struct Span<'a> {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub name: &'a str,
    pub references: Vec<&'a [u8]>,
    /// Nanoseconds since the epoch; `None`: there is none.
    pub start: Option<u64>,
    pub duration: i64,
    pub tags: Vec<&'a [u8]>,
    pub logs: Vec<&'a [u8]>,
    pub process: Option<&'a [u8]>,
}

impl<'a> Span<'a> {
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut span = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => span.trace_id = id16(&field, "trace_id")?,
                2 => span.span_id = id8(&field, "span_id")?,
                3 => span.name = text(&field, "operation_name")?,
                4 => span.references.push(bytes(&field, "references")?),
                6 => span.start = Some(timestamp(bytes(&field, "start_time")?, "start_time")?),
                7 => {
                    let (seconds, nanos) = time(bytes(&field, "duration")?, "duration")?;
                    span.duration =
                        duration_nanos(seconds, nanos).map_err(|error| error.within("duration"))?;
                }
                8 => span.tags.push(bytes(&field, "tags")?),
                9 => span.logs.push(bytes(&field, "logs")?),
                10 => span.process = Some(bytes(&field, "process")?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(span)
    }
}

fn timestamp(message: &[u8], name: &str) -> Result<u64, Malformed> {
    let (seconds, nanos) = time(message, name)?;
    unix_nanos(seconds, nanos).map_err(|error| error.within(name))
}

/// `Timestamp` and `Duration` have the same fields.
fn time(message: &[u8], name: &str) -> Result<(i64, i32), Malformed> {
    let (mut seconds, mut nanos) = (0, 0);
    each_field(message, |field| {
        match field.number {
            1 => seconds = varint(&field, "seconds")? as i64,
            2 => nanos = varint(&field, "nanos")? as i32,
            _ => {}
        }
        Ok(())
    })
    .map_err(|error| error.within(name))?;
    Ok((seconds, nanos))
}

/// A tag of a span or a process, or a field of a log.
#[derive(Debug, Default)]
pub struct Tag<'a> {
    pub key: &'a str,
    kind: u64,
    /// The value if it is a text.
    pub text: &'a str,
    bool: bool,
    int: i64,
    double: f64,
    binary: &'a [u8],
}

impl<'a> Tag<'a> {
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut tag = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => tag.key = text(&field, "key")?,
                2 => tag.kind = varint(&field, "v_type")?,
                3 => tag.text = text(&field, "v_str")?,
                4 => tag.bool = varint(&field, "v_bool")? != 0,
                5 => tag.int = varint(&field, "v_int64")? as i64,
                6 => tag.double = f64::from_bits(fixed64(&field, "v_float64")?),
                7 => tag.binary = bytes(&field, "v_binary")?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(tag)
    }

    pub fn value(&self) -> Value<'a> {
        match self.kind {
            0 => Value::Text(self.text.into()),
            1 => Value::Bool(self.bool),
            2 => Value::Int(self.int),
            3 => Value::Double(self.double),
            4 => Value::Bytes(Cow::Borrowed(self.binary)),
            // Enums are 32 bits wide.
            kind => Value::Text(format!("<Unknown Jaeger TagType \"{}\">", kind as i32).into()),
        }
    }
}

#[derive(Debug, Default)]
pub struct Log<'a> {
    pub time: u64,
    pub fields: Vec<&'a [u8]>,
}

impl<'a> Log<'a> {
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut log = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => log.time = timestamp(bytes(&field, "timestamp")?, "timestamp")?,
                2 => log.fields.push(bytes(&field, "fields")?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(log)
    }
}

/// What a span refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    kind: u64,
}

impl Reference {
    pub fn read(message: &[u8]) -> Result<Self, Malformed> {
        let mut reference = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => reference.trace_id = id16(&field, "trace_id")?,
                2 => reference.span_id = id8(&field, "span_id")?,
                3 => reference.kind = varint(&field, "ref_type")?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(reference)
    }

    pub fn is_child_of(&self) -> bool {
        self.kind == 0
    }

    pub fn is_follows_from(&self) -> bool {
        self.kind == 1
    }
}

#[derive(Debug, Default)]
pub struct Process<'a> {
    pub service: &'a str,
    pub tags: Vec<&'a [u8]>,
}

impl<'a> Process<'a> {
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut process = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => process.service = text(&field, "service_name")?,
                2 => process.tags.push(bytes(&field, "tags")?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(process)
    }
}
