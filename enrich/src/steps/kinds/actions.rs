//! `attributes` and `resource`: simple edits of attributes, one action after the other.

use std::collections::{BTreeMap, BTreeSet};

use ottl::{Draft, EvalError, Part, Statement, Value};
use redact::Hasher;
use regex::Regex;
use schemas::otlp::AnyValue;

use super::effect::Effect;

/// One action.
#[derive(Debug)]
pub(crate) enum Action {
    Insert {
        key: String,
        source: Source,
    },
    Update {
        key: String,
        source: Source,
    },
    Upsert {
        key: String,
        source: Source,
    },
    Delete {
        key: Option<String>,
        pattern: Option<Regex>,
    },
    Hash {
        key: Option<String>,
        pattern: Option<Regex>,
    },
    Extract {
        key: String,
        pattern: Regex,
    },
    /// As the statement says; one that fails leaves the value as it is.
    Convert(Vec<(Part, Statement)>),
}

/// Where a value comes from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) value: Option<Value<'static>>,
    pub(crate) from: Option<String>,
    pub(crate) default: Option<Value<'static>>,
}

/// Actions on the attributes of one kind of message.
#[derive(Debug)]
pub(crate) struct Actions {
    actions: Vec<Action>,
    /// For `hash`; `None`: no action hashes.
    hasher: Option<Hasher>,
}

impl Actions {
    pub(crate) fn new(actions: Vec<Action>, hasher: Option<Hasher>) -> Self {
        Self { actions, hasher }
    }

    pub(super) fn apply(&self, part: Part, draft: &mut Draft<'_>) -> Effect {
        let mut changed = false;
        for action in &self.actions {
            match self.act(action, part, draft) {
                Ok(done) => changed |= done,
                Err(error) => return error.into(),
            }
        }
        Effect {
            changed,
            ..Effect::default()
        }
    }

    /// The hash of an encoded value; empty where there is nothing to hide.
    fn hash(&self, encoded: &[u8]) -> Result<String, EvalError> {
        let value = AnyValue::parse(encoded)?;
        let hash = (self.hasher.as_ref()).and_then(|hasher| hasher.hash(&value));
        let digits = hash.map_or(Vec::new(), |digits| digits.to_vec());
        Ok(String::from_utf8(digits).unwrap_or_default())
    }

    /// Whether anything was done.
    fn act(&self, action: &Action, part: Part, draft: &mut Draft<'_>) -> Result<bool, EvalError> {
        match action {
            Action::Insert { key, source } => put(key, source, part, draft, |there| !there),
            Action::Update { key, source } => put(key, source, part, draft, |there| there),
            Action::Upsert { key, source } => put(key, source, part, draft, |_| true),
            Action::Delete { key, pattern } => {
                let keys = matching(key.as_deref(), pattern.as_ref(), part, draft)?;
                let some = !keys.is_empty();
                draft.remove_attributes(part, keys)?;
                Ok(some)
            }
            Action::Hash { key, pattern } => {
                let is_meant = |known: &str| {
                    let by_pattern = pattern.as_ref().is_some_and(|it| it.is_match(known));
                    by_pattern || key.as_deref() == Some(known)
                };
                let mut hashed = BTreeMap::new();
                for (known, value) in draft.attributes(part)? {
                    if is_meant(&known) && !hashed.contains_key(&*known) {
                        hashed.insert(known.into_owned(), self.hash(&value.encoded()?)?);
                    }
                }
                let some = !hashed.is_empty();
                // One of a name that is there twice would stay as it is.
                draft.remove_attributes(part, hashed.keys().cloned().collect())?;
                for (key, hash) in hashed {
                    draft.set_attribute(part, key, Value::Text(hash.into()))?;
                }
                Ok(some)
            }
            Action::Extract { key, pattern } => {
                let Value::Text(text) = draft.attribute(part, key)? else {
                    return Ok(false);
                };
                let Some(groups) = pattern.captures(&text) else {
                    return Ok(false);
                };
                for name in pattern.capture_names().flatten() {
                    let text = groups.name(name).map_or("", |group| group.as_str());
                    let value = Value::Text(text.to_owned().into());
                    draft.set_attribute(part, name.to_owned(), value)?;
                }
                Ok(true)
            }
            Action::Convert(statements) => {
                let statement = statements.iter().find(|(of, _)| *of == part);
                Ok(statement.is_some_and(|(_, statement)| statement.execute(draft) == Ok(true)))
            }
        }
    }
}

fn put(
    key: &str,
    source: &Source,
    part: Part,
    draft: &mut Draft<'_>,
    wanted: impl Fn(bool) -> bool,
) -> Result<bool, EvalError> {
    if !wanted(draft.has_attribute(part, key)?) {
        return Ok(false);
    }
    let found = match (&source.value, &source.from) {
        (Some(value), _) => Some(value.clone()),
        (None, Some(from)) if draft.has_attribute(part, from)? => {
            Some(draft.attribute(part, from)?.into_owned()?)
        }
        (None, _) => source.default.clone(),
    };
    let Some(value) = found else {
        return Ok(false);
    };
    draft.set_attribute(part, key.to_owned(), value)?;
    Ok(true)
}

/// The keys that are there of those that are meant.
fn matching(
    key: Option<&str>,
    pattern: Option<&Regex>,
    part: Part,
    draft: &Draft<'_>,
) -> Result<Vec<String>, EvalError> {
    let mut keys = BTreeSet::new();
    if let Some(key) = key
        && draft.has_attribute(part, key)?
    {
        keys.insert(key.to_owned());
    }
    if let Some(pattern) = pattern {
        for (known, _) in draft.attributes(part)? {
            if pattern.is_match(&known) {
                keys.insert(known.into_owned());
            }
        }
    }
    Ok(keys.into_iter().collect())
}
