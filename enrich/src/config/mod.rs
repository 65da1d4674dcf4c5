//! The `enrich` section of the configuration: as written, and compiled.

mod section;
mod tenants;

use std::sync::Arc;

use bus::Delivery;
use redact::Rules;
use runtime::config::Problems;

pub use section::{
    RawConfig, RawDelivery, RawHash, RawMask, RawRedact, RawSet, RawUnknownFields, RawValue,
};
pub use tenants::{RawTenants, TenantRules};

/// A valid `enrich` section, compiled.
#[derive(Clone, Debug)]
pub struct Config {
    pub rules: Arc<Rules>,
    /// Applied to what `rules` leaves, by tenant.
    pub tenants: TenantRules,
    pub delivery: Delivery,
}

impl RawConfig {
    /// Reports everything that is wrong; the result is only to be used when nothing was.
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
        Config {
            rules: self.compiled(path, problems),
            tenants: tenants::compile(self, tenants, tenants_path, problems),
            delivery: self.delivery(),
        }
    }
}

#[cfg(test)]
mod tests;
