//! `Format`: Go's `fmt.Sprintf` for the verbs that values of this language have: `%v %s %d %f %e %g %t %x %X %q %b %o %c %%`.
//!
//! With width, precision and the flags `-`, `+`, `0`, `#` and space. What doesn't fit is written as Go writes it: `%!d(string=a)`.

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, required};
use crate::value::text::{as_string, exponent};
use crate::value::{DEPTH_MAX, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[Converter {
    name: "Format",
    parameters: &[
        required("format", Kind::LiteralText),
        required("vals", Kind::ListOf(&Kind::Any)),
    ],
    make: |mut args: Args| {
        let (format, values) = (args.literal_text(0)?, args.exprs(1)?);
        Ok(Call::any(move |at| {
            let values: Result<Vec<_>> = values.iter().map(|value| value.eval(at)).collect();
            Ok(Value::owned(sprintf(&format, &values?)?))
        }))
    },
}];

#[derive(Clone, Copy, Default)]
struct Flags {
    left: bool,
    plus: bool,
    zero: bool,
    space: bool,
    width: usize,
    precision: Option<usize>,
}

/// Beyond this a width or precision is cut: Go allows a million, which is no log line.
const WIDTH_MAX: usize = 4096;

fn sprintf(format: &str, values: &[Value<'_>]) -> Result<String> {
    let mut out = String::new();
    let mut used = 0;
    let mut characters = format.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let mut flags = Flags::default();
        while let Some(flag) = characters.next_if(|next| "-+0 #".contains(*next)) {
            match flag {
                '-' => flags.left = true,
                '+' => flags.plus = true,
                '0' => flags.zero = true,
                ' ' => flags.space = true,
                _ => {}
            }
        }
        while let Some(digit) = characters.next_if(char::is_ascii_digit) {
            let digit = digit.to_digit(10).unwrap_or(0) as usize;
            flags.width = (flags.width * 10 + digit).min(WIDTH_MAX);
        }
        if characters.next_if_eq(&'.').is_some() {
            let mut digits = String::new();
            while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            flags.precision = Some(digits.parse().unwrap_or(0).min(WIDTH_MAX));
        }
        match characters.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match values.get(used) {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => {
                    used += 1;
                    out.push_str(&formatted(verb, value, flags)?);
                }
            },
        }
    }
    if used < values.len() {
        let extra: Result<Vec<_>> = values[used..]
            .iter()
            .map(|value| Ok(format!("{}={}", go_type(value), plain(value)?)))
            .collect();
        out.push_str(&format!("%!(EXTRA {})", extra?.join(", ")));
    }
    Ok(out)
}

fn formatted(verb: char, value: &Value<'_>, flags: Flags) -> Result<String> {
    let (numeric, text) = match (verb, value) {
        ('v' | 'd' | 'x' | 'X' | 'o' | 'b', Value::Int(number)) => {
            let size = number.unsigned_abs();
            let digits = match verb {
                'x' => format!("{size:x}"),
                'X' => format!("{size:X}"),
                'o' => format!("{size:o}"),
                'b' => format!("{size:b}"),
                _ => size.to_string(),
            };
            (true, signed(*number < 0, digits, flags))
        }
        ('c', Value::Int(number)) => {
            let character = u32::try_from(*number).ok().and_then(char::from_u32);
            (false, character.unwrap_or('\u{fffd}').to_string())
        }
        ('f' | 'F' | 'e' | 'g' | 'v', Value::Float(number)) => (true, float(verb, *number, flags)),
        ('t' | 'v', Value::Bool(value)) => (false, value.to_string()),
        ('s' | 'v', Value::Text(text)) => (false, cut(text, flags.precision)),
        ('q', Value::Text(text)) => (false, format!("{:?}", cut(text, flags.precision))),
        ('x', Value::Text(text)) => (false, const_hex::encode(text.as_bytes())),
        ('x', Value::Bytes(bytes)) => (false, const_hex::encode(bytes)),
        ('s', Value::Bytes(bytes)) => (false, String::from_utf8_lossy(bytes).into_owned()),
        ('v', Value::Nil) => (false, "<nil>".to_owned()),
        (
            's' | 'v',
            Value::Map(_) | Value::List(_) | Value::Time(_) | Value::TraceId(_) | Value::SpanId(_),
        ) => (false, plain(value)?),
        (verb, Value::Nil) => (false, format!("%!{verb}(<nil>)")),
        (verb, value) => (
            false,
            format!("%!{verb}({}={})", go_type(value), plain(value)?),
        ),
    };
    Ok(padded(text, numeric, flags))
}

fn signed(negative: bool, digits: String, flags: Flags) -> String {
    match (negative, flags.plus, flags.space) {
        (true, ..) => format!("-{digits}"),
        (false, true, _) => format!("+{digits}"),
        (false, false, true) => format!(" {digits}"),
        _ => digits,
    }
}

fn float(verb: char, number: f64, flags: Flags) -> String {
    let size = number.abs();
    let digits = match verb {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number.is_infinite() => "Inf".to_owned(),
        'f' | 'F' => format!("{size:.*}", flags.precision.unwrap_or(6)),
        'e' => exponent(&format!("{size:.*e}", flags.precision.unwrap_or(6))),
        _ => general(size),
    };
    // Infinity always has its sign.
    if number.is_infinite() && !number.is_sign_negative() && !flags.plus {
        return format!("+{digits}");
    }
    signed(number.is_sign_negative() && !number.is_nan(), digits, flags)
}

fn cut(text: &str, precision: Option<usize>) -> String {
    text.chars().take(precision.unwrap_or(usize::MAX)).collect()
}

fn padded(text: String, numeric: bool, flags: Flags) -> String {
    let missing = flags.width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if flags.left {
        return text + &" ".repeat(missing);
    }
    if !flags.zero || !numeric {
        return " ".repeat(missing) + &text;
    }
    let sign = usize::from(text.starts_with(['-', '+', ' ']));
    format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
}

/// `%v`: the shortest text that reads back as the number, with an exponent from 21 digits on.
fn general(size: f64) -> String {
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        exponent(&format!("{size:e}"))
    } else {
        size.to_string()
    }
}

fn plain(value: &Value<'_>) -> Result<String> {
    match value {
        Value::Float(number) => Ok(format!(
            "{}{}",
            if *number < 0.0 { "-" } else { "" },
            general(number.abs())
        )),
        Value::Duration(nanos) => Ok(nanos.to_string()),
        value => as_string(value, DEPTH_MAX),
    }
}

fn go_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Bytes(_) => "[]uint8",
        Value::Time(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
        Value::Map(_) => "pcommon.Map",
        Value::List(_) => "pcommon.Slice",
        value => value.type_name(),
    }
}
