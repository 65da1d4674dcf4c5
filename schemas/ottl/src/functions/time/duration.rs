//! Durations: from text such as `1h15m30.5s`, and to numbers.

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, Parameter, required};
use crate::value::{EvalError, Result, Value};

const OF: &[Parameter] = &[required("duration", Kind::Duration)];

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "Duration",
        parameters: &[required("duration", Kind::Text)],
        make: duration,
    },
    Converter {
        name: "Hours",
        parameters: OF,
        make: |args| {
            number(args, |nanos| {
                Value::Float(in_units(nanos, 3_600_000_000_000))
            })
        },
    },
    Converter {
        name: "Minutes",
        parameters: OF,
        make: |args| number(args, |nanos| Value::Float(in_units(nanos, 60_000_000_000))),
    },
    Converter {
        name: "Seconds",
        parameters: OF,
        make: |args| number(args, |nanos| Value::Float(in_units(nanos, 1_000_000_000))),
    },
    Converter {
        name: "Milliseconds",
        parameters: OF,
        make: |args| number(args, |nanos| Value::Int(nanos / 1_000_000)),
    },
    Converter {
        name: "Microseconds",
        parameters: OF,
        make: |args| number(args, |nanos| Value::Int(nanos / 1_000)),
    },
    Converter {
        name: "Nanoseconds",
        parameters: OF,
        make: |args| number(args, Value::Int),
    },
];

/// A duration that is a literal is read once.
fn duration(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    if let Some(Value::Text(text)) = target.literal() {
        // As in the reference one that can't be read is an error of each evaluation, not of the text.
        let read = parse(text);
        return Ok(Call::any(move |_| read.clone().map(Value::Duration)));
    }
    Ok(Call::any(move |at| {
        Ok(Value::Duration(parse(&target.text(at)?)?))
    }))
}

fn number(mut args: Args, convert: fn(i64) -> Value<'static>) -> Result<Call, String> {
    let target = args.expr(0)?;
    Ok(Call::any(move |at| Ok(convert(target.duration(at)?))))
}

/// Whole units and the rest apart, as Go does: it decides the last bits.
fn in_units(nanos: i64, unit: i64) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// `[-+]?([0-9]*(\.[0-9]*)?[a-z]+)+`, or `0`: Go's `time.ParseDuration`.
pub(super) fn parse(text: &str) -> Result<i64> {
    let wrong = || EvalError::new(format!("{text:?} is no duration such as 1h30m or 250ms"));
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(wrong());
    }
    let mut total: u64 = 0;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (part, after) = component(rest).ok_or_else(wrong)?;
        total = total
            .checked_add(part)
            .filter(|sum| *sum <= 1 << 63)
            .ok_or_else(wrong)?;
        rest = after;
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(nanos)) => Ok(nanos),
        (true, Ok(nanos)) => Ok(-nanos),
        (true, Err(_)) => Ok(i64::MIN),
        (false, Err(_)) => Err(wrong()),
    }
}

/// One number with its unit in nanoseconds, and what follows.
fn component(text: &str) -> Option<(u64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = text.split_at(digits(text));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_length = rest
        .find(|character: char| character == '.' || character.is_ascii_digit())
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at(unit_length);
    let (_, unit) = UNITS.iter().find(|(known, _)| *known == name)?;
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let nanos = whole.checked_mul(*unit).filter(|nanos| *nanos <= 1 << 63)?;
    Some((nanos.checked_add(part_of(fraction, *unit))?, rest))
}

/// A decimal fraction of a unit, rounded down; digits beyond what fits a number are nothing.
fn part_of(fraction: &str, unit: u64) -> u64 {
    let (mut number, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let next = number
            .checked_mul(10)
            .and_then(|number| number.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|next| *next <= i64::MAX as u64) else {
            break;
        };
        number = next;
        scale *= 10.0;
    }
    (number as f64 * (unit as f64 / scale)) as u64
}
