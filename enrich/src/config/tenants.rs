//! Redaction that a tenant wants beyond everybody's.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use redact::Rules;
use runtime::config::Problems;
use schemas::headers::DEFAULT_TENANT;

use super::section::{RawConfig, RawRedact};

/// What the `tenants` section says about redaction: every tenant that has an entry, with its rules if it has some.
pub type RawTenants<'a> = BTreeMap<&'a str, Option<&'a RawRedact>>;

/// Rules of tenants. They are applied to what everybody's have left, so whatever they say, nothing comes back.
#[derive(Clone, Debug, Default)]
pub struct TenantRules {
    sets: Vec<TenantSet>,
    /// Of each tenant with an entry in the configuration, whose rules hold for it, if any do.
    by_name: HashMap<Box<[u8]>, Option<usize>>,
    /// Whose rules hold for the others, and for records that name no tenant.
    by_default: Option<usize>,
}

/// The rules of one tenant, compiled.
#[derive(Clone, Debug)]
pub(crate) struct TenantSet {
    pub(crate) rules: Arc<Rules>,
    /// As [`Rules::counters`], with the tenant before each.
    pub(crate) counters: Vec<String>,
}

impl TenantRules {
    /// Which rules hold for the tenant that a record names, if any do; an empty name is the default tenant's.
    pub(crate) fn of(&self, tenant: Option<&[u8]>) -> Option<usize> {
        if self.sets.is_empty() {
            return None;
        }
        match tenant.and_then(|tenant| self.by_name.get(tenant)) {
            Some(own) => *own,
            None => self.by_default,
        }
    }

    /// What a tenant's telemetry has to pass after everybody's rules; an empty name is the default tenant's.
    pub fn rules_of(&self, tenant: Option<&[u8]>) -> Option<&Arc<Rules>> {
        self.of(tenant).map(|at| &self.sets[at].rules)
    }

    pub(crate) fn sets(&self) -> &[TenantSet] {
        &self.sets
    }
}

/// The rules of tenants; `path` is where they are written.
pub(super) fn compile(
    everybodys: &RawConfig,
    tenants: &RawTenants<'_>,
    path: &str,
    problems: &mut Problems,
) -> TenantRules {
    let mut compiled = TenantRules::default();
    // When nobody has any there is nothing to look up.
    if tenants.values().all(Option::is_none) {
        return compiled;
    }
    for (&tenant, redact) in tenants {
        let at = redact.map(|redact| {
            let path = format!("{path}.{tenant}");
            let rules = alone(everybodys, redact).compiled(&path, problems);
            let counters = rules.counters().iter();
            compiled.sets.push(TenantSet {
                counters: counters.map(|rule| format!("{tenant}/{rule}")).collect(),
                rules,
            });
            compiled.sets.len() - 1
        });
        match tenant {
            DEFAULT_TENANT => compiled.by_default = at,
            tenant => drop(compiled.by_name.insert(tenant.as_bytes().into(), at)),
        }
    }
    compiled
}

/// A section of a tenant's rules alone. It hashes with everybody's key if it names none, so that hashes agree.
fn alone(everybodys: &RawConfig, redact: &RawRedact) -> RawConfig {
    let mut redact = redact.clone();
    if redact.hash.key.0.is_empty() {
        redact.hash.key = everybodys.redact.hash.key.clone();
    }
    RawConfig {
        redact,
        ..RawConfig::default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn redact(delete: &[&str]) -> RawRedact {
        RawRedact {
            delete: delete.iter().map(|key| (*key).to_owned()).collect(),
            ..RawRedact::default()
        }
    }

    #[test]
    fn the_default_tenants_rules_hold_for_all_without_an_entry() {
        let (shop, others) = (redact(&["a"]), redact(&["b"]));
        let tenants = [
            ("shop", Some(&shop)),
            ("quiet", None),
            ("default", Some(&others)),
        ];
        let mut problems = Problems::new();
        let raw = RawConfig::default();
        let config = raw.validate_with("enrich", &tenants.into(), "tenants", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let whose = |tenant: Option<&str>| {
            let at = config.tenants.of(tenant.map(str::as_bytes))?;
            Some(config.tenants.sets()[at].counters[0].clone())
        };
        assert_eq!(whose(Some("shop")).unwrap(), "shop/delete");
        assert_eq!(whose(Some("quiet")), None);
        for tenant in [Some("other"), Some("default"), Some(""), None] {
            assert_eq!(whose(tenant).unwrap(), "default/delete");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_path() {
        let wrong = redact(&[""]);
        let mut problems = Problems::new();
        let tenants = [("shop", Some(&wrong))].into();
        RawConfig::default().validate_with("enrich", &tenants, "tenants", &mut problems);
        let paths: Vec<_> = problems.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["tenants.shop.redact.delete"]);
    }
}
