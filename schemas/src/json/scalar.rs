//! Single values of OTLP JSON as protobuf fields: what each type takes, and what it says about the rest.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT};

use crate::otlp::schema::{Field, Kind};
use crate::wire::{put_tag, put_varint};

/// A JSON value that is neither null, an array nor an object.
pub(super) enum Scalar<'a> {
    Bool(bool),
    Integer(i128),
    Double(f64),
    Text(&'a str),
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Text(value) => {
                // Bodies are not for error messages: enough to recognise the value.
                let head: String = value.chars().take(40).collect();
                let dots = if head.len() < value.len() { "…" } else { "" };
                write!(f, "the string {:?}{dots}", head)
            }
        }
    }
}

/// What a type takes, for messages.
pub(super) fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Message(_) => "an object",
        Kind::Text => "a string",
        Kind::Bytes => "a base64 string",
        Kind::Id(_) => "a hex string (OTLP JSON has ids in hex, not base64)",
        Kind::Bool => "true or false",
        Kind::Int32 | Kind::Sint32 => "a 32-bit integer",
        Kind::Uint32 | Kind::Fixed32 => "an unsigned 32-bit integer",
        Kind::Int64 | Kind::Sfixed64 => "a 64-bit integer, as a string or number",
        Kind::Uint64 | Kind::Fixed64 => "an unsigned 64-bit integer, as a string or number",
        Kind::Double => "a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
        Kind::Enum => "an integer (OTLP JSON has no enum names)",
    }
}

/// A value as it goes on the wire.
enum Encoded<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Text(&'a str),
    Bytes(Vec<u8>),
}

/// Appends `value` as `field`, without the tag if it is an element of a packed field, and not at all if it is zero or
/// empty unless `keep_zero`.
pub(super) fn put_scalar(
    out: &mut Vec<u8>,
    field: &Field,
    value: Scalar<'_>,
    packed: bool,
    keep_zero: bool,
) -> Result<(), String> {
    let encoded = encode(field.kind, &value)
        .ok_or_else(|| format!("expected {}, found {value}", expected(field.kind)))?;
    let (wire_type, zero) = match &encoded {
        Encoded::Varint(value) => (0, *value == 0),
        Encoded::Fixed64(value) => (1, *value == 0),
        Encoded::Fixed32(value) => (5, *value == 0),
        Encoded::Text(text) => (2, text.is_empty()),
        Encoded::Bytes(bytes) => (2, bytes.is_empty()),
    };
    if zero && !keep_zero {
        return Ok(());
    }
    if !packed {
        put_tag(out, field.number, wire_type);
    }
    match encoded {
        Encoded::Varint(value) => put_varint(out, value),
        Encoded::Fixed32(value) => out.extend_from_slice(&value.to_le_bytes()),
        Encoded::Fixed64(value) => out.extend_from_slice(&value.to_le_bytes()),
        Encoded::Text(text) => put_bytes(out, text.as_bytes()),
        Encoded::Bytes(bytes) => put_bytes(out, &bytes),
    }
    Ok(())
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// `None` when the type doesn't take the value.
fn encode<'a>(kind: Kind, value: &Scalar<'a>) -> Option<Encoded<'a>> {
    let signed = |value: i64| Encoded::Varint(value as u64);
    Some(match (kind, value) {
        (Kind::Message(_), _) => return None,
        (Kind::Text, Scalar::Text(text)) => Encoded::Text(text),
        (Kind::Bytes, Scalar::Text(text)) => Encoded::Bytes(base64(text)?),
        (Kind::Id(_), Scalar::Text(text)) => Encoded::Bytes(hex(text)?),
        (Kind::Bool, Scalar::Bool(value)) => Encoded::Varint(u64::from(*value)),
        (Kind::Text | Kind::Bytes | Kind::Id(_) | Kind::Bool, _) => return None,
        (Kind::Double, value) => Encoded::Fixed64(double(value)?.to_bits()),
        (Kind::Enum, Scalar::Text(_)) => return None,
        (Kind::Enum | Kind::Int32, value) => signed(i64::from(integer::<i32>(value)?)),
        (Kind::Sint32, value) => {
            let value: i32 = integer(value)?;
            Encoded::Varint(u64::from((value << 1 ^ value >> 31) as u32))
        }
        (Kind::Uint32, value) => Encoded::Varint(u64::from(integer::<u32>(value)?)),
        (Kind::Fixed32, value) => Encoded::Fixed32(integer(value)?),
        (Kind::Int64, value) => signed(integer(value)?),
        (Kind::Uint64, value) => Encoded::Varint(integer(value)?),
        (Kind::Fixed64, value) => Encoded::Fixed64(integer(value)?),
        (Kind::Sfixed64, value) => Encoded::Fixed64(integer::<i64>(value)? as u64),
    })
}

/// An integer of a range, also as a string, also written as `1e3` or `5.0`.
fn integer<T: TryFrom<i128>>(value: &Scalar<'_>) -> Option<T> {
    let integer = match value {
        Scalar::Bool(_) => return None,
        Scalar::Integer(value) => *value,
        Scalar::Double(value) => whole(*value)?,
        Scalar::Text(text) if !is_number(text) => return None,
        Scalar::Text(text) => match text.parse() {
            Ok(value) => value,
            Err(_) => whole(text.parse().ok()?)?,
        },
    };
    T::try_from(integer).ok()
}

fn whole(value: f64) -> Option<i128> {
    (value.fract() == 0.0).then_some(value as i128)
}

fn double(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Bool(_) => None,
        Scalar::Integer(value) => Some(*value as f64),
        Scalar::Double(value) => Some(*value),
        Scalar::Text("NaN") => Some(f64::NAN),
        Scalar::Text("Infinity") => Some(f64::INFINITY),
        Scalar::Text("-Infinity") => Some(f64::NEG_INFINITY),
        Scalar::Text(text) if !is_number(text) => None,
        // What overflows is not a number of this type.
        Scalar::Text(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// Begins as a JSON number does: Rust also parses `+1`, `inf` and `.5`.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit())
}

/// Standard or URL-safe, padded or not, as protobuf's JSON mapping asks.
fn base64(text: &str) -> Option<Vec<u8>> {
    if text.contains(['-', '_']) {
        URL_SAFE_PAD_INDIFFERENT.decode(text).ok()
    } else {
        STANDARD_PAD_INDIFFERENT.decode(text).ok()
    }
}

/// Digits and nothing else: the crate would take a prefix `0x`, OTLP doesn't.
fn hex(text: &str) -> Option<Vec<u8>> {
    const_hex::check_raw(text)
        .then(|| const_hex::decode(text).ok())
        .flatten()
}
