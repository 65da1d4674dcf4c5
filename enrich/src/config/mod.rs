//! The `enrich` section of the configuration: as written, and compiled.

mod pii;
mod section;
mod steps;
mod tenants;
mod value;

use std::sync::Arc;

use bus::Delivery;
use redact::Rules;
use runtime::config::Problems;

use crate::steps::Steps;

pub use pii::{RawDetector, RawNamedKey, RawPack, RawPii, RawPiiAction, RawPiiMode};
pub use section::{RawConfig, RawDelivery, RawHash, RawMask, RawRedact, RawSet, RawUnknownFields};
pub use steps::{
    RawAction, RawActionKind, RawAssignment, RawAssociation, RawAttributes, RawConditionGroup,
    RawConditions, RawContext, RawConvertedType, RawErrorMode, RawExclude, RawExcludedPod,
    RawExtract, RawFamily, RawFieldFilter, RawFieldSource, RawFilter, RawFrom, RawK8sAttributes,
    RawK8sSemconv, RawLogFilters, RawLookup, RawMetricFilters, RawNameMode, RawOperator,
    RawPodFilter, RawPodSource, RawQuery, RawResource, RawSchema, RawSource, RawSpanName,
    RawStatementGroup, RawStatements, RawStatus, RawStep, RawStepKind, RawTableFormat, RawTag,
    RawTarget, RawTraceFilters, RawTransform,
};
pub use tenants::{RawTenants, TenantRules};
pub use value::RawValue;

/// The keys of the section that take effect while running.
pub const LIVE_KEYS: &[&str] = &["steps"];

impl Config {
    /// Whether a detector's action is to keep items aside.
    pub fn quarantines(&self) -> bool {
        self.rules.pii().is_some_and(|pii| pii.quarantines())
    }

    /// Whether a step asks for pods of Kubernetes.
    pub fn looks_up_pods(&self) -> bool {
        self.steps.wait_for_metadata().is_some()
    }
}

/// A valid `enrich` section, compiled.
#[derive(Clone, Debug)]
pub struct Config {
    pub rules: Arc<Rules>,
    /// Applied to what `rules` leaves, by tenant.
    pub tenants: TenantRules,
    pub delivery: Delivery,
    /// What is done before anything is redacted.
    pub(crate) steps: Arc<Steps>,
}

impl Config {
    /// Reads the tables that steps look something up in; what is wrong with them, each by the place where its file is named.
    pub fn read_tables(&self) -> Vec<(String, String)> {
        self.steps.load_tables();
        let tables = self.steps.tables();
        let faulty = tables.filter_map(|table| Some((table.at().to_owned(), table.fault()?)));
        faulty.collect()
    }
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
            steps: Arc::new(self.compiled_steps(path, problems)),
        }
    }
}

#[cfg(test)]
mod tests;
