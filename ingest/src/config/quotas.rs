//! How much each tenant may send: handed to ingest with its configuration, from wherever tenants are configured.

use std::collections::BTreeMap;

/// A tenant's token bucket, in bytes of requests before compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes in a second, on average. Above 0.
    pub rate_bytes: u64,
    /// Bytes at once, after a pause. Above 0.
    pub burst_bytes: u64,
}

/// Quotas of all tenants.
#[derive(Clone, Debug, Default)]
pub struct Quotas {
    /// `Some(None)`: there is an entry, without a limit.
    default: Option<Option<Quota>>,
    named: BTreeMap<String, Option<Quota>>,
}

impl Quotas {
    /// For every tenant without an entry of its own, each by itself.
    pub fn set_default(&mut self, quota: Option<Quota>) {
        self.default = Some(quota);
    }

    /// For one tenant; `None`: it is known, and has no limit.
    pub fn set(&mut self, tenant: &str, quota: Option<Quota>) {
        self.named.insert(tenant.to_owned(), quota);
    }

    /// The limit of a tenant; of `None`, the tenant without a name.
    pub fn of(&self, tenant: Option<&str>) -> Option<Quota> {
        let own = tenant.and_then(|tenant| self.named.get(tenant));
        own.copied().or(self.default).flatten()
    }

    /// Whether a tenant may be there: it is named, all others are meant too, or nobody is named at all.
    pub fn knows(&self, tenant: &str) -> bool {
        self.default.is_some() || self.named.is_empty() || self.named.contains_key(tenant)
    }
}
