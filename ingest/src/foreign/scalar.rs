//! Single values of foreign JSON as protobuf fields: what each kind takes, and what it says about the rest.

use std::fmt::Display;
use std::net::IpAddr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use schemas::wire::{put_fixed64, put_len, put_varint_field};

use super::malformed::shown;
use super::time::{read_duration, read_timestamp};

/// What a value is in JSON, and with it how it stands in protobuf.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    Bool,
    /// A number or a string of digits.
    Int64,
    Uint32,
    /// A number, a string of one, `NaN` or infinite.
    Double,
    /// Bytes as base64.
    Base64,
    /// A name or a number.
    Enum(&'static [(&'static str, u64)]),
    /// A name; any other is the number 0.
    NameOrZero(&'static [(&'static str, u64)]),
    /// A time in RFC 3339, as `google.protobuf.Timestamp`.
    Timestamp,
    /// A duration as Go writes it, as `google.protobuf.Duration`.
    Duration,
    /// An id in up to twice as many hexadecimal digits, as this many bytes.
    Hex(usize),
    /// A whole number that isn't negative, as `fixed64`.
    Fixed64,
    /// The same as a varint, up to this limit.
    Natural(u64),
    /// An IP address, as 4 or 16 bytes.
    Ip,
}

/// A value as JSON has it.
#[derive(Clone, Copy)]
pub enum Scalar<'a> {
    Bool(bool),
    Int(i128),
    Double(f64),
    Text(&'a str),
}

/// The last digit of base64 may have bits that say nothing, as Go takes it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Appends the value as this field.
///
/// # Errors
/// What was expected instead.
pub fn put_scalar(
    out: &mut Vec<u8>,
    number: u32,
    kind: Kind,
    value: Scalar<'_>,
) -> Result<(), String> {
    match (kind, value) {
        (Kind::Text, Scalar::Text(text)) => put_len(out, number, text.as_bytes()),
        (Kind::Bool, Scalar::Bool(value)) => put_varint_field(out, number, value.into()),
        (Kind::Int64, value) => {
            let value = i64::try_from(integer(value)?).map_err(range)?;
            put_varint_field(out, number, value as u64);
        }
        (Kind::Uint32, value) => {
            let value = u32::try_from(integer(value)?).map_err(range)?;
            put_varint_field(out, number, value.into());
        }
        (Kind::Double, value) => put_fixed64(out, number, double(value)?.to_bits()),
        (Kind::Base64, Scalar::Text(text)) => {
            let bytes = BASE64.decode(text).map_err(|error| error.to_string())?;
            put_len(out, number, &bytes);
        }
        (Kind::Enum(names), value) => put_varint_field(out, number, named(names, value)?),
        (Kind::NameOrZero(names), Scalar::Text(name)) => {
            let found = names.iter().find(|(known, _)| *known == name);
            put_varint_field(out, number, found.map_or(0, |(_, value)| *value));
        }
        (Kind::Timestamp, Scalar::Text(text)) => {
            put_time(out, number, read_timestamp(text).map_err(text_of)?);
        }
        (Kind::Duration, Scalar::Text(text)) => {
            put_time(out, number, read_duration(text).map_err(text_of)?);
        }
        (Kind::Hex(bytes), Scalar::Text(text)) => put_len(out, number, &hex(text, bytes)?),
        (Kind::Fixed64, Scalar::Int(value)) => {
            put_fixed64(out, number, u64::try_from(value).map_err(range)?);
        }
        (Kind::Natural(max), Scalar::Int(value)) => {
            let natural = u64::try_from(value).ok().filter(|value| *value <= max);
            let natural = natural.ok_or_else(|| format!("{value} is not within 0 and {max}"))?;
            put_varint_field(out, number, natural);
        }
        (Kind::Ip, Scalar::Text("")) => {}
        (Kind::Ip, Scalar::Text(text)) => match text.parse() {
            Ok(IpAddr::V4(ip)) => put_len(out, number, &ip.octets()),
            Ok(IpAddr::V6(ip)) => put_len(out, number, &ip.octets()),
            Err(_) => return Err(format!("`{}` is no IP address", shown(text))),
        },
        (kind, value) => return Err(unexpected(kind, value)),
    }
    Ok(())
}

fn unexpected(kind: Kind, found: Scalar<'_>) -> String {
    let expected = match kind {
        Kind::Bool => "true or false",
        Kind::Fixed64 | Kind::Natural(_) => "a whole number",
        _ => "a string",
    };
    let found = match found {
        Scalar::Bool(_) => "a boolean",
        Scalar::Int(_) | Scalar::Double(_) => "a number",
        Scalar::Text(_) => "a string",
    };
    format!("expected {expected}, found {found}")
}

fn range(_: std::num::TryFromIntError) -> String {
    "a number out of range".to_owned()
}

fn text_of(error: impl Display) -> String {
    error.to_string()
}

fn integer(value: Scalar<'_>) -> Result<i128, String> {
    match value {
        Scalar::Int(value) => Ok(value),
        Scalar::Text(text) if !text.starts_with('+') => {
            (text.parse::<i128>()).map_err(|_| format!("`{}` is no whole number", shown(text)))
        }
        _ => Err("expected a whole number".to_owned()),
    }
}

fn double(value: Scalar<'_>) -> Result<f64, String> {
    match value {
        Scalar::Int(value) => Ok(value as f64),
        Scalar::Double(value) => Ok(value),
        Scalar::Text("NaN") => Ok(f64::NAN),
        Scalar::Text("Infinity") => Ok(f64::INFINITY),
        Scalar::Text("-Infinity") => Ok(f64::NEG_INFINITY),
        Scalar::Text(text) => {
            serde_json::from_str(text).map_err(|_| format!("`{}` is no number", shown(text)))
        }
        Scalar::Bool(_) => Err("expected a number, found a boolean".to_owned()),
    }
}

fn named(names: &[(&str, u64)], value: Scalar<'_>) -> Result<u64, String> {
    let Scalar::Text(name) = value else {
        let value = i32::try_from(integer(value)?).map_err(range)?;
        return Ok(i64::from(value) as u64);
    };
    let found = names.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("`{}` is none of its values", shown(name)))
}

/// `Timestamp` and `Duration` have the same fields.
fn put_time(out: &mut Vec<u8>, number: u32, (seconds, nanos): (i64, i32)) {
    let mut time = Vec::new();
    put_varint_field(&mut time, 1, seconds as u64);
    put_varint_field(&mut time, 2, i64::from(nanos) as u64);
    put_len(out, number, &time);
}

/// Shorter ids are small numbers; zeros in front don't count.
fn hex(text: &str, bytes: usize) -> Result<Vec<u8>, String> {
    let digits = text.trim_start_matches('0');
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_hex || digits.len() > 2 * bytes {
        return Err(format!(
            "`{}` is no id of up to {} hexadecimal digits",
            shown(text),
            2 * bytes
        ));
    }
    let id = match digits {
        "" => 0,
        digits => u128::from_str_radix(digits, 16).map_err(text_of)?,
    };
    Ok(id.to_be_bytes()[16 - bytes..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, value: Scalar<'_>, expected: Result<&[u8], &str>) {
        let mut out = Vec::new();
        match (put_scalar(&mut out, 1, kind, value), expected) {
            (Ok(()), Ok(expected)) => assert_eq!(out, expected, "{kind:?}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            (other, expected) => panic!("{kind:?}: {other:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn values_of_every_kind() {
        use Scalar::{Bool, Double, Int, Text};
        check(Kind::Text, Text("a"), Ok(&[10, 1, b'a']));
        check(Kind::Text, Int(1), Err("expected a string, found a number"));
        check(Kind::Bool, Bool(true), Ok(&[8, 1]));
        check(Kind::Bool, Text("true"), Err("expected true or false"));
        check(Kind::Int64, Text("5"), Ok(&[8, 5]));
        check(Kind::Int64, Text("+5"), Err("whole number"));
        check(Kind::Int64, Int(1 << 63), Err("out of range"));
        check(Kind::Int64, Double(1.5), Err("whole number"));
        check(Kind::Uint32, Int(-1), Err("out of range"));
        check(Kind::Double, Text("x"), Err("`x` is no number"));
        check(Kind::Base64, Text("AQI="), Ok(&[10, 2, 1, 2]));
        check(Kind::Base64, Text("AQJ="), Ok(&[10, 2, 1, 2]));
        check(Kind::Base64, Text("A"), Err(""));
        check(Kind::Enum(&[("B", 2)]), Text("B"), Ok(&[8, 2]));
        check(Kind::Enum(&[("B", 2)]), Int(7), Ok(&[8, 7]));
        check(Kind::Enum(&[("B", 2)]), Text("b"), Err("`b` is none"));
        check(Kind::NameOrZero(&[("B", 2)]), Text("b"), Ok(&[8, 0]));
        check(
            Kind::Timestamp,
            Text("1970-01-01T00:00:01Z"),
            Ok(&[10, 4, 8, 1, 16, 0]),
        );
        check(Kind::Duration, Text("1s"), Ok(&[10, 4, 8, 1, 16, 0]));
        check(Kind::Hex(2), Text("00abc"), Ok(&[10, 2, 0x0a, 0xbc]));
        check(Kind::Hex(2), Text(""), Ok(&[10, 2, 0, 0]));
        check(Kind::Hex(2), Text("1abcd"), Err("no id of up to 4"));
        check(Kind::Hex(2), Text("+1"), Err("no id"));
        check(Kind::Fixed64, Int(1), Ok(&[9, 1, 0, 0, 0, 0, 0, 0, 0]));
        check(Kind::Fixed64, Int(-1), Err("out of range"));
        check(Kind::Natural(9), Int(9), Ok(&[8, 9]));
        check(Kind::Natural(9), Int(10), Err("not within 0 and 9"));
        check(Kind::Ip, Text("1.2.3.4"), Ok(&[10, 4, 1, 2, 3, 4]));
        check(Kind::Ip, Text(""), Ok(&[]));
        check(Kind::Ip, Text("1.2.3"), Err("no IP address"));
    }
}
