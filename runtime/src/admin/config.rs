//! The `admin` section of the configuration.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Problems;

/// The `admin` section: addresses, or `off`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAdmin {
    /// `/healthz` says that the process lives, `/readyz` whether all of its parts are ready.
    pub health: String,
    /// `/metrics` for Prometheus.
    pub metrics: String,
}

impl Default for RawAdmin {
    fn default() -> Self {
        Self {
            health: "127.0.0.1:13133".to_owned(),
            metrics: "127.0.0.1:8888".to_owned(),
        }
    }
}

/// A valid `admin` section.
#[derive(Clone, Debug, Default)]
pub struct AdminConfig {
    pub health: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
}

impl RawAdmin {
    pub fn validate(&self, path: &str, problems: &mut Problems) -> AdminConfig {
        let mut address = |key: &str, text: &str| match text {
            "off" => None,
            text => {
                let parsed = text.parse();
                if parsed.is_err() {
                    let message = format!(
                        "`{text}` is not an address; write an ip address and a port, such as 127.0.0.1:13133, or off"
                    );
                    problems.push(format!("{path}.{key}"), message);
                }
                parsed.ok()
            }
        };
        AdminConfig {
            health: address("health", &self.health),
            metrics: address("metrics", &self.metrics),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        let mut problems = Problems::new();
        let raw = RawAdmin {
            health: "localhost".to_owned(),
            metrics: "off".to_owned(),
        };
        let config = raw.validate("admin", &mut problems);
        assert!(config.metrics.is_none());
        let found: Vec<_> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(found, ["admin.health"]);
    }
}
