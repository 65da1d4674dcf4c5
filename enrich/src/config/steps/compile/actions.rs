//! The actions of `attributes` and `resource`.

use ottl::{Context, Part, Statement};
use regex::Regex;

use super::Compiler;
use crate::config::steps::{RawAction, RawActionKind, RawConvertedType};
use crate::config::value::RawValue;
use crate::steps::{Action, Actions, Source};

impl Compiler<'_> {
    pub(super) fn actions(&mut self, raw: &[RawAction], at: &str) -> Actions {
        if raw.is_empty() {
            self.problems.push(at, "is empty: name at least one action");
        }
        let mut actions = Vec::new();
        for (index, raw) in raw.iter().enumerate() {
            let at = format!("{at}[{index}]");
            actions.extend(self.action(raw, &at));
        }
        let hashes = (actions.iter()).any(|action| matches!(action, Action::Hash { .. }));
        let hasher = hashes.then(|| (self.hasher)(self.problems)).flatten();
        Actions::new(actions, hasher)
    }

    fn action(&mut self, raw: &RawAction, at: &str) -> Option<Action> {
        let Some(kind) = raw.action else {
            self.problems.push(at, "the key `action` is missing: insert, update, upsert, delete, hash, extract or convert");
            return None;
        };
        self.check(kind, raw, at);
        use RawActionKind as K;
        let key = raw.key.clone();
        let source = || Source {
            value: raw.value.as_ref().map(RawValue::in_ottl),
            from: Some(raw.from_attribute.clone()).filter(|from| !from.is_empty()),
            default: raw.default_value.as_ref().map(RawValue::in_ottl),
        };
        Some(match kind {
            K::Insert => Action::Insert {
                key,
                source: source(),
            },
            K::Update => Action::Update {
                key,
                source: source(),
            },
            K::Upsert => Action::Upsert {
                key,
                source: source(),
            },
            K::Delete | K::Hash => {
                let pattern = match raw.pattern.is_empty() {
                    true => None,
                    false => Some(self.pattern(&raw.pattern, at)?),
                };
                let key = Some(key).filter(|key| !key.is_empty());
                match kind {
                    K::Delete => Action::Delete { key, pattern },
                    _ => Action::Hash { key, pattern },
                }
            }
            K::Extract => self.extract(raw, at)?,
            K::Convert => self.convert(raw, at)?,
        })
    }

    /// Whether the action has what it needs, and nothing else.
    fn check(&mut self, kind: RawActionKind, raw: &RawAction, at: &str) {
        use RawActionKind as K;
        let takes_value = matches!(kind, K::Insert | K::Update | K::Upsert);
        let takes_pattern = matches!(kind, K::Delete | K::Hash | K::Extract);
        let has_value = raw.value.is_some() || !raw.from_attribute.is_empty();
        let given = [
            ("value", raw.value.is_some(), takes_value),
            (
                "from_attribute",
                !raw.from_attribute.is_empty(),
                takes_value,
            ),
            ("default_value", raw.default_value.is_some(), takes_value),
            ("pattern", !raw.pattern.is_empty(), takes_pattern),
            (
                "converted_type",
                raw.converted_type.is_some(),
                kind == K::Convert,
            ),
        ];
        for (key, is_given, is_taken) in given {
            if is_given && !is_taken {
                let message = format!("the action `{}` doesn't use it", kind.name());
                self.problems.push(format!("{at}.{key}"), message);
            }
        }
        let needs_key = !matches!(kind, K::Delete | K::Hash) || raw.pattern.is_empty();
        if raw.key.is_empty() && needs_key {
            self.problems
                .push(at, "the key `key` is missing: the attribute to act on");
        }
        if takes_value && !has_value && raw.default_value.is_none() {
            self.problems.push(
                at,
                format!(
                    "the action `{}` needs `value`, `from_attribute` or `default_value`",
                    kind.name()
                ),
            );
        }
        if raw.value.is_some() && !raw.from_attribute.is_empty() {
            self.problems.push(
                at,
                "`value` and `from_attribute` contradict each other: leave one out",
            );
        }
    }

    fn pattern(&mut self, pattern: &str, at: &str) -> Option<Regex> {
        match Regex::new(&ottl::go_pattern::translated(pattern)) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.problems.push(
                    format!("{at}.pattern"),
                    format!("is no regular expression: {error}"),
                );
                None
            }
        }
    }

    fn extract(&mut self, raw: &RawAction, at: &str) -> Option<Action> {
        if raw.pattern.is_empty() {
            self.problems
                .push(at, "the action `extract` needs `pattern`");
            return None;
        }
        let pattern = self.pattern(&raw.pattern, at)?;
        // The first is the whole match, which has no name.
        let mut groups = pattern.capture_names().skip(1);
        if pattern.captures_len() < 2 || groups.any(|name| name.is_none()) {
            let message = "every group needs a name, and there must be one, such as `(?P<user_id>[0-9]+)`: the names become attributes";
            self.problems.push(format!("{at}.pattern"), message);
            return None;
        }
        Some(Action::Extract {
            key: raw.key.clone(),
            pattern,
        })
    }

    fn convert(&mut self, raw: &RawAction, at: &str) -> Option<Action> {
        let Some(converted) = raw.converted_type else {
            self.problems.push(
                at,
                "the action `convert` needs `converted_type`: int, double or string",
            );
            return None;
        };
        let function = match converted {
            RawConvertedType::Int => "Int",
            RawConvertedType::Double => "Double",
            RawConvertedType::String => "String",
        };
        // As OTTL writes text, which escapes what JSON does.
        let key = serde_json::to_string(&raw.key).unwrap_or_default();
        let text = format!("set(attributes[{key}], {function}(attributes[{key}]))");
        let parts = [
            (Part::Span, Context::Span),
            (Part::Log, Context::Log),
            (Part::DataPoint, Context::DataPoint),
            (Part::Resource, Context::Resource),
        ];
        let mut statements = Vec::new();
        for (part, context) in parts {
            let statement = Statement::compile(context, &text);
            let statement = self.sound(statement.map_err(|found| vec![(0, found)]), |_| {
                format!("{at}.key")
            })?;
            statements.push((part, statement));
        }
        Some(Action::Convert(statements))
    }
}
