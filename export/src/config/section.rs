//! The section as a whole: a list of backends.

use std::collections::BTreeMap;

use runtime::config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backend::{Backend, RawBackend};
use crate::backends::{RawFile, RawRotate, RawStdout};

/// Where kept telemetry goes. Each backend reads the bus for itself: a slow or dead one holds up no other.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// The backends. Each reads the bus by itself, so a slow one delays no other.
    #[schemars(length(min = 1))]
    pub backends: Vec<RawBackend>,
}

impl Default for RawConfig {
    /// What a first run shows: a line each on the terminal, and everything in a file.
    fn default() -> Self {
        Self {
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

/// A valid `export` section.
#[derive(Clone, Debug)]
pub struct Config {
    pub backends: Vec<Backend>,
}

impl RawConfig {
    /// Reports everything that is wrong under `path`. The result may be used only if `problems` stays empty.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
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
        let backends = backends.collect();
        RawBackend::validate_together(&self.backends, path, problems);
        Config { backends }
    }
}
