//! Paths of a text to places in the telemetry.

use super::Compiler;
use crate::expr::{Expr, Key, Place};
use crate::paths::{Entry, Field, Keys, ROOT_PATHS};
use crate::problem::did_you_mean;
use crate::syntax::ast;
use crate::telemetry::{Context, Part};
use crate::value::Value;

impl Compiler<'_> {
    pub(super) fn place(&mut self, path: &ast::Path) -> Option<Place> {
        let (part, fields) = self.part(&path.fields);
        let name = dotted(fields);
        let is_root = self.context == Context::Trace && part == Part::Span;
        let more = if is_root { ROOT_PATHS } else { &[] };
        let mut entries = part.paths().iter().chain(more);
        let Some((_, keys, field)) = entries.find(|(known, ..)| *known == name) else {
            self.unknown_path(path, part);
            // What is wrong with its keys is told all the same.
            for field in &path.fields {
                self.keys(&field.keys);
            }
            return None;
        };
        if *field == Field::Cache && part != self.context.part() {
            let message = format!("the cache is reached as `{}.cache`", self.context.name());
            self.report.add(path.at, message);
            return None;
        }
        let (last, before) = fields.split_last()?;
        if let Some(field) = before.iter().find(|field| !field.keys.is_empty()) {
            let message = format!("`{}` takes no keys here", field.name);
            self.report.add(field.at, message);
            return None;
        }
        let compiled = self.keys(&last.keys)?;
        self.check_keys(last, *keys, &compiled)?;
        self.note(part, *field, &compiled);
        Some(Place {
            field: *field,
            keys: compiled,
        })
    }

    /// The message that a path refers to, and the path within it.
    fn part<'f>(&self, fields: &'f [ast::Field]) -> (Part, &'f [ast::Field]) {
        let prefixed = |fields: &'f [ast::Field], context: Context| match fields {
            [first, rest @ ..] if first.keys.is_empty() && !rest.is_empty() => {
                let prefix = context
                    .prefixes()
                    .iter()
                    .find(|(name, _)| *name == first.name);
                prefix.map(|(_, part)| (*part, rest))
            }
            _ => None,
        };
        match prefixed(fields, self.context) {
            // `root.resource.attributes["a"]`: the root span's resource.
            Some((Part::Span, rest)) if self.context == Context::Trace => {
                prefixed(rest, Context::Span).unwrap_or((Part::Span, rest))
            }
            Some(found) => found,
            None => (self.context.part(), fields),
        }
    }

    fn check_keys(&mut self, field: &ast::Field, allowed: Keys, keys: &[Key]) -> Option<()> {
        let name = &field.name;
        let message = match (allowed, keys) {
            (_, []) | (Keys::Any, _) => return Some(()),
            (Keys::None, _) => format!("`{name}` takes no keys"),
            (Keys::Map, [Key::Int(_), ..]) => format!("`{name}` is a map: its key is a string"),
            (Keys::Map, _) | (Keys::One, [Key::Text(_)]) => return Some(()),
            (Keys::One, _) => format!("`{name}` takes one key, a string"),
        };
        self.report.add(field.at, message);
        None
    }

    fn note(&mut self, part: Part, field: Field, keys: &[Key]) {
        if !self.parts.contains(&part) {
            self.parts.push(part);
        }
        if let (true, Some(Key::Text(key))) = (field.is_attributes(), keys.first()) {
            let named = (part, key.clone());
            if !self.attributes.contains(&named) {
                self.attributes.push(named);
            }
        }
    }

    pub(super) fn keys(&mut self, keys: &[ast::Key]) -> Option<Vec<Key>> {
        let key = |key: &ast::Key| {
            Some(match key {
                ast::Key::Text(text) => Key::Text(text.clone()),
                ast::Key::Int(index) => Key::Int(*index),
                ast::Key::Expr(expr) => match self.expr(expr)? {
                    Expr::Literal(Value::Int(index)) => Key::Int(index),
                    expr => Key::Expr(Box::new(expr)),
                },
            })
        };
        let keys: Vec<_> = keys.iter().map(key).collect();
        keys.into_iter().collect()
    }

    fn unknown_path(&mut self, path: &ast::Path, part: Part) {
        let written = dotted(&path.fields);
        let context = self.context;
        let message = format!("no path `{written}` in the context `{}`", context.name());
        let name = |prefix: &str, (entry, ..): &Entry| format!("{prefix}.{entry}");
        let prefixes = context.prefixes();
        let mut known: Vec<String> = prefixes
            .iter()
            .flat_map(|(prefix, part)| part.paths().iter().map(|entry| name(prefix, entry)))
            .collect();
        if context == Context::Trace {
            known.extend(ROOT_PATHS.iter().map(|entry| name("root", entry)));
        }
        known.extend(
            context
                .part()
                .paths()
                .iter()
                .map(|(entry, ..)| (*entry).to_owned()),
        );
        let help = did_you_mean(&written, known.iter().map(String::as_str)).unwrap_or_else(|| {
            let paths: Vec<_> = part.paths().iter().map(|(entry, ..)| *entry).collect();
            let prefixes: Vec<_> = prefixes.iter().map(|(name, _)| *name).collect();
            format!(
                "paths begin with {}; known here: {}",
                prefixes.join(", "),
                paths.join(", ")
            )
        });
        self.report.add_with_help(path.at, message, Some(help));
    }
}

fn dotted(fields: &[ast::Field]) -> String {
    let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    names.join(".")
}
