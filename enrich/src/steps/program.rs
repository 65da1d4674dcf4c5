//! The steps in their order.

use std::sync::Arc;

use bytes::Bytes;
use redact::{Rewriter, Rules};
use schemas::Signal;

use super::outcome::{Applied, Done, Refused};
use super::redaction;

/// One step, by kind.
enum Step {
    Redaction(Rewriter),
}

/// All steps, with the buffers and memos that they need; one for each thread.
pub(crate) struct Program {
    steps: Vec<Step>,
    rules: Arc<Rules>,
}

impl Program {
    /// The order of the steps is the order in which they are applied.
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self {
            steps: vec![Step::Redaction(Rewriter::new(rules.clone()))],
            rules,
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Applies all steps to one request.
    pub(super) fn apply(&mut self, signal: Signal, record: &Bytes) -> Result<Applied, Refused> {
        let mut applied = Applied {
            record: record.clone(),
            items: 0,
            filtered: 0,
            diverted: 0,
        };
        for step in &mut self.steps {
            let mut out = Vec::new();
            let done = step.apply(signal, &applied.record, &mut out)?;
            if done.changed {
                applied.record = out.into();
            }
            applied.items = done.items;
            applied.filtered += done.filtered;
            applied.diverted += done.diverted;
        }
        Ok(applied)
    }

    /// Changes that redaction made in the last record, by the index of [`Rules::counters`].
    pub(super) fn redactions(&self) -> &[u64] {
        self.steps.iter().find_map(Step::redactions).unwrap_or(&[])
    }
}

impl Step {
    /// Applies the step to one request; what is written anew is appended to `out`.
    fn apply(&mut self, signal: Signal, record: &[u8], out: &mut Vec<u8>) -> Result<Done, Refused> {
        match self {
            Self::Redaction(rewriter) => redaction::apply(rewriter, signal, record, out),
        }
    }

    fn redactions(&self) -> Option<&[u64]> {
        match self {
            Self::Redaction(rewriter) => Some(rewriter.counts()),
        }
    }
}
