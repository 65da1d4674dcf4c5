//! Structure out of text: JSON, key-value pairs, CSV, named groups of a pattern; and pairs to text again.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::expr::Call;
use crate::functions::pattern::Pattern;
use crate::functions::signature::{Args, Converter, Kind, optional, required};
use crate::value::Map;
use crate::value::text::as_string;
use crate::value::{DEPTH_MAX, EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "ParseJSON",
        parameters: &[required("target", Kind::Text)],
        make: parse_json,
    },
    Converter {
        name: "ParseKeyValue",
        parameters: &[
            required("target", Kind::Text),
            optional("delimiter", Kind::LiteralText),
            optional("pair_delimiter", Kind::LiteralText),
        ],
        make: parse_key_value,
    },
    Converter {
        name: "ToKeyValueString",
        parameters: &[
            required("target", Kind::Map),
            optional("delimiter", Kind::LiteralText),
            optional("pair_delimiter", Kind::LiteralText),
            optional("sort_output", Kind::LiteralBool),
        ],
        make: to_key_value_string,
    },
    Converter {
        name: "ExtractPatterns",
        parameters: &[
            required("target", Kind::Text),
            required("pattern", Kind::Text),
        ],
        make: extract_patterns,
    },
];

/// Objects and lists only. All numbers are floating point numbers.
fn parse_json(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    Ok(Call::any(move |at| {
        let parsed: serde_json::Result<Json> = serde_json::from_str(&target.text(at)?);
        match parsed {
            Ok(json @ (Json::Array(_) | Json::Object(_))) => Ok(from_json(json)),
            Ok(_) => Err(EvalError::new("ParseJSON needs an object or a list")),
            Err(error) => Err(EvalError::new(format!("no JSON: {error}"))),
        }
    }))
}

/// The parser bounds how deep this goes.
fn from_json(json: Json) -> Value<'static> {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::owned(text),
        Json::Array(values) => Value::list(values.into_iter().map(from_json).collect()),
        Json::Object(pairs) => {
            let pair = |(key, value): (String, Json)| (Cow::Owned(key), from_json(value));
            Value::Map(Map::Owned(pairs.into_iter().map(pair).collect()))
        }
    }
}

fn delimiters(args: &mut Args) -> Result<(String, String), String> {
    let delimiter = args
        .optional_literal_text(1)
        .unwrap_or_else(|| "=".to_owned());
    let between = args
        .optional_literal_text(2)
        .unwrap_or_else(|| " ".to_owned());
    if delimiter.is_empty() || between.is_empty() {
        return Err("a delimiter is not empty".to_owned());
    }
    if delimiter == between {
        return Err("`delimiter` and `pair_delimiter` differ".to_owned());
    }
    Ok((delimiter, between))
}

fn parse_key_value(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let (delimiter, between) = delimiters(&mut args)?;
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        if target.is_empty() {
            return Err(EvalError::new("ParseKeyValue found an empty text"));
        }
        let mut pairs = Vec::new();
        for pair in unquoted_parts(&target, &between)? {
            let wrong = || EvalError::new(format!("no {delimiter:?} in the pair {pair:?}"));
            let (key, value) = pair.split_once(&*delimiter).ok_or_else(wrong)?;
            pairs.push((key.trim().to_owned(), Value::owned(value.trim())));
        }
        Ok(Value::map(pairs))
    }))
}

/// Parts between delimiters that don't stand in quotes; the quotes go, a backslash keeps one.
fn unquoted_parts(text: &str, delimiter: &str) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quote = None;
    let mut escaped = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if quote.is_none() && rest.starts_with(delimiter) {
            if !part.is_empty() {
                parts.push(std::mem::take(&mut part));
            }
            rest = &rest[delimiter.len()..];
            continue;
        }
        rest = &rest[character.len_utf8()..];
        if escaped {
            escaped = false;
        } else if quote == Some(character) {
            quote = None;
            continue;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
            continue;
        } else {
            escaped = character == '\\';
        }
        part.push(character);
    }
    if quote.is_some() {
        return Err(EvalError::new("a quote that doesn't end"));
    }
    if !part.is_empty() {
        parts.push(part);
    }
    Ok(parts)
}

fn to_key_value_string(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let (delimiter, between) = delimiters(&mut args)?;
    let sorted = args.optional_literal_bool(3).unwrap_or(false);
    Ok(Call::any(move |at| {
        let mut pairs = target.map(at)?.into_pairs()?;
        if sorted {
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        let quoted = |text: &str| {
            let escaped = text.replace('"', "\\\"");
            match escaped.contains(&*between) || escaped.contains(&*delimiter) {
                true => format!("\"{escaped}\""),
                false => escaped,
            }
        };
        let mut parts = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let value = as_string(&value, DEPTH_MAX)?;
            parts.push(format!("{}{delimiter}{}", quoted(&key), quoted(&value)));
        }
        Ok(Value::owned(parts.join(&between)))
    }))
}

/// What the named groups matched; empty where nothing does.
fn extract_patterns(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let pattern = Pattern::new("ExtractPatterns", args.expr(1)?)?;
    Ok(Call::any(move |at| {
        let pattern = pattern.get(at)?;
        let names: Vec<_> = pattern.capture_names().collect();
        if names.iter().all(Option::is_none) {
            return Err(EvalError::new(
                "ExtractPatterns needs a named group, (?P<name>…)",
            ));
        }
        let target = target.text(at)?;
        let Some(captures) = pattern.captures(&target) else {
            return Ok(Value::map([]));
        };
        let named = names.iter().enumerate().filter_map(|(index, name)| {
            let matched = captures.get(index).map_or("", |group| group.as_str());
            name.map(|name| (name.to_owned(), Value::owned(matched)))
        });
        Ok(Value::map(named))
    }))
}
