//! Whose telemetry a backend gets.

use std::collections::{BTreeMap, HashMap};

use runtime::config::{Problems, nearest};
use schemas::headers::DEFAULT_TENANT;

/// What the `tenants` section says about export: every tenant that has an entry, with the backends that it is for if not for all.
pub type RawTenants<'a> = BTreeMap<&'a str, Option<&'a [String]>>;

/// Whose telemetry a backend gets. Without anything said, everybody's.
#[derive(Clone, Debug)]
pub struct Audience {
    /// Of tenants with an entry in the configuration.
    by_name: HashMap<Box<[u8]>, bool>,
    /// Of the others, and of records that name no tenant.
    by_default: bool,
}

impl Default for Audience {
    fn default() -> Self {
        Self {
            by_name: HashMap::new(),
            by_default: true,
        }
    }
}

impl Audience {
    /// Whether it gets this tenant's; `None` is the default tenant.
    pub fn takes(&self, tenant: Option<&[u8]>) -> bool {
        let known = tenant.and_then(|tenant| self.by_name.get(tenant));
        *known.unwrap_or(&self.by_default)
    }

    /// The same for the same audience.
    pub(super) fn sorted(&self) -> (BTreeMap<&[u8], bool>, bool) {
        let by_name = self.by_name.iter();
        let by_name = by_name.map(|(name, takes)| (&**name, *takes));
        (by_name.collect(), self.by_default)
    }

    /// Whose a backend gets.
    pub(super) fn of(backend: &str, tenants: &RawTenants<'_>) -> Self {
        let mut audience = Self::default();
        // When all get the same there is nothing to look up.
        if tenants.values().all(Option::is_none) {
            return audience;
        }
        for (&tenant, backends) in tenants {
            let takes = backends.is_none_or(|backends| backends.iter().any(|one| one == backend));
            match tenant {
                DEFAULT_TENANT => audience.by_default = takes,
                tenant => drop(audience.by_name.insert(tenant.as_bytes().into(), takes)),
            }
        }
        audience
    }
}

/// Names of backends that there aren't are reported under `path`.
pub(super) fn check(names: &[&str], tenants: &RawTenants<'_>, path: &str, problems: &mut Problems) {
    for (tenant, own) in tenants {
        let Some(own) = own else { continue };
        let path = format!("{path}.{tenant}.backends");
        if own.is_empty() {
            let message = "empty: its telemetry would go nowhere; name at least one backend, or leave the key out for all";
            problems.push(&path, message);
        }
        for (index, name) in own.iter().enumerate() {
            if names.contains(&name.as_str()) {
                continue;
            }
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("one of {}", names.join(", ")),
            };
            let message = format!("no backend of the name {name:?}: {help}");
            problems.push_given("export.backends", format!("{path}[{index}]"), message);
        }
    }
}
