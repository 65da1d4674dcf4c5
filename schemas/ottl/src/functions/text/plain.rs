//! Text to text.

use crate::expr::Call;
use crate::expr::Expr;
use crate::functions::signature::{Args, Converter, Kind, Parameter, optional, required};
use crate::value::{EvalError, Result, Value};

const TARGET: &[Parameter] = &[required("target", Kind::Text)];

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "Concat",
        parameters: &[
            required("vals", Kind::ListOf(&Kind::TextLike)),
            required("delimiter", Kind::Text),
        ],
        make: concat,
    },
    Converter {
        name: "Split",
        parameters: &[
            required("target", Kind::Text),
            required("delimiter", Kind::Text),
        ],
        make: split,
    },
    Converter {
        name: "Substring",
        parameters: &[
            required("target", Kind::Text),
            required("start", Kind::Int),
            required("length", Kind::Int),
            optional("utf8_safe", Kind::LiteralBool),
        ],
        make: substring,
    },
    Converter {
        name: "Trim",
        parameters: &[
            required("target", Kind::Text),
            optional("replacement", Kind::LiteralText),
        ],
        make: trim,
    },
    Converter {
        name: "TrimPrefix",
        parameters: &[
            required("target", Kind::Text),
            required("prefix", Kind::Text),
        ],
        make: |args| {
            two(args, |text, prefix| {
                text.strip_prefix(prefix).unwrap_or(text)
            })
        },
    },
    Converter {
        name: "TrimSuffix",
        parameters: &[
            required("target", Kind::Text),
            required("suffix", Kind::Text),
        ],
        make: |args| {
            two(args, |text, suffix| {
                text.strip_suffix(suffix).unwrap_or(text)
            })
        },
    },
    Converter {
        name: "ConvertCase",
        parameters: &[
            required("target", Kind::Text),
            required("to_case", Kind::LiteralText),
        ],
        make: convert_case,
    },
    Converter {
        name: "ToLowerCase",
        parameters: TARGET,
        make: |args| cased(args, lower),
    },
    Converter {
        name: "ToUpperCase",
        parameters: TARGET,
        make: |args| cased(args, upper),
    },
    Converter {
        name: "ToSnakeCase",
        parameters: TARGET,
        make: |args| cased(args, snake),
    },
    Converter {
        name: "ToCamelCase",
        parameters: TARGET,
        make: |args| cased(args, camel),
    },
];

/// Nil is written as Go writes it.
fn concat(mut args: Args) -> Result<Call, String> {
    let (values, delimiter) = (args.exprs(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let delimiter = delimiter.text(at)?;
        let mut out = String::new();
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                out.push_str(&delimiter);
            }
            match value.text_like(at)? {
                Some(text) => out.push_str(&text),
                None => out.push_str("<nil>"),
            }
        }
        Ok(Value::owned(out))
    }))
}

fn split(mut args: Args) -> Result<Call, String> {
    let (target, delimiter) = (args.expr(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        let delimiter = delimiter.text(at)?;
        // Without a delimiter each character stands alone.
        let parts: Vec<_> = match &*delimiter {
            "" => target.chars().map(Value::owned).collect(),
            delimiter => target.split(delimiter).map(Value::owned).collect(),
        };
        Ok(Value::list(parts))
    }))
}

/// Counts bytes. A character that would be cut in two is an error, or left out where the text asks for that.
fn substring(mut args: Args) -> Result<Call, String> {
    let (target, start, length) = (args.expr(0)?, args.expr(1)?, args.expr(2)?);
    let whole_characters = args.optional_literal_bool(3).unwrap_or(false);
    Ok(Call::any(move |at| {
        let start = start.int(at)?;
        if start < 0 {
            return Err(EvalError::new("Substring needs a start of 0 or more"));
        }
        let length = length.int(at)?;
        if length <= 0 {
            return Err(EvalError::new("Substring needs a length above 0"));
        }
        let target = target.text(at)?;
        let bounds = usize::try_from(start)
            .ok()
            .zip(usize::try_from(length).ok());
        let end = bounds.and_then(|(start, length)| start.checked_add(length));
        let (Some((mut start, _)), Some(mut end)) =
            (bounds, end.filter(|end| *end <= target.len()))
        else {
            return Err(EvalError::new(
                "Substring reaches beyond the end of the text",
            ));
        };
        if whole_characters {
            while !target.is_char_boundary(start) {
                start += 1;
            }
            while start < end && !target.is_char_boundary(end) {
                end -= 1;
            }
            end = end.max(start);
        }
        match target.get(start..end) {
            Some(part) => Ok(Value::owned(part)),
            None => Err(EvalError::new(
                "Substring cuts a character in two; utf8_safe leaves it out",
            )),
        }
    }))
}

fn trim(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let characters = args
        .optional_literal_text(1)
        .unwrap_or_else(|| " ".to_owned());
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        Ok(Value::owned(
            target.trim_matches(|character| characters.contains(character)),
        ))
    }))
}

fn two(mut args: Args, apply: for<'t> fn(&'t str, &str) -> &'t str) -> Result<Call, String> {
    let (target, other) = (args.expr(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        Ok(Value::owned(apply(&target, &other.text(at)?)))
    }))
}

fn convert_case(mut args: Args) -> Result<Call, String> {
    let case = match args.literal_text(1)?.as_str() {
        "lower" => lower,
        "upper" => upper,
        "snake" => snake,
        "camel" => camel,
        other => {
            return Err(format!(
                "no case {other:?}: known are lower, upper, snake and camel"
            ));
        }
    };
    in_case(args.expr(0)?, case)
}

fn cased(mut args: Args, case: fn(&str) -> String) -> Result<Call, String> {
    in_case(args.expr(0)?, case)
}

fn in_case(target: Expr, case: fn(&str) -> String) -> Result<Call, String> {
    Ok(Call::any(move |at| {
        Ok(Value::owned(case(&target.text(at)?)))
    }))
}

/// Character by character: what has no single counterpart stays, as in Go.
fn lower(text: &str) -> String {
    text.chars()
        .map(|character| single(character, character.to_lowercase()))
        .collect()
}

fn upper(text: &str) -> String {
    text.chars()
        .map(|character| single(character, character.to_uppercase()))
        .collect()
}

fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(mapped), None) => mapped,
        _ => character,
    }
}

/// Words of capitals, words of small letters and numbers, joined by underscores: `strcase.ToSnake`.
fn snake(text: &str) -> String {
    let characters: Vec<char> = text.trim().chars().collect();
    let at = |index: usize| characters.get(index).copied();
    let mut out = String::with_capacity(text.len() + 2);
    for (index, &character) in characters.iter().enumerate() {
        let kind = Letter::of(character);
        let next = at(index + 1).map_or(Letter::Other, Letter::of);
        let before = index
            .checked_sub(1)
            .and_then(at)
            .map_or(Letter::Other, Letter::of);
        let changes = kind != next && kind != Letter::Other && next != Letter::Other;
        if changes {
            let ends_acronym = kind == Letter::Capital && next == Letter::Small;
            if ends_acronym && before == Letter::Capital {
                out.push('_');
            }
            out.push(character.to_ascii_lowercase());
            if kind != Letter::Capital || next == Letter::Digit {
                out.push('_');
            }
        } else if matches!(character, ' ' | '_' | '-' | '.') {
            out.push('_');
        } else {
            out.push(character.to_ascii_lowercase());
        }
    }
    out
}

/// Words with a capital in front and nothing in between: `strcase.ToCamel`. Anything but ASCII letters and digits goes.
fn camel(text: &str) -> String {
    let text = text.trim();
    let mut out = String::with_capacity(text.len());
    let mut capital_next = true;
    let mut after_capital = false;
    for mut character in text.chars() {
        let kind = Letter::of(character);
        if capital_next {
            character = character.to_ascii_uppercase();
        } else if after_capital && kind == Letter::Capital {
            character = character.to_ascii_lowercase();
        }
        after_capital = kind == Letter::Capital;
        match kind {
            Letter::Capital | Letter::Small => {
                out.push(character);
                capital_next = false;
            }
            Letter::Digit => {
                out.push(character);
                capital_next = true;
            }
            Letter::Other => capital_next = matches!(character, '_' | ' ' | '-' | '.'),
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    Capital,
    Small,
    Digit,
    Other,
}

impl Letter {
    fn of(character: char) -> Self {
        match character {
            'A'..='Z' => Self::Capital,
            'a'..='z' => Self::Small,
            '0'..='9' => Self::Digit,
            _ => Self::Other,
        }
    }
}
