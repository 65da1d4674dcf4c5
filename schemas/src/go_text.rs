//! Texts as Go's encoders write them: numbers and JSON strings, for whatever is compared or hashed with what the Collector wrote.
//!
//! Source: `encoding/json`, functions `floatEncoder` and `appendString`; the Collector's `pcommon.Value.AsString` follows them.

use std::fmt::{Result, Write};

/// What becomes of `<`, `>` and `&` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Html {
    AsIs,
    /// As `json.Marshal` does: `\u003c`.
    Escaped,
}

/// A number as ECMAScript writes it: `1.5`, `1e+21`, `1e-7`, `NaN`, `-Infinity`.
///
/// # Errors
/// Those of `out`.
pub fn float(number: f64, out: &mut impl Write) -> Result {
    if number.is_nan() {
        return out.write_str("NaN");
    }
    if number.is_infinite() {
        let sign = if number < 0.0 { "-" } else { "" };
        return write!(out, "{sign}Infinity");
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return write!(out, "{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => {
            write!(out, "{digits}e+{exponent}")
        }
        _ => out.write_str(&text),
    }
}

/// A JSON string with its quotes.
///
/// # Errors
/// Those of `out`.
pub fn json_string(text: &str, html: Html, out: &mut impl Write) -> Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\u{8}' => out.write_str("\\b")?,
            '\u{c}' => out.write_str("\\f")?,
            '<' | '>' | '&' if html == Html::Escaped => escape(character, out)?,
            '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => escape(character, out)?,
            other => out.write_char(other)?,
        }
    }
    out.write_char('"')
}

fn escape(character: char, out: &mut impl Write) -> Result {
    write!(out, "\\u{:04x}", u32::from(character))
}
