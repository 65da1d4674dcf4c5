//! Grok: regular expressions put together from named ones, `%{NAME}`, `%{NAME:field}` or `%{NAME:field:type}`.
//!
//! After elastic/go-grok v0.3.1, which the Collector uses, with its library of patterns. A pattern is expanded and compiled once, when the
//! condition is read; one that is computed for each span is not supported.

use std::collections::BTreeMap;
use std::fmt::Write;

use regex::Regex;

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, optional, required};
use crate::go_pattern::translated;
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[Converter {
    name: "ExtractGrokPatterns",
    parameters: &[
        required("target", Kind::Text),
        required("pattern", Kind::LiteralText),
        optional("named_captures_only", Kind::LiteralBool),
        optional("pattern_definitions", Kind::ListOf(&Kind::LiteralText)),
    ],
    make: extract,
}];

/// A name and its definition a line, in order of names.
const LIBRARY: &str = include_str!("grok.patterns");
/// In the library, groups that are written out have these for dots.
const DOT: &str = "___";
/// Groups of fields are numbered: a field may occur several times, a name of a group only once.
const GROUP: &str = "grok_";
/// What a pattern may become; a definition that names itself exceeds it.
const EXPANDED_BYTES_MAX: usize = 256 << 10;
const DEPTH_MAX: usize = 64;

/// What a field is made of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Int,
    Float,
    Bool,
}

/// A pattern while it is expanded.
struct Expansion<'d> {
    /// These win over the library's.
    own: &'d BTreeMap<&'d str, &'d str>,
    named_only: bool,
    out: String,
    /// By number of the group.
    fields: Vec<String>,
    types: BTreeMap<String, Type>,
}

impl<'d> Expansion<'d> {
    fn new(own: &'d BTreeMap<&'d str, &'d str>, named_only: bool) -> Self {
        Self {
            own,
            named_only,
            out: String::new(),
            fields: Vec::new(),
            types: BTreeMap::new(),
        }
    }
}

impl Expansion<'_> {
    fn expand(&mut self, pattern: &str, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX || self.out.len() > EXPANDED_BYTES_MAX {
            return Err("the pattern expands without end".to_owned());
        }
        let mut rest = pattern;
        while let Some((before, reference, after)) = next_reference(rest) {
            self.out.push_str(before);
            rest = after;
            let mut parts = reference.split(':');
            let name = parts.next().unwrap_or_default();
            let field = parts.next();
            if let (Some(field), Some(kind)) = (field, parts.next()) {
                self.types.insert(field.to_owned(), kind_of(kind)?);
            }
            let definition = self.own.get(name).copied().or_else(|| library(name));
            let definition =
                definition.ok_or_else(|| format!("there is no pattern of the name {name:?}"))?;
            match field.is_none() && self.named_only {
                true => self.out.push('('),
                false => {
                    let _ = write!(self.out, "(?P<{GROUP}{}>", self.fields.len());
                    self.fields.push(field.unwrap_or(name).to_owned());
                }
            }
            self.expand(definition, depth + 1)?;
            self.out.push(')');
        }
        self.out.push_str(rest);
        Ok(())
    }
}

/// What stands before a reference, what it refers to, and what follows.
fn next_reference(pattern: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + pattern[from..].find("%{")?;
        let inside = &pattern[start + 2..];
        let end = inside.find('}')?;
        if is_reference(&inside[..end]) {
            return Some((&pattern[..start], &inside[..end], &inside[end + 1..]));
        }
        from = start + 2;
    }
}

fn is_reference(text: &str) -> bool {
    let word = |text: &str, also: &[char]| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(&c);
        !text.is_empty() && text.chars().all(fits)
    };
    let parts: Vec<_> = text.split(':').collect();
    match parts[..] {
        [name] => word(name, &[]),
        [name, field] => word(name, &[]) && word(field, &['.', '+']),
        [name, field, kind] => word(name, &[]) && word(field, &['.', '+']) && word(kind, &[]),
        _ => false,
    }
}

fn library(name: &str) -> Option<&'static str> {
    let mut lines = LIBRARY.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(known, _)| *known == name)
        .map(|(_, pattern)| pattern)
}

fn kind_of(kind: &str) -> Result<Type, String> {
    match kind {
        "string" => Ok(Type::Text),
        "int" | "long" => Ok(Type::Int),
        "float" | "double" => Ok(Type::Float),
        "bool" | "boolean" => Ok(Type::Bool),
        _ => Err(format!(
            "unknown type {kind:?}: one of int, long, float, double, boolean, string"
        )),
    }
}

fn typed(text: &str, kind: Type) -> Result<Value<'static>> {
    let value = match kind {
        Type::Text => Some(Value::owned(text)),
        Type::Int => text.parse().ok().map(Value::Int),
        Type::Float => text.parse().ok().map(Value::Float),
        Type::Bool => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
    };
    value.ok_or_else(|| EvalError::new(format!("{text:?} is not of the type {kind:?}")))
}

/// What the fields of a pattern matched; empty where it doesn't match. What matched nothing is left out.
fn extract(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let pattern = args.literal_text(1)?;
    let named_only = args.optional_literal_bool(2).unwrap_or(false);
    let definitions = args.optional_literal_texts(3).unwrap_or_default();
    let mut own = BTreeMap::new();
    for definition in &definitions {
        match definition.split_once('=') {
            Some((name, _)) if name.contains(':') => {
                return Err(format!("the name of a pattern has no colon: {name:?}"));
            }
            Some((name, pattern)) => own.insert(name, pattern),
            None => return Err(format!("{definition:?} is no definition, NAME=pattern")),
        };
    }
    let mut expansion = Expansion::new(&own, named_only);
    expansion.expand(&pattern, 0)?;
    let regex = Regex::new(&translated(&expansion.out)).map_err(|error| {
        format!("the pattern of ExtractGrokPatterns doesn't compile, expanded: {error}")
    })?;
    let fields: Vec<_> = (regex.capture_names().enumerate())
        .filter_map(|(index, name)| {
            let name = name?;
            let number = name.strip_prefix(GROUP).and_then(|at| at.parse().ok());
            let field = number.and_then(|at: usize| expansion.fields.get(at).cloned());
            let field = field.unwrap_or_else(|| name.replace(DOT, "."));
            let kind = expansion.types.get(&field).copied();
            Some((index, field, kind.unwrap_or(Type::Text)))
        })
        .collect();
    if named_only && fields.is_empty() {
        return Err("ExtractGrokPatterns needs a named field, %{NAME:field}".to_owned());
    }
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        let Some(captures) = regex.captures(&target) else {
            return Ok(Value::map([]));
        };
        let mut found = Vec::with_capacity(fields.len());
        for (index, name, kind) in &fields {
            let matched = captures.get(*index).map_or("", |group| group.as_str());
            if !matched.is_empty() {
                found.push((name.clone(), typed(matched, *kind)?));
            }
        }
        Ok(Value::map(found))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pattern of the library by itself, as [`extract`] does it.
    #[test]
    fn every_pattern_of_the_library_compiles() {
        let own = BTreeMap::new();
        let mut count = 0;
        for (name, pattern) in LIBRARY.lines().filter_map(|line| line.split_once(' ')) {
            if name == "#" {
                continue;
            }
            let mut expansion = Expansion::new(&own, true);
            expansion
                .expand(pattern, 0)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            if let Err(error) = Regex::new(&translated(&expansion.out)) {
                panic!("{name}: {error}");
            }
            count += 1;
        }
        assert_eq!(count, 244);
    }

    #[test]
    fn definitions_that_go_round_are_refused() {
        let own = BTreeMap::from([("A", "a%{B}"), ("B", "b%{A}")]);
        let mut expansion = Expansion::new(&own, true);
        assert!(expansion.expand("%{A}", 0).is_err());
        assert!(expansion.expand("%{NOWHERE}", 0).is_err());
        assert!(expansion.expand("%{INT:n:number}", 0).is_err());
    }
}
