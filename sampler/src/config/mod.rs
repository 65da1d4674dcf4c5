//! The `sampler` section of the configuration: `raw` is what is written, here is what is valid, and what is said of the rest.

mod raw;

use std::sync::Arc;
use std::time;

use runtime::config::{ByteSize, Duration, Problems};

use crate::options::Stamping;
use crate::options::{BusProperties, Options};
use crate::policy::{Policies, RawOperationNames};
use crate::promote::{self, PromotedKeys};
pub use raw::{
    RawBudget, RawConfig, RawDelivery, RawLateErrors, RawLinked, RawPolicies, RawTenant, RawTenants,
};

/// Keys of the section that take effect while a sampler runs; the others need a restart.
pub const LIVE_KEYS: &[&str] = &[
    "decision_wait",
    "decision_wait_after_root_received",
    "decision_cache_ttl",
    "maximum_trace_size_bytes",
    "sample_on_first_match",
    "late_errors",
    "linked",
    "annotate",
    "sample_rate_attribute",
    "promote",
    "operation_names",
    "policies",
];

/// A valid section. `options.bus` is for the caller to set.
#[derive(Clone, Debug)]
pub struct Config {
    pub options: Options,
    pub policies: Arc<Policies>,
    pub memory_limit_bytes: usize,
    pub statistics_limit_bytes: usize,
    pub fleet: bool,
    pub delivery: bus::Delivery,
    pub epoch_interval: time::Duration,
    pub epoch_bytes: usize,
    /// 0: one a core.
    pub workers: usize,
    pub idle_allowance: time::Duration,
}

impl Config {
    /// What takes effect of another configuration while a sampler runs.
    pub(crate) fn take_over(&mut self, next: Config) {
        self.policies = next.policies;
        self.options = Options {
            bus: self.options.bus,
            ..next.options
        };
    }
}

/// Below it windows would close before a trace's spans are on the bus.
const DECISION_WAIT_MIN_MS: u64 = 100;
const EPOCH_INTERVAL_MS: std::ops::RangeInclusive<u64> = 10..=10_000;
const EPOCH_BYTES_MIN: u64 = 64 << 10;
const MEMORY_LIMIT_MIN: u64 = 1 << 20;
const STATISTICS_LIMIT_MIN: u64 = 1 << 20;

impl RawConfig {
    /// Every problem goes to `problems` by its path below `path`; the result is only of use when there are none.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        self.validate_with(path, &RawTenants::new(), "tenants", problems)
    }

    /// The same, with what holds for tenants; `tenants_path` is where that is written.
    pub fn validate_with(
        &self,
        path: &str,
        tenants: &RawTenants<'_>,
        tenants_path: &str,
        problems: &mut Problems,
    ) -> Config {
        self.check_times(path, problems);
        self.check_sizes(path, problems);
        self.check_promoted(path, problems);
        let policies = self.compiled(path, tenants, tenants_path, problems);
        let decision_wait_ms = millis(self.decision_wait);
        Config {
            options: Options {
                decision_wait_ms,
                decision_wait_after_root_ms: millis(self.decision_wait_after_root_received),
                decision_cache_ttl_ms: millis(self.decision_cache_ttl),
                maximum_trace_size_bytes: self.maximum_trace_size_bytes.map_or(0, |size| size.0),
                bus: BusProperties::default(),
                future_limit_ms: (decision_wait_ms / 4).max(1000),
                statistics_bytes: self.statistics_limit.0 as usize,
                statistics_reach_ms: policies.reach_ms(),
                rescue_late_errors: self.late_errors == RawLateErrors::Rescue,
                keep_linked: self.linked == RawLinked::Keep,
                stamping: Stamping {
                    annotate: self.annotate,
                    sample_rate: self.sample_rate_attribute,
                },
                promote: PromotedKeys::new(self.promote.iter().map(String::as_str)),
                generation: self.generation(tenants),
            },
            policies: Arc::new(policies),
            memory_limit_bytes: self.memory_limit.0 as usize,
            statistics_limit_bytes: self.statistics_limit.0 as usize,
            fleet: self.fleet,
            delivery: match self.delivery {
                RawDelivery::ExactlyOnce => bus::Delivery::ExactlyOnce,
                RawDelivery::AtLeastOnce => bus::Delivery::AtLeastOnce,
            },
            epoch_interval: self.epoch_interval.0,
            epoch_bytes: self.epoch_bytes.0 as usize,
            workers: self.workers,
            idle_allowance: self.idle_allowance.0,
        }
    }

    /// Everybody's policies, and what tenants have of their own.
    fn compiled(
        &self,
        path: &str,
        tenants: &RawTenants<'_>,
        tenants_path: &str,
        problems: &mut Problems,
    ) -> Policies {
        let mut policies = Policies::compile_with(
            &self.policies,
            self.sample_on_first_match,
            self.operation_names,
            &at(path, "policies"),
            problems,
        );
        let has_budgets = tenants.values().any(|own| own.budget.is_some());
        for (tenant, own) in tenants {
            let first_match = self.sample_on_first_match;
            match own.policies {
                Some(own) => {
                    let path = format!("{tenants_path}.{tenant}.policies");
                    policies.add_tenant(tenant, &own.0, first_match, &path, problems);
                }
                None => policies.add_tenant_without(tenant),
            }
        }
        for (tenant, own) in tenants.iter().filter(|_| has_budgets) {
            let bytes = own.budget.map(|budget| budget.kept_bytes_per_day.0);
            let path = format!("{tenants_path}.{tenant}.budget.kept_bytes_per_day");
            policies.add_budget(tenant, bytes, &path, problems);
        }
        policies
    }

    fn check_times(&self, path: &str, problems: &mut Problems) {
        if millis(self.decision_wait) < DECISION_WAIT_MIN_MS {
            problems.push(
                at(path, "decision_wait"),
                format!("too short: at least {DECISION_WAIT_MIN_MS}ms, usually 10s to 60s"),
            );
        }
        if self.decision_wait_after_root_received > self.decision_wait {
            problems.push(
                at(path, "decision_wait_after_root_received"),
                "longer than decision_wait, so it would change nothing; 0s turns it off",
            );
        }
        if millis(self.decision_cache_ttl) < millis(self.decision_wait).saturating_mul(2) {
            problems.push(
                at(path, "decision_cache_ttl"),
                "shorter than twice decision_wait: late spans would get verdicts of their own",
            );
        }
        if !EPOCH_INTERVAL_MS.contains(&millis(self.epoch_interval)) {
            problems.push(
                at(path, "epoch_interval"),
                "out of range: from 10ms to 10s; 250ms is a good choice",
            );
        }
    }

    fn check_sizes(&self, path: &str, problems: &mut Problems) {
        if self.epoch_bytes.0 < EPOCH_BYTES_MIN {
            problems.push(at(path, "epoch_bytes"), "too small: at least 64KiB");
        }
        if self.memory_limit.0 < MEMORY_LIMIT_MIN {
            problems.push(at(path, "memory_limit"), "too small: at least 1MiB");
        }
        if self.statistics_limit.0 < STATISTICS_LIMIT_MIN {
            problems.push(at(path, "statistics_limit"), "too small: at least 1MiB");
        }
        if self.maximum_trace_size_bytes == Some(ByteSize(0)) {
            problems.push(
                at(path, "maximum_trace_size_bytes"),
                "0 would drop every trace; leave it out for no limit",
            );
        }
    }

    fn check_promoted(&self, path: &str, problems: &mut Problems) {
        let path = at(path, "promote");
        let (count, max) = (self.promote.len(), promote::KEYS_MAX);
        if count > max {
            problems.push(&path, format!("{count} keys: at most {max}"));
        }
        for (index, key) in self.promote.iter().enumerate() {
            let place = format!("{path}[{index}]");
            if key.is_empty() {
                problems.push(place, "empty: the key of an attribute, such as tenant.id");
            } else if self.promote[..index].contains(key) {
                problems.push(place, format!("{key:?} is there twice"));
            }
        }
    }

    /// A number for everything that verdicts depend on.
    fn generation(&self, tenants: &RawTenants<'_>) -> u64 {
        let what = (
            self.decision_wait,
            self.decision_wait_after_root_received,
            self.decision_cache_ttl,
            self.maximum_trace_size_bytes,
            self.sample_on_first_match,
            self.late_errors,
            self.linked,
            &self.policies,
        );
        let has_own = |own: &RawTenant<'_>| own.policies.is_some() || own.budget.is_some();
        let own = tenants.values().any(has_own).then_some(tenants);
        let text = match own {
            Some(tenants) => serde_json::to_vec(&(what, tenants)),
            None => serde_json::to_vec(&what),
        };
        let mut text = text.unwrap_or_default();
        // Nothing changes for who doesn't ask for it.
        if self.operation_names != RawOperationNames::default() {
            text.extend_from_slice(b"operation_names");
        }
        xxhash_rust::xxh3::xxh3_64(&text)
    }
}

fn at(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.into()
    } else {
        format!("{path}.{field}")
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.0.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
