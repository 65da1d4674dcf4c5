//! A value as text, as the Collector's `pcommon.Value.AsString` has it: what its exporters write where a backend knows nothing but text.
//!
//! Source: `go.opentelemetry.io/collector/pdata` 1.71, `pcommon/value.go`. Text is passed on as it is, UTF-8 or not. Bytes are base64. Lists
//! and maps are JSON with sorted keys, of several values of a key the last; it is empty when a NaN or an infinity is in it, as `json.Encoder` gives up.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{AnyValue, ArrayValues, Attributes, DEPTH_MAX};
use crate::go_text::{self, Html};
use crate::wire::WireError;

impl AnyValue<'_> {
    /// Appends the value as text.
    ///
    /// # Errors
    /// A list or map in it is malformed, or nested too deep. Then part of it may have been appended.
    #[inline]
    pub fn append_as_string(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self {
            AnyValue::String(text) => out.extend_from_slice(text),
            other => return append_other(other, out),
        }
        Ok(())
    }
}

#[inline(never)]
fn append_other(value: &AnyValue<'_>, out: &mut Vec<u8>) -> Result<(), WireError> {
    match value {
        AnyValue::Empty => {}
        AnyValue::String(text) => out.extend_from_slice(text),
        AnyValue::Bool(true) => out.extend_from_slice(b"true"),
        AnyValue::Bool(false) => out.extend_from_slice(b"false"),
        AnyValue::Int(number) => append_integer(*number, out),
        AnyValue::Double(number) => {
            let mut text = String::new();
            // Writing to a string doesn't fail.
            let _ = go_text::float(*number, &mut text);
            out.extend_from_slice(text.as_bytes());
        }
        AnyValue::Bytes(bytes) => out.extend_from_slice(STANDARD.encode(bytes).as_bytes()),
        AnyValue::Array(_) | AnyValue::Kvlist(_) => {
            let mut text = String::new();
            if json(value, DEPTH_MAX, &mut text)? == Json::Written {
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
    Ok(())
}

/// The hot case of a number: no formatting machinery.
fn append_integer(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Json {
    Written,
    /// Something in it has no form in JSON.
    Impossible,
}

fn json(value: &AnyValue<'_>, depth: usize, out: &mut String) -> Result<Json, WireError> {
    match value {
        AnyValue::Empty => out.push_str("null"),
        AnyValue::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        // Writing to a string doesn't fail, here and below.
        AnyValue::Int(number) => drop(write!(out, "{number}")),
        AnyValue::Double(number) if !number.is_finite() => return Ok(Json::Impossible),
        AnyValue::Double(number) => drop(go_text::float(*number, out)),
        AnyValue::String(text) => string(text, out),
        AnyValue::Bytes([]) => out.push_str("null"),
        AnyValue::Bytes(bytes) => string(STANDARD.encode(bytes).as_bytes(), out),
        AnyValue::Array(list) => return json_list(list, deeper(depth)?, out),
        AnyValue::Kvlist(map) => return json_map(map, deeper(depth)?, out),
    }
    Ok(Json::Written)
}

fn deeper(depth: usize) -> Result<usize, WireError> {
    depth
        .checked_sub(1)
        .ok_or(WireError::Depth { limit: DEPTH_MAX })
}

fn json_list(list: &[u8], depth: usize, out: &mut String) -> Result<Json, WireError> {
    out.push('[');
    for (index, value) in ArrayValues::new(list).enumerate() {
        if index > 0 {
            out.push(',');
        }
        if json(&value?, depth, out)? == Json::Impossible {
            return Ok(Json::Impossible);
        }
    }
    out.push(']');
    Ok(Json::Written)
}

fn json_map(map: &[u8], depth: usize, out: &mut String) -> Result<Json, WireError> {
    let mut pairs = Attributes::new(map, 1).collect::<Result<Vec<_>, _>>()?;
    // Stable: of several values of a key, the one that was last stays last.
    pairs.sort_by(|a, b| a.key.cmp(b.key));
    out.push('{');
    let mut is_first = true;
    for (index, pair) in pairs.iter().enumerate() {
        if pairs
            .get(index + 1)
            .is_some_and(|next| next.key == pair.key)
        {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        string(pair.key, out);
        out.push(':');
        if json(&pair.value, depth, out)? == Json::Impossible {
            return Ok(Json::Impossible);
        }
    }
    out.push('}');
    Ok(Json::Written)
}

/// What isn't UTF-8 becomes the escape that Go writes for it, for each byte.
fn string(text: &[u8], out: &mut String) {
    let Ok(text) = std::str::from_utf8(text) else {
        return string_lossy(text, out);
    };
    let _ = go_text::json_string(text, Html::AsIs, out);
}

fn string_lossy(text: &[u8], out: &mut String) {
    out.push('"');
    for chunk in text.utf8_chunks() {
        let mut valid = String::new();
        let _ = go_text::json_string(chunk.valid(), Html::AsIs, &mut valid);
        out.push_str(&valid[1..valid.len() - 1]);
        for _ in chunk.invalid() {
            out.push_str("\\ufffd");
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::wire::{put_fixed64, put_len, put_varint_field};

    fn value(make: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut message = Vec::new();
        make(&mut message);
        message
    }

    fn text(text: &[u8]) -> Vec<u8> {
        value(|out| put_len(out, 1, text))
    }

    fn double(number: f64) -> Vec<u8> {
        value(|out| put_fixed64(out, 4, number.to_bits()))
    }

    fn list(values: &[Vec<u8>]) -> Vec<u8> {
        let list = value(|out| values.iter().for_each(|value| put_len(out, 1, value)));
        value(|out| put_len(out, 5, &list))
    }

    fn map(pairs: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
        let map = value(|out| {
            for (key, of_key) in pairs {
                let pair = value(|out| {
                    put_len(out, 1, key);
                    put_len(out, 2, of_key);
                });
                put_len(out, 1, &pair);
            }
        });
        value(|out| put_len(out, 6, &map))
    }

    #[track_caller]
    fn check(message: &[u8], expected: &[u8]) {
        let mut out = Vec::new();
        let value = AnyValue::parse(message).unwrap();
        value.append_as_string(&mut out).unwrap();
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    #[test]
    fn scalars() {
        check(&[], b"");
        check(&text(b"a<b>\"\n"), b"a<b>\"\n");
        check(&text(b"\xff\x00"), b"\xff\x00");
        check(&value(|out| put_varint_field(out, 2, 1)), b"true");
        check(&value(|out| put_varint_field(out, 2, 0)), b"false");
        for number in [0, 7, -1, i64::MIN, i64::MAX, 1_000_000] {
            let message = value(|out| put_varint_field(out, 3, number as u64));
            check(&message, number.to_string().as_bytes());
        }
        check(&value(|out| put_len(out, 7, b"\xff\xfe")), b"//4=");
        check(&value(|out| put_len(out, 7, b"")), b"");
    }

    /// Random ones are compared with the Collector's own in `export/tests/it/clickhouse/reference.rs`.
    #[test]
    fn doubles_as_go_prints_them() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-10, "1.25e-10"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            check(&double(number), expected.as_bytes());
        }
    }

    #[test]
    fn lists_and_maps_are_json() {
        check(&list(&[]), b"[]");
        check(&map(&[]), b"{}");
        check(
            &list(&[
                text(b"a\"<"),
                vec![],
                double(1e21),
                value(|out| put_len(out, 7, b"x")),
                value(|out| put_len(out, 7, b"")),
            ]),
            br#"["a\"<",null,1e+21,"eA==",null]"#,
        );
        check(
            &map(&[
                (b"b", list(&[text(b"\xffx\xe2\x80\xa8")])),
                (b"a", text(b"old")),
                (b"a", text(b"new")),
                (b"", map(&[(b"k", double(-0.5))])),
            ]),
            br#"{"":{"k":-0.5},"a":"new","b":["\ufffdx\u2028"]}"#,
        );
    }

    /// The Collector's JSON encoder gives up, and what it returns is empty.
    #[test]
    fn what_has_no_form_in_json_leaves_nothing() {
        check(&list(&[text(b"a"), double(f64::NAN)]), b"");
        check(
            &map(&[(b"a", list(&[double(f64::INFINITY)])), (b"b", text(b"c"))]),
            b"",
        );
    }

    #[test]
    fn nesting_has_an_end() {
        let mut deep = text(b"x");
        for _ in 0..DEPTH_MAX {
            deep = list(&[deep]);
        }
        let read = |message: &[u8]| {
            AnyValue::parse(message)
                .unwrap()
                .append_as_string(&mut Vec::new())
        };
        read(&deep).unwrap();
        let error = read(&list(&[deep])).unwrap_err();
        assert_eq!(error, WireError::Depth { limit: DEPTH_MAX });
        // A length beyond the end, within a list.
        assert!(read(&[0x2a, 2, 0x0a, 9]).is_err());
    }
}
