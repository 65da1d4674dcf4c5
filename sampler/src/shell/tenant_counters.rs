//! What the sampler counts by tenant. Made when an epoch is committed, as everything that is counted, so they close for each tenant:
//! consumed = kept + dropped + dead-lettered + lost + released + pending.

use std::collections::{BTreeMap, HashMap};

use metrics::{Counter, Gauge, counter, gauge};
use stage::{TenantLabel, tenant_label};

use crate::names;
use crate::output::{Counts, Spans};

/// Handles to the counters of all tenants that were met.
#[derive(Default)]
pub struct TenantCounters {
    tenants: HashMap<TenantLabel, OfTenant>,
    /// Pending spans, by partition.
    pending: BTreeMap<u32, HashMap<TenantLabel, u64>>,
}

struct OfTenant {
    consumed: Counter,
    consumed_bytes: Counter,
    kept: Counter,
    kept_bytes: Counter,
    dropped: Counter,
    dead_lettered: Counter,
    lost: Counter,
    released: Counter,
    pending: Gauge,
}

impl OfTenant {
    fn new(tenant: &TenantLabel) -> Self {
        let spans = |outcome: &'static str| {
            let counter =
                counter!(names::TENANT_SPANS, "tenant" => tenant.clone(), "outcome" => outcome);
            counter.increment(0);
            counter
        };
        let bytes = |outcome: &'static str| {
            let counter =
                counter!(names::TENANT_BYTES, "tenant" => tenant.clone(), "outcome" => outcome);
            counter.increment(0);
            counter
        };
        let pending = gauge!(names::TENANT_PENDING, "tenant" => tenant.clone());
        pending.increment(0.0);
        Self {
            consumed: spans("consumed"),
            consumed_bytes: bytes("consumed"),
            kept: spans("kept"),
            kept_bytes: bytes("kept"),
            dropped: spans("dropped"),
            dead_lettered: spans("dead_lettered"),
            lost: spans("lost"),
            released: spans("released"),
            pending,
        }
    }

    fn add(&self, spans: &Spans) {
        self.consumed.increment(spans.consumed);
        self.consumed_bytes.increment(spans.consumed_bytes);
        self.kept.increment(spans.kept);
        self.kept_bytes.increment(spans.kept_bytes);
        self.dropped.increment(spans.dropped);
        self.dead_lettered.increment(spans.dead_lettered);
    }
}

/// Registers those of the default tenant, and of these, with 0.
pub fn register<'a>(tenants: impl Iterator<Item = &'a [u8]>) {
    for tenant in tenants.map(Some).chain([None]) {
        OfTenant::new(&tenant_label(tenant));
    }
}

impl TenantCounters {
    /// What a partition did in an epoch that is committed, and how many of its spans are pending now.
    pub fn partition(&mut self, partition: u32, counts: &Counts, pending_spans: u64) {
        let pending = self.pending.entry(partition).or_default();
        let all = counts.decider.by_tenant.iter();
        for (tenant, spans) in all.chain(counts.copier.by_tenant.iter()) {
            let label = tenant_label(tenant);
            let of_tenant = (self.tenants.entry(label.clone())).or_insert_with_key(OfTenant::new);
            of_tenant.add(spans);
            let pending = pending.entry(label).or_default();
            let passed = spans.kept + spans.dropped + spans.dead_lettered;
            *pending = (*pending + spans.consumed).saturating_sub(passed);
        }
        if pending_spans == 0 {
            // What the cursor should have passed and didn't was deleted before it came.
            for (tenant, lost) in pending.drain() {
                if let Some(of_tenant) = self.tenants.get(&tenant) {
                    of_tenant.lost.increment(lost);
                }
            }
        }
    }

    /// A partition is given up: what is pending of it is somebody else's now.
    pub fn release(&mut self, partition: u32) {
        for (tenant, spans) in self.pending.remove(&partition).unwrap_or_default() {
            if let Some(of_tenant) = self.tenants.get(&tenant) {
                of_tenant.released.increment(spans);
            }
        }
    }

    /// The session is over.
    pub fn release_all(&mut self) {
        while let Some(partition) = self.pending.keys().next().copied() {
            self.release(partition);
        }
        self.show();
    }

    /// Sets the gauges.
    pub fn show(&mut self) {
        let mut sums: HashMap<&TenantLabel, u64> = HashMap::new();
        for pending in self.pending.values() {
            for (tenant, spans) in pending {
                *sums.entry(tenant).or_default() += spans;
            }
        }
        for (tenant, of_tenant) in &self.tenants {
            let pending = sums.get(tenant).copied().unwrap_or_default();
            of_tenant.pending.set(pending as f64);
        }
    }
}
