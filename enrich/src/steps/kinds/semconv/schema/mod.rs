//! `schema`: attributes of older semantic conventions become those of one version.
//!
//! It goes by the attributes that are there, as many SDKs don't say which schema they follow. Names and units of metrics are left alone: a unit that
//! changed would need all of a metric's values.

mod table;
mod value;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use ottl::{Draft, EvalError, Part, Value};
use schemas::Signal;

use super::super::effect::Effect;
use super::super::heads::{Heads, Slot};
pub(crate) use table::Family;
use table::{Of, PREFIXES, RULES};
use value::{Change, changed};

/// The version whose names are given.
pub(crate) const VERSION: &str = "1.41.0";
const URLS: &str = "https://opentelemetry.io/schemas/";

/// By an old attribute, the numbers of the rules about it, as bits.
static BY_KEY: LazyLock<HashMap<&[u8], u128>> = LazyLock::new(|| {
    let mut by_key = HashMap::new();
    for (number, rule) in RULES.iter().enumerate() {
        *by_key.entry(rule.old.as_bytes()).or_default() |= 1 << number;
    }
    by_key
});

/// Brings attributes up to date.
#[derive(Debug)]
pub(crate) struct Schema {
    families: Vec<Family>,
    /// Old attributes stay beside the new ones.
    keep_old: bool,
    /// What is done to resources, and to their scopes.
    resource: Slot,
    scope: Slot,
    url: String,
    version: [u32; 3],
}

impl Schema {
    pub(crate) fn new(families: Vec<Family>, keep_old: bool, resource: Slot, scope: Slot) -> Self {
        Self {
            families,
            keep_old,
            resource,
            scope,
            url: format!("{URLS}{VERSION}"),
            version: version_of(VERSION).unwrap_or_default(),
        }
    }

    pub(in crate::steps) fn apply(
        &self,
        signal: Signal,
        draft: &mut Draft<'_>,
        heads: &mut Heads,
    ) -> Effect {
        let mut effect = heads.once(self.resource, draft, |draft| {
            self.head(Part::Resource, draft)
        });
        effect.then(heads.once(self.scope, draft, |draft| self.head(Part::Scope, draft)));
        let item = match signal {
            Signal::Traces => self.of_part(Part::Span, draft),
            Signal::Logs => self.of_part(Part::Log, draft),
            Signal::Metrics => Ok(false),
        };
        effect.then(told(item));
        effect
    }

    /// A resource or scope, and the schema that it says it follows.
    fn head(&self, part: Part, draft: &mut Draft<'_>) -> Effect {
        let attributes = match part {
            Part::Resource => self.of_part(part, draft),
            _ => Ok(false),
        };
        let mut effect = told(attributes);
        effect.then(told(self.set_url(part, draft)));
        effect
    }

    /// Nothing is said of schemas that aren't OpenTelemetry's, and a newer one than ours isn't taken back.
    fn set_url(&self, part: Part, draft: &mut Draft<'_>) -> Result<bool, EvalError> {
        let url = draft.schema_url(part)?;
        let is_older = match url.strip_prefix(URLS) {
            Some(version) => version_of(version).is_some_and(|version| version < self.version),
            None => url.is_empty(),
        };
        if is_older {
            draft.set_schema_url(part, self.url.clone())?;
        }
        Ok(is_older)
    }

    fn of_part(&self, part: Part, draft: &mut Draft<'_>) -> Result<bool, EvalError> {
        // Most have no old attribute: one look at the keys says so.
        let mut found: u128 = 0;
        let mut with_prefix: Vec<(usize, String)> = Vec::new();
        draft.visit_keys(part, |key| {
            if !may_be_old(key) {
                return;
            }
            found |= BY_KEY.get(key).copied().unwrap_or_default();
            for (number, prefix) in PREFIXES.iter().enumerate() {
                if let Some(rest) = key.strip_prefix(prefix.old.as_bytes()) {
                    with_prefix.push((number, String::from_utf8_lossy(rest).into_owned()));
                }
            }
        })?;
        let kind = match part {
            Part::Span if found != 0 => draft.span_kind()?,
            _ => 0,
        };
        let mut changed = false;
        while found != 0 {
            let number = found.trailing_zeros() as usize;
            found &= found - 1;
            changed |= self.one(number, kind, part, draft)?;
        }
        for (number, rest) in with_prefix {
            let prefix = &PREFIXES[number];
            if self.families.contains(&prefix.family) {
                let old = format!("{}{rest}", prefix.old);
                let new = format!("{}{rest}", prefix.new);
                changed |= self.renamed(part, old, new, Change::Name, draft)?;
            }
        }
        Ok(changed)
    }

    /// Applies a rule of the table.
    fn one(
        &self,
        number: usize,
        kind: i64,
        part: Part,
        draft: &mut Draft<'_>,
    ) -> Result<bool, EvalError> {
        let rule = &RULES[number];
        let is_meant = match rule.family {
            Some(family) => self.families.contains(&family),
            None => self.families.iter().any(|family| *family != Family::K8s),
        };
        let of_its_kind = match rule.of {
            Of::Any => true,
            Of::Server => kind == 2,
            Of::Client => kind == 3,
        };
        if !is_meant || !of_its_kind {
            return Ok(false);
        }
        match rule.change {
            Change::Target => self.target(part, draft),
            Change::Service => self.service(part, draft),
            change => self.renamed(part, rule.old, rule.new, change, draft),
        }
    }

    /// An attribute of the new name wins.
    fn renamed(
        &self,
        part: Part,
        old: impl Into<Cow<'static, str>>,
        new: impl Into<Cow<'static, str>>,
        change: Change,
        draft: &mut Draft<'_>,
    ) -> Result<bool, EvalError> {
        let (old, new) = (old.into(), new.into());
        let is_new = !draft.has_attribute(part, &new)?;
        if is_new {
            let value = draft.attribute(part, &old)?.into_owned()?;
            let Some(value) = changed(change, value) else {
                return Ok(false);
            };
            draft.set_attribute(part, new, value)?;
        }
        let gone = self.remove(part, old, draft)?;
        Ok(is_new || gone)
    }

    fn remove(
        &self,
        part: Part,
        old: Cow<'static, str>,
        draft: &mut Draft<'_>,
    ) -> Result<bool, EvalError> {
        if !self.keep_old {
            draft.remove_attribute(part, old)?;
        }
        Ok(!self.keep_old)
    }

    /// `http.target` is `url.path` and `url.query` now.
    fn target(&self, part: Part, draft: &mut Draft<'_>) -> Result<bool, EvalError> {
        let Value::Text(target) = draft.attribute(part, "http.target")?.into_owned()? else {
            return Ok(false);
        };
        // What stands behind `#` isn't sent, and a whole URL is the target of a request to a proxy.
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*target, None),
        };
        let mut changed = false;
        for (key, text) in [("url.path", Some(path)), ("url.query", query)] {
            if let Some(text) = text
                && !draft.has_attribute(part, key)?
            {
                draft.set_attribute(part, key, Value::Text(text.to_owned().into()))?;
                changed = true;
            }
        }
        Ok(self.remove(part, "http.target".into(), draft)? || changed)
    }

    /// `rpc.method` has the service in front now. It is the same attribute, so it changes also where old ones are kept.
    fn service(&self, part: Part, draft: &mut Draft<'_>) -> Result<bool, EvalError> {
        let service = draft.attribute(part, "rpc.service")?;
        let method = draft.attribute(part, "rpc.method")?;
        let (Value::Text(service), Value::Text(method)) = (service, method) else {
            return Ok(false);
        };
        let is_whole = method.contains('/');
        if !is_whole {
            let method = format!("{service}/{method}");
            draft.set_attribute(part, "rpc.method", Value::Text(method.into()))?;
        }
        Ok(self.remove(part, "rpc.service".into(), draft)? || !is_whole)
    }
}

/// By its first letters and its dots alone.
fn may_be_old(key: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 7] = [
        b"http.",
        b"net.",
        b"db.",
        b"messaging.",
        b"rpc.",
        b"k8s.",
        b"container.runtime",
    ];
    BEGINNINGS
        .iter()
        .any(|beginning| key.starts_with(beginning))
}

fn told(changed: Result<bool, EvalError>) -> Effect {
    match changed {
        Ok(changed) => Effect {
            changed,
            ..Effect::default()
        },
        Err(error) => error.into(),
    }
}

fn version_of(text: &str) -> Option<[u32; 3]> {
    let mut numbers = [0; 3];
    let mut parts = text.split('.');
    for number in &mut numbers {
        *number = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_and_every_old_attribute_is_looked_for() {
        assert!(RULES.len() <= 128);
        for rule in RULES {
            assert!(may_be_old(rule.old.as_bytes()), "{}", rule.old);
        }
        for prefix in PREFIXES {
            assert!(may_be_old(prefix.old.as_bytes()), "{}", prefix.old);
        }
    }

    /// Otherwise a second pass would change what the first one made.
    #[test]
    fn nothing_new_is_old() {
        for rule in RULES {
            let again = |other: &&table::Rule| other.old == rule.new;
            assert!(RULES.iter().find(again).is_none(), "{}", rule.new);
        }
    }
}
