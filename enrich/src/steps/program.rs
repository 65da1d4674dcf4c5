//! What a thread applies to each record: the steps of the configuration, and after them redaction, so that nothing a step adds
//! escapes it.

use std::sync::Arc;

use bytes::Bytes;
use redact::{Rewriter, Rules};
use schemas::Signal;

use super::items::{ItemSteps, Passed};
use super::kinds::{StepCounts, Steps};
use super::outcome::{Applied, Refused};
use super::own_rules::OwnRules;
use super::redaction;
use crate::config::TenantRules;
use crate::pods::{Lookups, Pods};

/// Everything that is done to a record, with the buffers and memos that it needs; one for each thread.
pub(crate) struct Program {
    items: ItemSteps,
    redaction: Rewriter,
    /// After all: what a tenant wants redacted beyond what is left.
    own: OwnRules,
    rules: Arc<Rules>,
}

impl Program {
    pub(crate) fn new(
        steps: Arc<Steps>,
        rules: Arc<Rules>,
        tenants: TenantRules,
        pods: Pods,
    ) -> Self {
        Self {
            items: ItemSteps::new(steps, Lookups::new(pods)),
            redaction: Rewriter::new(rules.clone()),
            own: OwnRules::new(tenants),
            rules,
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn steps(&self) -> &Arc<Steps> {
        self.items.steps()
    }

    /// Other steps from the next record on.
    pub(crate) fn set_steps(&mut self, steps: Arc<Steps>) {
        self.items.set_steps(steps);
    }

    /// When the bus took the records that follow, in nanoseconds since 1970: for `Now()`.
    pub(crate) fn set_published(&mut self, unix_nano: u64) {
        self.items.set_published(unix_nano);
    }

    /// The requests that follow are of this tenant. Its place among those that have rules of their own.
    pub(super) fn enter(&mut self, tenant: Option<&[u8]>) -> Option<usize> {
        self.own.enter(tenant)
    }

    /// Applies everything to one request.
    ///
    /// # Errors
    /// Those of each part of it. No more than `bytes_max`, or what one item takes, comes of a record before it is taken apart.
    pub(super) fn apply(
        &mut self,
        signal: Signal,
        record: &Bytes,
        bytes_max: usize,
    ) -> Result<Applied, Refused> {
        let passed = self.items.apply(signal, record, bytes_max)?;
        let applied = self.redact(signal, record, passed);
        if applied.is_err() {
            // The record comes again, without what was refused.
            self.items.forget_counts();
        }
        applied
    }

    fn redact(
        &mut self,
        signal: Signal,
        came: &Bytes,
        mut passed: Passed,
    ) -> Result<Applied, Refused> {
        let mut record = passed.record.clone().unwrap_or_else(|| came.clone());
        let mut items = passed.items;
        let own = self.own.rewriter();
        for rewriter in std::iter::once(&mut self.redaction).chain(own) {
            let mut out = Vec::new();
            let done = redaction::apply(rewriter, signal, &record, &mut out);
            let done = done.map_err(|refused| passed.in_the_record_that_came(refused))?;
            if done.changed {
                record = out.into();
            }
            items = done.items;
            if !done.dropped.is_empty() {
                passed.without(&done.dropped, items);
            }
        }
        Ok(Applied {
            record,
            items,
            filtered: passed.dropped,
            diverted: 0,
        })
    }

    /// What each step did to the last record, in their order.
    pub(super) fn step_counts(&self) -> &[StepCounts] {
        self.items.counts()
    }

    /// Spans of the last record whose parent was taken out of it.
    pub(super) fn orphans(&self) -> usize {
        self.items.orphans()
    }

    /// Changes that the tenant's own rules made in the last record, by the index of their counters.
    pub(super) fn own_redactions(&self) -> &[u64] {
        self.own.redactions()
    }

    /// What was found in the last record, by the index of [`redact::pii::Pii::counters`].
    pub(super) fn findings(&self) -> &[u64] {
        self.redaction.pii_counts()
    }

    /// Changes that redaction made in the last record, by the index of [`Rules::counters`].
    pub(super) fn redactions(&self) -> &[u64] {
        self.redaction.counts()
    }
}
