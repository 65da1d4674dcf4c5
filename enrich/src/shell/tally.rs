//! The counts of a batch, which become known once it is committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::{Fetched, TopicPartition};
use redact::Rules;
use schemas::{Signal, Topics};
use stage::{TenantLabel, tenant_label, tenant_of};

use super::routes::source;
use crate::Config;
use crate::lookup;
use crate::names;
use crate::pods::Outcome;
use crate::steps::{Counts, OwnResults, Processed, Reason, StepCounts, Steps};

/// Counts of one batch.
#[derive(Debug, Default)]
pub(super) struct Tally {
    items: BTreeMap<Signal, Counts>,
    by_tenant: BTreeMap<TenantLabel, Counts>,
    redactions: Vec<u64>,
    findings: Vec<u64>,
    /// The steps that were applied, and what each of them did, by signal.
    steps: Arc<Steps>,
    step_counts: BTreeMap<Signal, Vec<StepCounts>>,
    orphans: u64,
    /// By tenants with rules of their own.
    own_redactions: BTreeMap<usize, Vec<u64>>,
    /// Where the first dead letter came from, and why.
    dead_letter: Option<(TopicPartition, u64, Reason)>,
}

impl Tally {
    pub(super) fn new(rules: &Rules, steps: Arc<Steps>) -> Self {
        Self {
            steps,
            redactions: vec![0; rules.counters().len()],
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, signal: Signal, fetched: &Fetched, processed: &Processed) {
        debug_assert!(processed.counts.reconcile(), "{:?}", processed.counts);
        *self.items.entry(signal).or_default() += processed.counts;
        let tenant = tenant_label(tenant_of(fetched).as_deref());
        *self.by_tenant.entry(tenant).or_default() += processed.counts;
        let steps = self.step_counts.entry(signal).or_default();
        steps.resize(processed.steps.len(), StepCounts::default());
        for (sum, counts) in steps.iter_mut().zip(&processed.steps) {
            *sum += *counts;
        }
        self.orphans += processed.orphans as u64;
        for (sum, count) in self.redactions.iter_mut().zip(&processed.redactions) {
            *sum += count;
        }
        self.findings
            .resize(self.findings.len().max(processed.findings.len()), 0);
        for (sum, count) in self.findings.iter_mut().zip(&processed.findings) {
            *sum += count;
        }
        if let Some((own, counts)) = &processed.own_redactions {
            let sums = self.own_redactions.entry(*own).or_default();
            sums.resize(sums.len().max(counts.len()), 0);
            sums.iter_mut()
                .zip(counts)
                .for_each(|(sum, count)| *sum += count);
        }
        if let (None, Some((_, reason))) = (&self.dead_letter, processed.dead.first()) {
            let at = TopicPartition::new(fetched.topic.clone(), fetched.partition);
            self.dead_letter = Some((at, fetched.offset, reason.clone()));
        }
    }

    fn count_steps(&self) {
        for (signal, steps) in &self.step_counts {
            for (own, counts) in self.steps.own_results().zip(steps) {
                count_own(own, &counts.results);
            }
            for (step, counts) in self.steps.names_of(*signal).zip(steps) {
                let Some(step) = step else {
                    continue;
                };
                count_step(step, *signal, counts);
                let seconds = Duration::from_nanos(counts.cpu_ns).as_secs_f64();
                metrics::gauge!(names::STEP_CPU, "step" => step.clone()).increment(seconds);
            }
        }
        metrics::counter!(names::ORPHANS).increment(self.orphans);
    }

    /// Makes the counts known: only once the batch is committed, so that a repetition doesn't count twice.
    pub(super) fn publish(&self, config: &Config) {
        let mut dead = 0;
        for (signal, counts) in &self.items {
            for (name, count) in [
                (names::CONSUMED, counts.consumed),
                (names::WRITTEN, counts.written),
                (names::DROPPED, counts.filtered),
                (names::QUARANTINED, counts.diverted),
                (names::DEAD_LETTERED, counts.dead_lettered),
            ] {
                metrics::counter!(name, "signal" => signal.name()).increment(count as u64);
            }
            dead += counts.dead_lettered;
        }
        self.count_steps();
        for (tenant, counts) in &self.by_tenant {
            count_tenant(tenant, counts);
        }
        redacted(config.rules.counters(), &self.redactions);
        count_findings(&config.rules, &self.findings);
        for (&own, counts) in &self.own_redactions {
            redacted(&config.tenants.sets()[own].counters, counts);
        }
        if let Some((at, offset, reason)) = &self.dead_letter {
            tracing::warn!(
                items = dead,
                first = %format_args!("{at}@{offset}"),
                %reason,
                "gave items to the dead letters, unredacted"
            );
        }
    }
}

/// What a step did to items of a signal; all outcomes, so that each series is there from the first record on.
fn count_step(step: &Arc<str>, signal: Signal, counts: &StepCounts) {
    for (result, items) in [
        ("changed", counts.changed),
        ("unchanged", counts.unchanged),
        ("dropped", counts.dropped),
        ("failed", counts.failed),
    ] {
        let labels = [
            ("step", metrics::SharedString::from(step.clone())),
            ("signal", signal.name().into()),
            ("result", result.into()),
        ];
        metrics::counter!(names::STEP_ITEMS, &labels).increment(items);
    }
    metrics::counter!(names::STEP_ERRORS, "step" => step.clone()).increment(counts.errors);
}

/// What a step counts besides; several steps of a kind may share a counter.
fn count_own(own: Option<OwnResults<'_>>, counts: &[u64]) {
    let Some(own) = own else {
        return;
    };
    for (result, count) in own.names.iter().zip(counts) {
        let mut labels = vec![metrics::Label::from_static_parts("result", result)];
        if let Some(table) = own.table {
            labels.push(metrics::Label::new("table", table.clone()));
        }
        metrics::counter!(own.metric, labels).increment(*count);
    }
}

/// All outcomes, so that each series is there from the tenant's first record on.
fn count_tenant(tenant: &TenantLabel, counts: &Counts) {
    for (outcome, items) in [
        ("consumed", counts.consumed),
        ("written", counts.written),
        ("dropped", counts.filtered),
        ("quarantined", counts.diverted),
        ("dead_lettered", counts.dead_lettered),
    ] {
        let labels = [
            ("tenant", metrics::SharedString::from(tenant.clone())),
            ("outcome", outcome.into()),
        ];
        metrics::counter!(names::TENANT_ITEMS, &labels).increment(items as u64);
    }
}

fn redacted(rules: &[String], counts: &[u64]) {
    for (rule, count) in rules.iter().zip(counts) {
        if *count > 0 {
            metrics::counter!(names::REDACTIONS, "rule" => rule.clone()).increment(*count);
        }
    }
}

/// What was found, by detector.
fn count_findings(rules: &Rules, counts: &[u64]) {
    let counters = rules.pii().map_or(&[][..], |pii| pii.counters());
    for (counter, count) in counters.iter().zip(counts) {
        let labels = [
            (
                "detector",
                metrics::SharedString::from(counter.detector.clone()),
            ),
            ("action", counter.action.into()),
            ("mode", counter.mode.into()),
        ];
        metrics::counter!(names::PII, &labels).increment(*count);
    }
}

/// Every counter of these steps.
pub(super) fn register_steps(steps: &Steps) {
    for signal in Signal::ALL {
        for step in steps.names_of(signal).flatten() {
            count_step(step, signal, &StepCounts::default());
        }
    }
    for table in steps.tables() {
        lookup::register(table);
    }
    for own in steps.own_results() {
        count_own(own, &StepCounts::default().results);
    }
}

/// Every counter is there from the start: what begins with its first count hides that one from whoever looks at increases.
pub fn register(config: &Config, topics: &Topics) {
    count_tenant(&tenant_label(None), &Counts::default());
    metrics::counter!(names::ORPHANS).increment(0);
    Outcome::ALL.iter().for_each(|outcome| outcome.count(0));
    register_steps(&config.steps);
    for signal in Signal::ALL {
        for name in [
            names::CONSUMED,
            names::WRITTEN,
            names::DROPPED,
            names::QUARANTINED,
            names::DEAD_LETTERED,
        ] {
            metrics::counter!(name, "signal" => signal.name()).increment(0);
        }
        let topic = source(signal, topics).to_string();
        metrics::counter!(names::LOST_RECORDS, "topic" => topic).increment(0);
    }
    let detectors = config.rules.pii().map_or(0, |pii| pii.counters().len());
    count_findings(&config.rules, &vec![0; detectors]);
    let own = config.tenants.sets().iter().flat_map(|set| &set.counters);
    for rule in config.rules.counters().iter().chain(own) {
        metrics::counter!(names::REDACTIONS, "rule" => rule.clone()).increment(0);
    }
}
