//! `lookup`: attributes out of a table, by the value of another one.

use std::borrow::Cow;
use std::sync::Arc;

use ottl::{Draft, EvalError, Expression, Part, Value};
use schemas::Signal;

use super::effect::Effect;
use super::heads::{Heads, Slot};
use crate::lookup::{Contents, Table};

/// What came of a look-up, by its place among [`Lookup::RESULTS`].
const HIT: usize = 0;
const MISS: usize = 1;
const NO_KEY: usize = 2;

/// Look-ups in one table.
#[derive(Debug)]
pub(crate) struct Lookup {
    table: Arc<Table>,
    queries: Vec<Query>,
}

/// One look-up.
#[derive(Debug)]
pub(crate) struct Query {
    key: QueryKey,
    on_record: Vec<Assignment>,
    on_resource: Vec<Assignment>,
}

/// What is looked up.
#[derive(Debug)]
pub(crate) enum QueryKey {
    /// Evaluated for each item.
    OfItem {
        span: Option<Expression>,
        log: Option<Expression>,
    },
    /// The same for all items of a resource.
    OfResource(Expression, Slot),
}

/// One attribute that comes of it.
#[derive(Debug)]
pub(crate) struct Assignment {
    /// The place of the column among those that are wanted.
    pub(crate) column: usize,
    pub(crate) destination: String,
    pub(crate) default: Option<Value<'static>>,
}

impl Query {
    pub(crate) fn new(
        key: QueryKey,
        on_record: Vec<Assignment>,
        on_resource: Vec<Assignment>,
    ) -> Self {
        Self {
            key,
            on_record,
            on_resource,
        }
    }

    fn concerns(&self, signal: Signal) -> bool {
        match (&self.key, signal) {
            (QueryKey::OfItem { span, .. }, Signal::Traces) => span.is_some(),
            (QueryKey::OfItem { log, .. }, Signal::Logs) => log.is_some(),
            (QueryKey::OfItem { .. }, Signal::Metrics) => false,
            (QueryKey::OfResource(..), Signal::Metrics) => !self.on_resource.is_empty(),
            (QueryKey::OfResource(..), _) => true,
        }
    }

    fn apply(
        &self,
        signal: Signal,
        contents: &Contents,
        draft: &mut Draft<'_>,
        heads: &mut Heads,
    ) -> Effect {
        let part = match signal {
            Signal::Traces => Some(Part::Span),
            Signal::Logs => Some(Part::Log),
            Signal::Metrics => None,
        };
        let mut effect = Effect::default();
        match &self.key {
            QueryKey::OfItem { span, log } => {
                let key = if signal == Signal::Logs { log } else { span };
                if let Some(key) = key {
                    let sets = [
                        (part, &self.on_record[..]),
                        (Some(Part::Resource), &self.on_resource),
                    ];
                    effect.then(ask(key, &sets, contents, draft));
                }
            }
            QueryKey::OfResource(key, slot) => {
                if !self.on_resource.is_empty() {
                    let sets = [(Some(Part::Resource), &self.on_resource[..])];
                    effect.then(heads.once(*slot, draft, |draft| ask(key, &sets, contents, draft)));
                }
                if part.is_some() && !self.on_record.is_empty() {
                    effect.then(ask(key, &[(part, &self.on_record[..])], contents, draft));
                }
            }
        }
        effect
    }
}

/// Looks a key up, and sets what comes of it.
fn ask(
    key: &Expression,
    sets: &[(Option<Part>, &[Assignment])],
    contents: &Contents,
    draft: &mut Draft<'_>,
) -> Effect {
    let mut effect = Effect::default();
    let key = match key.eval(draft.subject()).map(text) {
        Ok(key) => key,
        // As of a statement that fails: it is passed over, and counted.
        Err(_) => {
            effect.errors = 1;
            None
        }
    };
    let found = key.as_deref().and_then(|key| contents.find(key));
    let result = match (&key, &found) {
        (None, _) => NO_KEY,
        (Some(_), None) => MISS,
        (Some(_), Some(_)) => HIT,
    };
    effect.results[result] = 1;
    if key.is_none() {
        return effect;
    }
    let mut assign = || -> Result<bool, EvalError> {
        let mut changed = false;
        for (part, assignments) in sets {
            let Some(part) = *part else {
                continue;
            };
            for assignment in *assignments {
                let value = found.as_ref().map(|found| found.value(assignment.column));
                let value = match value {
                    None | Some(Value::Nil) => assignment.default.clone(),
                    value => value,
                };
                if let Some(value) = value {
                    draft.set_attribute(part, assignment.destination.clone(), value)?;
                    changed = true;
                }
            }
        }
        Ok(changed)
    };
    match assign() {
        Ok(changed) => effect.changed = changed,
        Err(error) => effect.then(error.into()),
    }
    effect
}

/// A key as tables have it.
fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) if text.is_empty() => None,
        Value::Text(text) => Some(text),
        Value::Int(number) => Some(number.to_string().into()),
        Value::Bool(value) => Some(value.to_string().into()),
        _ => None,
    }
}

impl Lookup {
    /// As metrics name what came of a look-up.
    pub(crate) const RESULTS: [&str; 3] = ["hit", "miss", "no_key"];

    pub(crate) fn new(table: Arc<Table>, queries: Vec<Query>) -> Self {
        Self { table, queries }
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    pub(in crate::steps) fn concerns(&self, signal: Signal) -> bool {
        self.queries.iter().any(|query| query.concerns(signal))
    }

    /// All of it by one state of the table.
    pub(in crate::steps) fn apply(
        &self,
        signal: Signal,
        draft: &mut Draft<'_>,
        heads: &mut Heads,
    ) -> Effect {
        let asked = self.table.ask(|contents| {
            let mut effect = Effect::default();
            for query in self.queries.iter().filter(|query| query.concerns(signal)) {
                effect.then(query.apply(signal, contents, draft, heads));
                if effect.is_final() {
                    break;
                }
            }
            effect
        });
        // The stage doesn't begin before its tables are read.
        asked.unwrap_or_default()
    }
}
