//! Glob patterns, as `replace_match` takes them: `*`, `?`, `[a-c]`, `[!a]`, `{one,two}`, a backslash before anything.
//!
//! Not the crate `globset`, whose patterns are for paths: its `?` is a byte and not a character, `[^a]` is a negation, and a slash in `**/` has a
//! meaning.

use std::sync::Arc;

use regex::Regex;

use crate::expr::Expr;
use crate::telemetry::Subject;
use crate::value::{EvalError, Result, Value};

/// A pattern that is translated once where it is a literal.
pub(super) enum Glob {
    Fixed(Arc<Regex>),
    Dynamic(Expr),
}

impl Glob {
    pub(super) fn new(pattern: Expr) -> Result<Self, String> {
        match pattern.literal() {
            Some(Value::Text(text)) => match regex(text) {
                Some(regex) => Ok(Self::Fixed(Arc::new(regex))),
                None => Err(format!("{text:?} is no glob pattern")),
            },
            _ => Ok(Self::Dynamic(pattern)),
        }
    }

    pub(super) fn get(&self, at: &Subject<'_>) -> Result<Arc<Regex>> {
        match self {
            Self::Fixed(regex) => Ok(regex.clone()),
            Self::Dynamic(pattern) => {
                let text = pattern.text(at)?;
                let wrong = || EvalError::new(format!("{text:?} is no glob pattern"));
                regex(&text).map(Arc::new).ok_or_else(wrong)
            }
        }
    }
}

/// The regular expression that matches the same texts, whole.
fn regex(glob: &str) -> Option<Regex> {
    let mut pattern = "(?s)^".to_owned();
    let mut depth = 0_usize;
    let mut characters = glob.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '\\' => pattern.push_str(&regex::escape(&characters.next()?.to_string())),
            '[' => {
                pattern.push('[');
                if characters.next_if_eq(&'!').is_some() {
                    pattern.push('^');
                }
                loop {
                    match characters.next()? {
                        ']' => break,
                        '-' => pattern.push('-'),
                        member => pattern.push_str(&regex::escape(&member.to_string())),
                    }
                }
                pattern.push(']');
            }
            '{' => {
                depth += 1;
                pattern.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                pattern.push(')');
            }
            ',' if depth > 0 => pattern.push('|'),
            other => pattern.push_str(&regex::escape(&other.to_string())),
        }
    }
    pattern.push('$');
    if depth > 0 {
        return None;
    }
    Regex::new(&pattern).ok()
}
