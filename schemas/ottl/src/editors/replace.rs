//! Editors that replace text: what a pattern matches, in one value or in all of a map.

use std::borrow::Cow;
use std::sync::Arc;

use regex::{Captures, Regex};

use super::edit::{Edit, Editor};
use super::glob::Glob;
use super::keys::{map, pairs};
use crate::expr::Call;
use crate::expr::Expr;
use crate::functions::{Args, Kind, optional, required};
use crate::functions::{Bound, Converter, Pattern};
use crate::telemetry::Subject;
use crate::value::{EvalError, Result, Value};

pub(super) const EDITORS: &[Editor] = &[
    Editor {
        name: "replace_pattern",
        parameters: &[
            required("target", Kind::Place),
            required("regex_pattern", Kind::Text),
            required("replacement", Kind::Text),
            optional("function", Kind::Function),
            optional("replacement_format", Kind::Text),
        ],
        make: replace_pattern,
    },
    Editor {
        name: "replace_match",
        parameters: &[
            required("target", Kind::Place),
            required("pattern", Kind::Text),
            required("replacement", Kind::Text),
            optional("function", Kind::Function),
            optional("replacement_format", Kind::Text),
        ],
        make: replace_match,
    },
    Editor {
        name: "replace_all_patterns",
        parameters: &[
            required("target", Kind::MapPlace),
            required("mode", Kind::LiteralText),
            required("regex_pattern", Kind::Text),
            required("replacement", Kind::Text),
            optional("function", Kind::Function),
            optional("replacement_format", Kind::Text),
        ],
        make: replace_all_patterns,
    },
    Editor {
        name: "replace_all_matches",
        parameters: &[
            required("target", Kind::MapPlace),
            required("pattern", Kind::Text),
            required("replacement", Kind::Text),
            optional("function", Kind::Function),
            optional("replacement_format", Kind::Text),
        ],
        make: replace_all_matches,
    },
];

/// What stands in for a match: a text in which `$1` and `${name}` are groups, then through a converter, then into a format.
struct Replacement {
    text: Expr,
    function: Option<&'static Converter>,
    format: Option<Expr>,
}

impl Replacement {
    fn new(args: &mut Args, at: usize) -> Result<Self, String> {
        let replacement = Self {
            text: args.expr(at)?,
            function: args.optional_function(at + 1),
            format: args.optional_expr(at + 2),
        };
        match replacement.function {
            Some(function) if !is_of_one_text(function) => {
                Err(format!("`{}` doesn't take one string", function.name))
            }
            _ => Ok(replacement),
        }
    }

    /// A replacement for a whole value, groups aside.
    fn whole(&self, at: &Subject<'_>) -> Result<String> {
        let text = self.text.text(at)?;
        match self.function {
            None => Ok(text.into_owned()),
            Some(function) => self.converted(function, text.into_owned(), at),
        }
    }

    /// Every match of a pattern replaced.
    fn all(&self, pattern: &Regex, text: &str, at: &Subject<'_>) -> Result<String> {
        let template = self.text.text(at)?;
        let Some(function) = self.function else {
            return Ok(pattern.replace_all(text, &*template).into_owned());
        };
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for captures in pattern.captures_iter(text) {
            let Some(matched) = captures.get(0) else {
                continue;
            };
            out.push_str(&text[end..matched.start()]);
            out.push_str(&self.converted(function, expanded(&captures, &template), at)?);
            end = matched.end();
        }
        out.push_str(&text[end..]);
        Ok(out)
    }

    fn converted(&self, function: &Converter, input: String, at: &Subject<'_>) -> Result<String> {
        let args = Args(vec![Some(Bound::Expr(Expr::Literal(Value::owned(input))))]);
        let call: Call = (function.make)(args).map_err(EvalError::new)?;
        let result = match call.eval(at)? {
            Value::Text(text) => text.into_owned(),
            other => return Err(other.is_not("string")),
        };
        let Some(format) = &self.format else {
            return Ok(result);
        };
        let format = format.text(at)?;
        if format.matches('%').count() != 1 || format.matches("%s").count() != 1 {
            return Err(EvalError::new(
                "a replacement format has one `%s` and no other `%`",
            ));
        }
        Ok(format.replace("%s", &result))
    }
}

fn is_of_one_text(function: &Converter) -> bool {
    matches!(function.parameters, [one] if one.kind == Kind::Text)
}

fn expanded(captures: &Captures<'_>, template: &str) -> String {
    let mut out = String::new();
    captures.expand(template, &mut out);
    out
}

/// Anything but text stays.
fn replace_pattern(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let pattern = Pattern::new("replace_pattern", args.expr(1)?)?;
    let replacement = Replacement::new(&mut args, 2)?;
    Ok(Edit::new(target, move |target, at| {
        let Value::Text(text) = target.read(at)? else {
            return Ok(None);
        };
        let pattern = pattern.get(at)?;
        if !pattern.is_match(&text) {
            return Ok(None);
        }
        Ok(Some(Value::owned(replacement.all(&pattern, &text, at)?)))
    }))
}

fn replace_match(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let pattern = Glob::new(args.expr(1)?)?;
    let replacement = Replacement::new(&mut args, 2)?;
    Ok(Edit::new(target, move |target, at| {
        let pattern = pattern.get(at)?;
        match target.read(at)? {
            Value::Text(text) if pattern.is_match(&text) => {
                Ok(Some(Value::owned(replacement.whole(at)?)))
            }
            _ => Ok(None),
        }
    }))
}

/// Values or keys, by mode. What a function fails on stays.
fn replace_all_patterns(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let keys = match args.literal_text(1)?.as_str() {
        "key" => true,
        "value" => false,
        other => return Err(format!("no mode {other:?}: known are key and value")),
    };
    let pattern = Pattern::new("replace_all_patterns", args.expr(2)?)?;
    let replacement = Replacement::new(&mut args, 3)?;
    Ok(Edit::new(target, move |target, at| {
        let pattern: Arc<Regex> = pattern.get(at)?;
        let mut changed: Vec<(Cow<'static, str>, Value<'static>)> = Vec::new();
        for (mut key, mut value) in pairs(target, at)? {
            if keys {
                if pattern.is_match(&key)
                    && let Ok(replaced) = replacement.all(&pattern, &key, at)
                {
                    key = replaced.into();
                }
            } else if let Value::Text(text) = &value
                && pattern.is_match(text)
                && let Ok(replaced) = replacement.all(&pattern, text, at)
            {
                value = Value::owned(replaced);
            }
            match changed.iter_mut().find(|(known, _)| *known == key) {
                Some(pair) => pair.1 = value,
                None => changed.push((key, value)),
            }
        }
        map(changed)
    }))
}

fn replace_all_matches(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let pattern = Glob::new(args.expr(1)?)?;
    let replacement = Replacement::new(&mut args, 2)?;
    Ok(Edit::new(target, move |target, at| {
        let pattern = pattern.get(at)?;
        let replaced = replacement.whole(at)?;
        let mut pairs = pairs(target, at)?;
        for (_, value) in &mut pairs {
            if matches!(value, Value::Text(text) if pattern.is_match(text)) {
                *value = Value::owned(replaced.as_str());
            }
        }
        map(pairs)
    }))
}
