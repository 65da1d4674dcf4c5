//! What is used of the quotas, as metrics and in the log.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use metrics::{SharedString, gauge};

use super::rules::By;
use super::shared::Shared;
use super::table::Amount;
use crate::names;

/// What was said of a backend's quotas.
pub struct Shown {
    backend: SharedString,
    /// By tenant: of which window it was last logged, and that all of it is used.
    logged: HashMap<Box<[u8]>, (u64, bool)>,
}

impl Shown {
    pub fn new(backend: &str) -> Self {
        Self {
            backend: backend.to_owned().into(),
            logged: HashMap::new(),
        }
    }

    /// Says what is used of the window that it is now.
    pub fn show(&mut self, shared: &Shared) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now_ms = now.map_or(0, |now| now.as_millis() as u64);
        let window = shared.rules.window.at(now_ms);
        let known = shared.is_known();
        gauge!(names::QUOTA_KNOWN, "backend" => self.backend.clone()).set(f64::from(known));
        let mut by_label: BTreeMap<SharedString, Amount> = BTreeMap::new();
        let mut loud = Vec::new();
        for (tenant, of, counted) in shared.usage().totals().iter() {
            let used = by_label.entry(label(shared.rules.by, tenant)).or_default();
            if of == window {
                used.bytes += counted.amount.bytes;
                used.items += counted.amount.items;
                loud.push((Box::from(tenant), counted.amount));
            }
        }
        for (tenant, used) in by_label {
            let gauges = [
                (names::QUOTA_USED_BYTES, used.bytes, true),
                (names::QUOTA_USED_ITEMS, used.items, true),
                (
                    names::QUOTA_LIMIT_BYTES,
                    shared.rules.bytes,
                    shared.rules.bytes > 0,
                ),
                (
                    names::QUOTA_LIMIT_ITEMS,
                    shared.rules.items,
                    shared.rules.items > 0,
                ),
            ];
            for (name, value, _) in gauges.into_iter().filter(|(_, _, is_there)| *is_there) {
                let labels = [
                    ("backend", self.backend.clone()),
                    ("tenant", tenant.clone()),
                ];
                gauge!(name, &labels).set(value as f64);
            }
        }
        for (tenant, used) in loud {
            self.log(shared, tenant, window, used);
        }
    }

    /// Once when the share is reached from which on it is said, and once when all is used.
    fn log(&mut self, shared: &Shared, tenant: Box<[u8]>, window: u64, used: Amount) {
        let rules = &shared.rules;
        let share = |used: u64, limit: u64| match limit {
            0 => 0.0,
            limit => used as f64 / limit as f64,
        };
        let share = share(used.bytes, rules.bytes).max(share(used.items, rules.items));
        let is_full = share >= 1.0;
        if share < rules.warn_at && !is_full {
            return;
        }
        let known = self.logged.get(&tenant).copied();
        if known.is_some_and(|(of, was_full)| of == window && (was_full || !is_full)) {
            return;
        }
        let name = label(rules.by, &tenant);
        let resets = rules.window.start_ms(window + 1) / 1000;
        tracing::warn!(
            backend = &*self.backend,
            tenant = &*name,
            bytes = used.bytes,
            items = used.items,
            limit_bytes = rules.bytes,
            limit_items = rules.items,
            used_percent = (share * 100.0).round(),
            resets_at = %humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(resets)),
            "{}",
            match is_full {
                true => "the quota is used up",
                false => "most of the quota is used",
            }
        );
        self.logged.insert(tenant, (window, is_full));
    }
}

fn label(by: By, tenant: &[u8]) -> SharedString {
    match by {
        By::All => "all".into(),
        By::Tenant if tenant.is_empty() => stage::OTHERS.into(),
        By::Tenant => stage::tenant_label(Some(tenant)).into(),
    }
}
