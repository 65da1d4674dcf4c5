//! The section as a whole: a list of backends.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runtime::config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audience::{self, Audience, RawTenants};
use super::backend::{Backend, RawBackend};
use super::fingerprint;
use super::routes::{self, RawRoute};
use super::standbys;
use crate::backends::{RawFile, RawRotate, RawStdout};

/// Where kept telemetry goes. Each backend reads the bus for itself: a slow or dead one holds up no other.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// Which backend gets what, from top to bottom. Empty: every backend gets everything.
    pub routes: Vec<RawRoute>,
    /// The backends. Each reads the bus by itself, so a slow one delays no other.
    #[schemars(length(min = 1))]
    pub backends: Vec<RawBackend>,
}

impl Default for RawConfig {
    /// What a first run shows: a line each on the terminal, and everything in a file.
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            backends: vec![
                RawBackend {
                    name: "kept".into(),
                    file: Some(RawFile {
                        path: "./kept.jsonl".into(),
                        rotate: Some(RawRotate::default()),
                    }),
                    ..RawBackend::default()
                },
                RawBackend {
                    name: "terminal".into(),
                    stdout: Some(RawStdout {}),
                    ..RawBackend::default()
                },
            ],
        }
    }
}

/// What of the section takes effect while the stage runs: all of it.
pub const LIVE_KEYS: &[&str] = &["backends", "routes"];

/// A valid `export` section.
#[derive(Clone, Debug)]
pub struct Config {
    pub backends: Vec<Backend>,
    /// Certificates and the like, which may change like the configuration.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// Exporters tell each other what they sent.
    pub fn has_quota(&self) -> bool {
        self.backends.iter().any(|backend| backend.quota.is_some())
    }
}

impl RawConfig {
    /// Reports everything that is wrong under `path`. The result may be used only if `problems` stays empty.
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
        if self.backends.is_empty() {
            problems.push(
                format!("{path}.backends"),
                "no backend, so nothing would be exported: name at least one",
            );
        }
        let mut names = BTreeMap::new();
        let backends = self.backends.iter().enumerate().filter_map(|(index, raw)| {
            let at = format!("{path}.backends[{index}]");
            if let Some(first) = names.insert(raw.name.clone(), index) {
                problems.push(
                    format!("{at}.name"),
                    format!(
                        "`{}` is also the name of backend {first}: names are unique, since each names a consumer group",
                        raw.name
                    ),
                );
            }
            raw.validate(&at, problems)
        });
        let mut backends: Vec<_> = backends.collect();
        RawBackend::validate_together(&self.backends, path, problems);
        let mut files = Vec::new();
        let names: Vec<_> = self.backends.iter().map(|raw| raw.name.as_str()).collect();
        audience::check(&names, tenants, tenants_path, problems);
        routes::check(
            &self.routes,
            &self.backends,
            &format!("{path}.routes"),
            problems,
        );
        for backend in &mut backends {
            backend.tenants = Audience::of(&backend.name, tenants);
            backend.sift.routes = routes::of(&backend.name, &self.routes);
            let raw = self.backends.iter().find(|raw| raw.name == backend.name);
            // What a preset stands for has the credentials, which its own section writes back as `****`.
            let expansion = raw.and_then(|raw| raw.expansion(&backend.signals));
            let expansion = expansion.map(|(_, expansion)| expansion.section);
            let written = (raw, expansion, &self.routes);
            let (print, named) = fingerprint::of(&written, &backend.tenants);
            backend.fingerprint = print;
            files.extend(named);
        }
        let backends = standbys::resolve(
            &self.backends,
            backends,
            &format!("{path}.backends"),
            problems,
        );
        Config { backends, files }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    fn two() -> RawConfig {
        let (tempo, shop) = (
            serde_json::json!({"name": "tempo", "stdout": {}}),
            serde_json::json!({"name": "shop-tempo", "otlp_grpc": {"endpoint": "http://h"}}),
        );
        serde_json::from_value(serde_json::json!({"backends": [tempo, shop]})).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_backend_gets_the_tenants_that_name_it() {
        let (shop, others) = (names(&["shop-tempo"]), names(&["tempo"]));
        let tenants = [
            ("shop", Some(&shop[..])),
            ("everywhere", None),
            ("default", Some(&others[..])),
        ];
        let mut problems = Problems::new();
        let config = two().validate_with("export", &tenants.into(), "tenants", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let takes = |tenant: Option<&str>| {
            let of = |backend: &Backend| backend.tenants.takes(tenant.map(str::as_bytes));
            config.backends.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(takes(Some("shop")), [false, true]);
        assert_eq!(takes(Some("everywhere")), [true, true]);
        for tenant in [None, Some("another"), Some("default")] {
            assert_eq!(takes(tenant), [true, false], "{tenant:?}");
        }
    }

    #[test]
    fn backends_that_there_are_not_are_told() {
        let (wrong, empty) = (names(&["tempo", "shop-temp"]), names(&[]));
        let tenants = [("shop", Some(&wrong[..])), ("none", Some(&empty[..]))];
        let mut problems = Problems::new();
        two().validate_with("export", &tenants.into(), "tenants", &mut problems);
        let told: Vec<_> = problems
            .iter()
            .map(|one| (&*one.path, &*one.message))
            .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0].0, "tenants.none.backends");
        assert_eq!(told[1].0, "tenants.shop.backends[1]");
        assert!(
            told[1].1.ends_with("did you mean \"shop-tempo\"?"),
            "{told:?}"
        );
    }
}
