//! The smallest things that JSON is made of, appended to bytes: texts, numbers, ids. What they mean is their writers' matter.
//!
//! Not `serde_json::Value`: whoever writes a document for each item has no time for a tree of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What stands behind the backslash; 0: the byte stands for itself, `u`: as `\u00xx`.
const ESCAPES: [u8; 256] = escapes();

const fn escapes() -> [u8; 256] {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0a] = b'n';
    escapes[0x0c] = b'f';
    escapes[0x0d] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
}

/// A string. What is no UTF-8 becomes U+FFFD.
pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    put_escaped(out, text);
    out.push(b'"');
}

/// What stands between the quotes of [`put_text`].
pub fn put_escaped(out: &mut Vec<u8>, text: &[u8]) {
    if std::str::from_utf8(text).is_ok() {
        return escape(out, text);
    }
    for chunk in text.utf8_chunks() {
        escape(out, chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(REPLACEMENT);
        }
    }
}

fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let mut written = 0;
    for (at, byte) in text.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&text[written..at]);
        written = at + 1;
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"00");
            out.extend_from_slice(&digits);
        }
    }
    out.extend_from_slice(&text[written..]);
}

/// A number.
pub fn put_unsigned(out: &mut Vec<u8>, value: u64) {
    // Writing to memory doesn't fail.
    let _ = serde_json::to_writer(out, &value);
}

/// A number.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    let _ = serde_json::to_writer(out, &value);
}

/// A number, in the fewest digits that read back as the same, with a point or an exponent. JSON has no NaN and no infinities: they are `null`.
pub fn put_double(out: &mut Vec<u8>, value: f64) {
    let _ = serde_json::to_writer(out, &value);
}

/// `true` or `false`.
pub fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// A string of hexadecimal digits.
pub fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    put_hex_digits(out, bytes);
    out.push(b'"');
}

/// What stands between the quotes of [`put_hex`].
pub fn put_hex_digits(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    // The length fits, so this doesn't fail.
    let _ = const_hex::encode_to_slice(bytes, &mut out[start..]);
}

/// A string of base64, padded.
pub fn put_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// A number as ECMAScript writes it, and Go's JSON: `1`, `1e+21`, `1e-7`; `NaN`, `Infinity`, `-Infinity`. Not JSON's own [`put_double`], but what a
/// number is as text.
pub fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        let sign = if number < 0.0 { "-" } else { "" };
        return format!("{sign}Infinity");
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    signed_exponent(&format!("{number:e}"))
}

/// `1e21` as `1e+21`.
fn signed_exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            put_text(&mut out, text.as_bytes());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn any_bytes_become_text(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut out = Vec::new();
            put_text(&mut out, &bytes);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn numbers_read_back(double in any::<f64>(), signed in any::<i64>(), unsigned in any::<u64>()) {
            let mut out = vec![b'['];
            put_double(&mut out, double);
            out.push(b',');
            put_signed(&mut out, signed);
            out.push(b',');
            put_unsigned(&mut out, unsigned);
            out.push(b']');
            let (read, a, b): (Option<f64>, i64, u64) = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read, Some(double).filter(|double| double.is_finite()));
            prop_assert_eq!((a, b), (signed, unsigned));
        }
    }

    #[test]
    fn doubles_as_text() {
        for (number, text) in [
            (1.0, "1"),
            (-0.5, "-0.5"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (123_456_789_012.0, "123456789012"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(double_text(number), text);
        }
    }
}
