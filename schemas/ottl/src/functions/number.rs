//! Numbers: reading, logarithm, check digits.

use super::signature::{Args, Converter, Kind, required};
use crate::expr::Call;
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "ParseInt",
        parameters: &[required("target", Kind::Text), required("base", Kind::Int)],
        make: parse_int,
    },
    Converter {
        name: "Log",
        parameters: &[required("target", Kind::FloatLike)],
        make: log,
    },
    Converter {
        name: "IsValidLuhn",
        parameters: &[required("target", Kind::TextLike)],
        make: |mut args| {
            let target = args.expr(0)?;
            Ok(Call::any(move |at| match target.text_like(at)? {
                Some(text) => luhn(&text).map(Value::Bool),
                None => Err(EvalError::new("IsValidLuhn needs a value, found nil")),
            }))
        },
    },
];

fn parse_int(mut args: Args) -> Result<Call, String> {
    let (target, base) = (args.expr(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        if target.is_empty() {
            return Err(EvalError::new("ParseInt found an empty text"));
        }
        let base = base.int(at)?;
        let wrong = || EvalError::new(format!("{target:?} is no integer of base {base}"));
        integer(&target, base).map(Value::Int).ok_or_else(wrong)
    }))
}

/// Base 0 means what a prefix says: `0x`, `0o`, `0b`, or octal after a leading 0; digits may then be parted by underscores.
fn integer(text: &str, base: i64) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match base {
        0 => prefixed(digits)?,
        2..=36 => (base as u32, digits.to_owned()),
        _ => return None,
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

fn prefixed(digits: &str) -> Option<(u32, String)> {
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    let parted =
        radix == 10 && digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    (!parted).then(|| (radix, digits.replace('_', "")))
}

fn log(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    Ok(Call::any(move |at| match target.float_like(at)? {
        Some(number) if number > 0.0 || number.is_nan() => Ok(Value::Float(number.ln())),
        _ => Err(EvalError::new("Log needs a number above 0")),
    }))
}

/// Spaces don't count.
fn luhn(text: &str) -> Result<bool> {
    let mut digits = Vec::new();
    for character in text.chars().filter(|character| *character != ' ') {
        let digit = character.to_digit(10);
        digits.push(
            digit.ok_or_else(|| EvalError::new("IsValidLuhn found something else than digits"))?,
        );
    }
    let Some((check, digits)) = digits.split_last() else {
        return Ok(false);
    };
    let weighted = |(index, digit): (usize, &u32)| match (index % 2, digit * 2) {
        (0, doubled) if doubled > 9 => doubled - 9,
        (0, doubled) => doubled,
        _ => *digit,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(weighted).sum();
    Ok((10 - sum % 10) % 10 == *check)
}
