//! The steps in their order.

use std::sync::Arc;

use bytes::Bytes;
use redact::{Rewriter, Rules};
use schemas::Signal;

use super::outcome::{Applied, Done, Refused};
use super::own_rules::OwnRules;
use super::redaction;
use crate::config::TenantRules;

/// One step, by kind.
enum Step {
    Redaction(Rewriter),
}

/// All steps, with the buffers and memos that they need; one for each thread.
pub(crate) struct Program {
    steps: Vec<Step>,
    /// After all steps: what a tenant wants redacted beyond what they left.
    own: OwnRules,
    rules: Arc<Rules>,
}

impl Program {
    /// The order of the steps is the order in which they are applied.
    pub(crate) fn new(rules: Arc<Rules>, tenants: TenantRules) -> Self {
        Self {
            own: OwnRules::new(tenants),
            steps: vec![Step::Redaction(Rewriter::new(rules.clone()))],
            rules,
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The requests that follow are of this tenant. Its place among those that have rules of their own.
    pub(super) fn enter(&mut self, tenant: Option<&[u8]>) -> Option<usize> {
        self.own.enter(tenant)
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
            applied.then(done, out);
        }
        if let Some(rewriter) = self.own.rewriter() {
            let mut out = Vec::new();
            let done = redaction::apply(rewriter, signal, &applied.record, &mut out)?;
            applied.then(done, out);
        }
        Ok(applied)
    }

    /// Changes that the tenant's own rules made in the last record, by the index of their counters.
    pub(super) fn own_redactions(&self) -> &[u64] {
        self.own.redactions()
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
