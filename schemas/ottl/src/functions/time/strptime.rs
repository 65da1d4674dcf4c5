//! Times as text, in the notation of `strptime`: `%Y-%m-%dT%H:%M:%S%z`.
//!
//! The directives are the reference's (which has some of its own: `%L`, `%f`, `%s` are fractions, `%i %j %k %w` offsets). Numbers are
//! read with or without leading zeros. Without an offset a text is UTC: nothing here knows the zone of the machine or a
//! database of zones, so that the same text means the same everywhere.

mod piece;
mod read;

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, optional, required};
use crate::value::Time;
use crate::value::{EvalError, Result, Value};
use piece::{DAYS, MONTHS, Piece};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "Time",
        parameters: &[
            required("time", Kind::Text),
            required("format", Kind::LiteralText),
            optional("location", Kind::LiteralText),
            optional("locale", Kind::LiteralText),
        ],
        make: parse_time,
    },
    Converter {
        name: "FormatTime",
        parameters: &[
            required("time", Kind::Time),
            required("format", Kind::LiteralText),
        ],
        make: format_time,
    },
];

/// Directives that stand for several.
const COMPOUND: &[(char, &str)] = &[
    ('D', "%m/%d/%Y"),
    ('x', "%m/%d/%Y"),
    ('F', "%Y-%m-%d"),
    ('T', "%H:%M:%S"),
    ('X', "%H:%M:%S"),
    ('r', "%I:%M:%S %P"),
    ('R', "%H:%M"),
    ('c', "%a %b %d %H:%M:%S %Y"),
];

const SIMPLE: &str = "YymoqbhBdegaAHlIpPMSLfsZzwijknt%";

/// A format as pieces, checked.
fn pieces(format: &str) -> Result<Vec<Piece>, String> {
    if format.is_empty() {
        return Err("a format is not empty".to_owned());
    }
    if format.contains(|character: char| character.is_ascii_digit()) {
        return Err("a format has no digits".to_owned());
    }
    let mut pieces = Vec::new();
    let mut before = None;
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push(character),
                _ => pieces.push(Piece::Text(character.to_string())),
            }
            before = Some(character);
            continue;
        }
        // A `%` at the end is itself.
        let directive = characters.next().unwrap_or('%');
        let compound = COMPOUND.iter().find(|(name, _)| *name == directive);
        match compound {
            Some((_, format)) => pieces.extend(self::pieces(format)?),
            None if !SIMPLE.contains(directive) => {
                return Err(format!("no directive `%{directive}`"));
            }
            None => {
                let fraction = "Lfs".contains(directive);
                if fraction && before.is_some_and(|before| !".,".contains(before)) {
                    return Err(format!("`%{directive}` follows a `.` or a `,`"));
                }
                pieces.push(Piece::Directive(directive));
            }
        }
        before = Some(directive);
    }
    Ok(pieces)
}

fn format_time(mut args: Args) -> Result<Call, String> {
    let time = args.expr(0)?;
    let pieces = pieces(&args.literal_text(1)?)?;
    Ok(Call::any(move |at| {
        Ok(Value::owned(format(&pieces, &time.time(at)?)))
    }))
}

fn format(pieces: &[Piece], time: &Time) -> String {
    let civil = time.civil();
    let mut out = String::new();
    for piece in pieces {
        let directive = match piece {
            Piece::Text(text) => {
                out.push_str(text);
                continue;
            }
            Piece::Directive(directive) => *directive,
        };
        if "Lfs".contains(directive) {
            push_fraction(time.nanos, directive, &mut out);
            continue;
        }
        let month = MONTHS[(civil.month as usize + 11) % 12];
        let weekday = DAYS[time.weekday() as usize % 7];
        let hour_of_12 = (civil.hour + 11) % 12 + 1;
        out.push_str(&match directive {
            'Y' => format!("{:04}", civil.year),
            'y' => format!("{:02}", civil.year.rem_euclid(100)),
            'm' => format!("{:02}", civil.month),
            'o' => format!("_{}", civil.month),
            'q' => civil.month.to_string(),
            'b' | 'h' => month[..3].to_owned(),
            'B' => month.to_owned(),
            'd' => format!("{:02}", civil.day),
            'e' => format!("{:2}", civil.day),
            'g' => civil.day.to_string(),
            'a' => weekday[..3].to_owned(),
            'A' => weekday.to_owned(),
            'H' => format!("{:02}", civil.hour),
            'l' => hour_of_12.to_string(),
            'I' => format!("{hour_of_12:02}"),
            'p' => if civil.hour < 12 { "AM" } else { "PM" }.to_owned(),
            'P' => if civil.hour < 12 { "am" } else { "pm" }.to_owned(),
            'M' => format!("{:02}", civil.minute),
            'S' => format!("{:02}", civil.second),
            'Z' => match time.offset_seconds {
                0 => "UTC".to_owned(),
                offset => offset_text(offset, "", false),
            },
            'z' if time.offset_seconds == 0 => "Z".to_owned(),
            'z' => offset_text(time.offset_seconds, "", false),
            'w' => offset_text(time.offset_seconds, "", true),
            'i' => offset_text(time.offset_seconds, "", false)[..3].to_owned(),
            'j' => offset_text(time.offset_seconds, ":", false),
            'k' => offset_text(time.offset_seconds, ":", true),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            _ => "%".to_owned(),
        });
    }
    out
}

/// The fraction without zeros at its end; when there is none, the point before it goes too.
fn push_fraction(nanos: u32, directive: char, out: &mut String) {
    let digits = match directive {
        'L' => 3,
        'f' => 6,
        _ => 9,
    };
    let text = format!("{nanos:09}");
    let text = text[..digits].trim_end_matches('0');
    if text.is_empty() && out.ends_with(['.', ',']) {
        out.pop();
    }
    out.push_str(text);
}

fn offset_text(offset: i32, colon: &str, seconds: bool) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.abs();
    let mut text = format!("{sign}{:02}{colon}{:02}", offset / 3600, offset / 60 % 60);
    if seconds {
        text.push_str(&format!("{colon}{:02}", offset % 60));
    }
    text
}

fn parse_time(mut args: Args) -> Result<Call, String> {
    let time = args.expr(0)?;
    let pieces = pieces(&args.literal_text(1)?)?;
    match args.optional_literal_text(2).as_deref() {
        None | Some("" | "UTC" | "Etc/UTC" | "GMT") => {}
        Some(location) => {
            return Err(format!(
                "the time zone {location:?} is not known: only UTC is, offsets stand in the text (%z)"
            ));
        }
    }
    match args.optional_literal_text(3).as_deref() {
        None => {}
        Some(locale) if locale == "en" || locale.starts_with("en-") => {}
        Some(locale) => {
            return Err(format!(
                "the locale {locale:?} is not known: only English is"
            ));
        }
    }
    Ok(Call::any(move |at| {
        let text = time.text(at)?;
        let wrong = || EvalError::new(format!("{text:?} is no time of that format"));
        read::time(&pieces, &text)
            .map(Value::Time)
            .ok_or_else(wrong)
    }))
}
