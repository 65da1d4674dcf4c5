//! The sampler's own telemetry. Counts are made when their epoch is committed, so they close:
//! consumed = kept + dropped + dead-lettered + lost + released + pending.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge, histogram};

use crate::epoch::part::{Gauges, Part};
use crate::names;
use crate::output::Counts;
use crate::policy::Policies;
use crate::shell::tenant_counters::{self, TenantCounters};
use crate::stats::Group;

/// Handles to all counters, looked up once.
pub struct Counters {
    consumed: Counter,
    consumed_bytes: Counter,
    kept: Counter,
    kept_bytes: Counter,
    dropped: Counter,
    late: Counter,
    dead_lettered: Counter,
    lost: Counter,
    released: Counter,
    bad_records: Counter,
    reread_bytes: Counter,
    /// What all partitions know together; each says of itself what it knows.
    group: Arc<RwLock<Group>>,
    policies: Arc<Policies>,
    by_policy: Vec<PolicyCounters>,
    unmatched: Counter,
    over_budget: Counter,
    oversized: Counter,
    linked: Counter,
    rescued: Counter,
    unrescued: Counter,
    promoted: PromotedCounters,
    pending: Gauge,
    open_traces: Gauge,
    cache_bytes: Gauge,
    statistics_keys: Gauge,
    statistics_bytes: Gauge,
    promoted_bytes: Gauge,
    partitions: BTreeMap<u32, Gauges>,
    tenants: TenantCounters,
}

fn verdict(policy: &str, verdict: &'static str) -> Counter {
    counter!(names::VERDICTS, "policy" => policy.to_owned(), "verdict" => verdict)
}

/// Counters of one policy.
struct PolicyCounters {
    kept: Counter,
    dropped: Counter,
    matches: Counter,
    condition_failures: Counter,
}

fn by_policy(policies: &Policies) -> Vec<PolicyCounters> {
    let counters = |(at, name): (usize, &String)| {
        let mode = match policies.is_shadow(at) {
            true => "shadow",
            false => "act",
        };
        PolicyCounters {
            kept: verdict(name, "keep"),
            dropped: verdict(name, "drop"),
            matches: counter!(names::POLICY_MATCHES, "policy" => name.clone(), "mode" => mode),
            condition_failures: counter!(names::CONDITION_FAILURES, "policy" => name.clone()),
        }
    };
    policies.names().iter().enumerate().map(counters).collect()
}

/// What became of attributes that are to be promoted.
struct PromotedCounters {
    promoted: Counter,
    too_long: Counter,
    unsupported: Counter,
    no_memory: Counter,
    /// Spans.
    no_room: Counter,
}

impl PromotedCounters {
    fn new() -> Self {
        let values = |result: &'static str| counter!(names::PROMOTED_VALUES, "result" => result);
        Self {
            promoted: values("promoted"),
            too_long: values("too_long"),
            unsupported: values("unsupported"),
            no_memory: values("no_memory"),
            no_room: counter!(names::UNPROMOTED),
        }
    }

    fn add(&self, counts: &Counts) {
        let values = &counts.decider.promoted;
        self.promoted.increment(values.promoted);
        self.too_long.increment(values.too_long);
        self.unsupported.increment(values.unsupported);
        self.no_memory.increment(values.no_memory);
        self.no_room.increment(counts.copier.unpromoted_spans);
    }
}

/// There may be thousands of policies, of which an epoch meets few.
fn add(counter: &Counter, count: u64) {
    if count > 0 {
        counter.increment(count);
    }
}

/// Every counter is there from the start: what begins with its first count hides that one from whoever looks at increases.
pub fn register(policies: &Policies) {
    for name in [
        names::CONSUMED,
        names::CONSUMED_BYTES,
        names::KEPT,
        names::KEPT_BYTES,
        names::DROPPED,
        names::LATE_SPANS,
        names::DEAD_LETTERED,
        names::LOST_SPANS,
        names::RELEASED,
        names::BAD_RECORDS,
        names::REREAD_BYTES,
        names::RESCUED,
        names::UNRESCUED,
        names::RECONFIGURATIONS,
    ] {
        counter!(name).increment(0);
    }
    PromotedCounters::new().add(&Counts::default());
    by_policy(policies);
    tenant_counters::register(policies.tenants());
}

impl Counters {
    pub fn new(policies: &Arc<Policies>, group: Arc<RwLock<Group>>) -> Self {
        Self {
            consumed: counter!(names::CONSUMED),
            consumed_bytes: counter!(names::CONSUMED_BYTES),
            kept: counter!(names::KEPT),
            kept_bytes: counter!(names::KEPT_BYTES),
            dropped: counter!(names::DROPPED),
            late: counter!(names::LATE_SPANS),
            dead_lettered: counter!(names::DEAD_LETTERED),
            lost: counter!(names::LOST_SPANS),
            released: counter!(names::RELEASED),
            bad_records: counter!(names::BAD_RECORDS),
            reread_bytes: counter!(names::REREAD_BYTES),
            group,
            policies: policies.clone(),
            by_policy: by_policy(policies),
            unmatched: verdict("none", "drop"),
            over_budget: verdict("budget", "drop"),
            oversized: verdict("maximum_trace_size_bytes", "drop"),
            linked: verdict("linked", "keep"),
            rescued: counter!(names::RESCUED),
            unrescued: counter!(names::UNRESCUED),
            promoted: PromotedCounters::new(),
            pending: gauge!(names::PENDING),
            open_traces: gauge!(names::OPEN_TRACES),
            cache_bytes: gauge!(names::CACHE_BYTES),
            statistics_keys: gauge!(names::STATISTICS_KEYS),
            statistics_bytes: gauge!(names::STATISTICS_BYTES),
            promoted_bytes: gauge!(names::PROMOTED_BYTES),
            partitions: BTreeMap::new(),
            tenants: TenantCounters::default(),
        }
    }

    /// An epoch became visible.
    pub fn committed(&mut self, took: Duration) {
        histogram!(names::COMMIT_SECONDS).record(took.as_secs_f64());
    }

    /// Counts what the parts of an epoch did.
    pub fn epoch(&mut self, parts: &[Part]) {
        for part in parts {
            self.reread_bytes.increment(part.reread_bytes);
            if !Arc::ptr_eq(&self.policies, &part.policies) {
                self.policies = part.policies.clone();
                self.by_policy = by_policy(&self.policies);
            }
            for output in &part.outputs {
                let counts = &output.output.counts;
                self.consumed.increment(counts.decider.consumed_spans);
                self.consumed_bytes.increment(counts.decider.consumed_bytes);
                self.kept.increment(counts.copier.kept_spans);
                self.kept_bytes.increment(counts.copier.kept_bytes);
                self.dropped.increment(counts.copier.dropped_spans);
                self.late.increment(counts.decider.late_spans);
                self.dead_lettered
                    .increment(counts.copier.dead_lettered_spans);
                self.lost.increment(counts.copier.lost_spans);
                self.bad_records.increment(counts.copier.bad_records);
                for (counter, (kept, dropped)) in
                    self.by_policy.iter().zip(&counts.decider.verdicts)
                {
                    add(&counter.kept, *kept);
                    add(&counter.dropped, *dropped);
                }
                for (counter, matches) in self.by_policy.iter().zip(&counts.decider.matches) {
                    add(&counter.matches, *matches);
                }
                for (counter, failures) in self
                    .by_policy
                    .iter()
                    .zip(&counts.decider.condition_failures)
                {
                    add(&counter.condition_failures, *failures);
                }
                self.unmatched.increment(counts.decider.unmatched);
                self.over_budget.increment(counts.decider.over_budget);
                self.oversized.increment(counts.decider.oversized);
                self.linked.increment(counts.decider.linked);
                self.rescued.increment(counts.copier.rescued_spans);
                self.unrescued.increment(counts.copier.unrescued_traces);
                self.promoted.add(counts);
                let pending = output.gauges.pending_spans;
                self.tenants.partition(output.partition, counts, pending);
                if output.revoked {
                    self.tenants.release(output.partition);
                    self.released.increment(pending);
                    self.partitions.remove(&output.partition);
                } else {
                    self.partitions.insert(output.partition, output.gauges);
                }
            }
        }
        self.tenants.show();
        self.show();
    }

    /// The session is over: what was pending is somebody else's now.
    pub fn release_all(&mut self) {
        let pending: u64 = self
            .partitions
            .values()
            .map(|gauges| gauges.pending_spans)
            .sum();
        self.released.increment(pending);
        self.partitions.clear();
        self.tenants.release_all();
        self.show();
    }

    fn show(&self) {
        let sum = |pick: fn(&Gauges) -> u64| self.partitions.values().map(pick).sum::<u64>() as f64;
        self.pending.set(sum(|gauges| gauges.pending_spans));
        self.open_traces.set(sum(|gauges| gauges.open_traces));
        self.cache_bytes.set(sum(|gauges| gauges.cache_bytes));
        self.promoted_bytes.set(sum(|gauges| gauges.promoted_bytes));
        self.statistics_keys
            .set(sum(|gauges| gauges.statistics_keys));
        let group = self.group.read().unwrap_or_else(PoisonError::into_inner);
        let group_bytes = group.bytes();
        drop(group);
        self.statistics_bytes
            .set(sum(|gauges| gauges.statistics_bytes) + group_bytes as f64);
    }
}
