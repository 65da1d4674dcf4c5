//! One row of CSV to a map by the names of a header.
//!
//! Not the crate `csv`: the reference makes one row of all lines of a text, and each of its three modes has errors of its own (a bare quote, text
//! behind a closing one), where the crate reads on.

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, optional, required};
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[Converter {
    name: "ParseCSV",
    parameters: &[
        required("target", Kind::Text),
        required("header", Kind::Text),
        optional("delimiter", Kind::LiteralText),
        optional("header_delimiter", Kind::LiteralText),
        optional("mode", Kind::LiteralText),
    ],
    make: parse_csv,
}];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Strict,
    /// A quote may stand anywhere.
    Lazy,
    /// A quote is a character like any other.
    Ignored,
}

fn parse_csv(mut args: Args) -> Result<Call, String> {
    let (target, header) = (args.expr(0)?, args.expr(1)?);
    let delimiter = single(args.optional_literal_text(2), "delimiter")?.unwrap_or(',');
    let header_delimiter =
        single(args.optional_literal_text(3), "header_delimiter")?.unwrap_or(delimiter);
    let quotes = match args.optional_literal_text(4).as_deref() {
        None | Some("strict") => Quotes::Strict,
        Some("lazyQuotes") => Quotes::Lazy,
        Some("ignoreQuotes") => Quotes::Ignored,
        Some(other) => {
            return Err(format!(
                "no mode {other:?}: known are strict, lazyQuotes and ignoreQuotes"
            ));
        }
    };
    Ok(Call::any(move |at| {
        let (target, header) = (target.text(at)?, header.text(at)?);
        if header.is_empty() {
            return Err(EvalError::new("ParseCSV needs a header"));
        }
        let names: Vec<_> = header.split(header_delimiter).collect();
        let fields = match quotes {
            Quotes::Ignored => target.split(delimiter).map(str::to_owned).collect(),
            quotes => fields(&target, delimiter, quotes)?,
        };
        if names.len() != fields.len() {
            let (names, fields) = (names.len(), fields.len());
            return Err(EvalError::new(format!(
                "{names} names in the header, {fields} fields"
            )));
        }
        let names = names.into_iter().map(str::to_owned);
        Ok(Value::map(names.zip(fields.into_iter().map(Value::owned))))
    }))
}

fn single(text: Option<String>, what: &str) -> Result<Option<char>, String> {
    let Some(text) = text else {
        return Ok(None);
    };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(Some(character)),
        _ => Err(format!("`{what}` is one character")),
    }
}

/// All lines of the text make one row: what stands before a line's first delimiter goes on with the field before it.
fn fields(text: &str, delimiter: char, quotes: Quotes) -> Result<Vec<String>> {
    let text = text.replace("\r\n", "\n");
    let mut fields: Vec<String> = Vec::new();
    let mut rest = &*text;
    while !rest.is_empty() {
        // Empty lines are none.
        if let Some(after) = rest.strip_prefix('\n') {
            rest = after;
            continue;
        }
        let mut joins = !fields.is_empty();
        loop {
            let (field, end, after) = field(rest, delimiter, quotes)?;
            match fields.last_mut() {
                Some(last) if joins => {
                    last.push('\n');
                    last.push_str(&field);
                }
                _ => fields.push(field),
            }
            joins = false;
            rest = after;
            if end != End::Delimiter {
                break;
            }
        }
    }
    if fields.is_empty() {
        return Err(EvalError::new("ParseCSV found an empty text"));
    }
    Ok(fields)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Delimiter,
    Line,
}

/// The next field, what ends it, and what follows.
fn field(text: &str, delimiter: char, quotes: Quotes) -> Result<(String, End, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let length = text.find([delimiter, '\n']).unwrap_or(text.len());
        let (field, after) = text.split_at(length);
        if quotes == Quotes::Strict && field.contains('"') {
            return Err(EvalError::new("a bare quote in a field of CSV"));
        }
        let (end, after) = ending(after, delimiter).unwrap_or((End::Line, ""));
        return Ok((field.to_owned(), end, after));
    };
    let mut field = String::new();
    loop {
        let Some(quote) = rest.find('"') else {
            if quotes == Quotes::Strict {
                return Err(EvalError::new("a quote in CSV that doesn't end"));
            }
            field.push_str(rest);
            return Ok((field, End::Line, ""));
        };
        field.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        if let Some((end, after)) = ending(rest, delimiter) {
            return Ok((field, end, after));
        }
        if let Some(after) = rest.strip_prefix('"') {
            rest = after;
        } else if quotes == Quotes::Strict {
            return Err(EvalError::new(
                "text behind the closing quote of a field of CSV",
            ));
        }
        field.push('"');
    }
}

fn ending(text: &str, delimiter: char) -> Option<(End, &str)> {
    if let Some(after) = text.strip_prefix(delimiter) {
        return Some((End::Delimiter, after));
    }
    if text.is_empty() {
        return Some((End::Line, text));
    }
    text.strip_prefix('\n').map(|after| (End::Line, after))
}
