//! `span_name`: names of which there are few, by the semantic conventions.

use std::sync::{Mutex, PoisonError};

use ottl::{Draft, EvalError, Part, SpanFacts, Value};
use schemas::operation::{Operation, normalized};

use super::super::effect::Effect;
use super::distinct::Distinct;

/// What became of a name, by its place among [`SpanName::RESULTS`].
const KEPT: usize = 0;
const TEMPLATED: usize = 1;
const LIMITED: usize = 2;

/// Names spans.
#[derive(Debug)]
pub(crate) struct SpanName {
    /// The attribute that keeps the name as it was.
    original: Option<String>,
    templates: bool,
    /// Shared by the threads that apply the step: a service's names are counted once a process.
    distinct: Mutex<Distinct>,
}

impl SpanName {
    /// As metrics name what became of a name.
    pub(crate) const RESULTS: [&str; 3] = ["kept", "templated", "limited"];

    pub(crate) fn new(original: Option<String>, templates: bool, limit: usize) -> Self {
        Self {
            original,
            templates,
            distinct: Mutex::new(Distinct::new(limit)),
        }
    }

    pub(in crate::steps) fn apply(&self, draft: &mut Draft<'_>) -> Effect {
        self.rename(draft).unwrap_or_else(Effect::from)
    }

    fn rename(&self, draft: &mut Draft<'_>) -> Result<Effect, EvalError> {
        let operation = normalized(&SpanFacts::new(draft.subject()), self.templates)?;
        let (name, result) = self.limited(operation, draft)?;
        let mut effect = Effect::default();
        effect.results[result] = 1;
        let came = draft.span_name()?;
        if came == name {
            return Ok(effect);
        }
        // A step before this one, or an agent, knows better what the name was at first.
        if let Some(key) = &self.original
            && !draft.has_attribute(Part::Span, key)?
        {
            let came = Value::Text(came.into_owned().into());
            draft.set_attribute(Part::Span, key.clone(), came)?;
        }
        draft.set_span_name(name)?;
        effect.changed = true;
        Ok(effect)
    }

    fn limited(
        &self,
        operation: Operation,
        draft: &Draft<'_>,
    ) -> Result<(String, usize), EvalError> {
        let result = match operation.templated {
            true => TEMPLATED,
            false => KEPT,
        };
        let Some(short) = operation.short.filter(|short| *short != operation.name) else {
            return Ok((operation.name, result));
        };
        let service = draft.attribute(Part::Resource, "service.name")?;
        let service = match &service {
            Value::Text(service) => service,
            _ => "",
        };
        let mut distinct = self.distinct.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match distinct.admits(service, &operation.name) {
            true => (operation.name, result),
            false => (short, LIMITED),
        })
    }
}
