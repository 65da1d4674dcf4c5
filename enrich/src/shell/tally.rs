//! The counts of a batch, which become known once it is committed.

use std::collections::BTreeMap;

use bus::{Fetched, TopicPartition};
use redact::Rules;
use schemas::{Signal, Topics};
use stage::{TenantLabel, tenant_label, tenant_of};

use super::routes::source;
use crate::Config;
use crate::names;
use crate::steps::{Counts, Processed, Reason};

/// Counts of one batch.
#[derive(Debug, Default)]
pub(super) struct Tally {
    items: BTreeMap<Signal, Counts>,
    by_tenant: BTreeMap<TenantLabel, Counts>,
    redactions: Vec<u64>,
    /// By tenants with rules of their own.
    own_redactions: BTreeMap<usize, Vec<u64>>,
    /// Where the first dead letter came from, and why.
    dead_letter: Option<(TopicPartition, u64, Reason)>,
}

impl Tally {
    pub(super) fn new(rules: &Rules) -> Self {
        Self {
            redactions: vec![0; rules.counters().len()],
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, signal: Signal, fetched: &Fetched, processed: &Processed) {
        debug_assert!(processed.counts.reconcile(), "{:?}", processed.counts);
        *self.items.entry(signal).or_default() += processed.counts;
        let tenant = tenant_label(tenant_of(fetched).as_deref());
        *self.by_tenant.entry(tenant).or_default() += processed.counts;
        for (sum, count) in self.redactions.iter_mut().zip(&processed.redactions) {
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

    /// Makes the counts known: only once the batch is committed, so that a repetition doesn't count twice.
    pub(super) fn publish(&self, config: &Config) {
        let mut dead = 0;
        for (signal, counts) in &self.items {
            // No step filters or diverts anything yet: those have no counters.
            for (name, count) in [
                (names::CONSUMED, counts.consumed),
                (names::WRITTEN, counts.written),
                (names::DEAD_LETTERED, counts.dead_lettered),
            ] {
                metrics::counter!(name, "signal" => signal.name()).increment(count as u64);
            }
            dead += counts.dead_lettered;
        }
        for (tenant, counts) in &self.by_tenant {
            count_tenant(tenant, counts);
        }
        redacted(config.rules.counters(), &self.redactions);
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

/// All outcomes, so that each series is there from the tenant's first record on.
fn count_tenant(tenant: &TenantLabel, counts: &Counts) {
    for (outcome, items) in [
        ("consumed", counts.consumed),
        ("written", counts.written),
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

/// Every counter is there from the start: what begins with its first count hides that one from whoever looks at increases.
pub fn register(config: &Config, topics: &Topics) {
    count_tenant(&tenant_label(None), &Counts::default());
    for signal in Signal::ALL {
        for name in [names::CONSUMED, names::WRITTEN, names::DEAD_LETTERED] {
            metrics::counter!(name, "signal" => signal.name()).increment(0);
        }
        let topic = source(signal, topics).to_string();
        metrics::counter!(names::LOST_RECORDS, "topic" => topic).increment(0);
    }
    let own = config.tenants.sets().iter().flat_map(|set| &set.counters);
    for rule in config.rules.counters().iter().chain(own) {
        metrics::counter!(names::REDACTIONS, "rule" => rule.clone()).increment(0);
    }
}
