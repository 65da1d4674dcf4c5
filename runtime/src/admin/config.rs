//! The `admin` section of the configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard::Token;
use crate::config::{Problems, Secret};

/// Where `admin.listen` is when `admin.health` is off.
const PAGES_PORT: u16 = 13134;

/// The `admin` section: addresses, or `off`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAdmin {
    /// `/livez` (also `/healthz`) says that the process lives, `/readyz` whether all of its parts are ready.
    pub health: String,
    /// `/metrics` for Prometheus.
    pub metrics: String,
    /// `GET /why/TRACE_ID` and `POST /config`: what shows data or changes something. Beyond localhost only with `admin.token`. Absent: on 127.0.0.1, the port after that of
    /// `admin.health`.
    pub listen: Option<String>,
    /// What requests to `admin.listen` must carry as `Authorization: Bearer …`: at least 16 characters, such as "${env:TAILWATER_ADMIN_TOKEN}".
    pub token: Secret,
}

impl Default for RawAdmin {
    fn default() -> Self {
        Self {
            health: "127.0.0.1:13133".to_owned(),
            metrics: "127.0.0.1:8888".to_owned(),
            listen: None,
            token: Secret::default(),
        }
    }
}

/// A valid `admin` section.
#[derive(Clone, Debug, Default)]
pub struct AdminConfig {
    pub health: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
    pub listen: Option<SocketAddr>,
    pub token: Option<Token>,
}

impl RawAdmin {
    pub fn validate(&self, path: &str, problems: &mut Problems) -> AdminConfig {
        let health = address(path, "health", &self.health, problems);
        let metrics = address(path, "metrics", &self.metrics, problems);
        let token = match self.token.0.as_str() {
            "" => None,
            text => {
                let token = Token::new(text);
                if token.is_none() {
                    let message = "takes at least 16 printable characters of ASCII, without blanks";
                    problems.push(format!("{path}.token"), message);
                }
                token
            }
        };
        let listen = match &self.listen {
            Some(text) => address(path, "listen", text, problems),
            None => Some(beside(health)),
        };
        if let Some(address) = listen {
            if !address.ip().is_loopback() && self.token.0.is_empty() {
                let message = format!(
                    "{address} can be reached by others, who could read traces' names and have the configuration read again: listen on 127.0.0.1, or set {path}.token"
                );
                problems.push(format!("{path}.listen"), message);
            }
            if address.port() != 0 && [health, metrics].contains(&Some(address)) {
                let message = format!(
                    "{address} is that of {path}.health or {path}.metrics, which anybody may ask; take another port"
                );
                problems.push(format!("{path}.listen"), message);
            }
        }
        AdminConfig {
            health,
            metrics,
            listen,
            token,
        }
    }
}

fn address(path: &str, key: &str, text: &str, problems: &mut Problems) -> Option<SocketAddr> {
    if text == "off" {
        return None;
    }
    let parsed = text.parse();
    if parsed.is_err() {
        let message = format!(
            "`{text}` is not an address; write an ip address and a port, such as 127.0.0.1:13133, or off"
        );
        problems.push(format!("{path}.{key}"), message);
    }
    parsed.ok()
}

/// On localhost, whoever may ask for health; where health takes any port, so does this.
fn beside(health: Option<SocketAddr>) -> SocketAddr {
    let port = match health.map(|address| address.port()) {
        Some(0) => 0,
        Some(port) => port.checked_add(1).unwrap_or(PAGES_PORT),
        None => PAGES_PORT,
    };
    (IpAddr::V4(Ipv4Addr::LOCALHOST), port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: RawAdmin, wrong: &[&str]) -> AdminConfig {
        let mut problems = Problems::new();
        let config = raw.validate("admin", &mut problems);
        let found: Vec<_> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(found, wrong);
        config
    }

    fn listening(listen: &str, token: &str) -> RawAdmin {
        RawAdmin {
            listen: Some(listen.to_owned()),
            token: Secret(token.to_owned()),
            ..RawAdmin::default()
        }
    }

    #[test]
    fn addresses_are_checked() {
        let raw = RawAdmin {
            health: "localhost".to_owned(),
            metrics: "off".to_owned(),
            ..RawAdmin::default()
        };
        assert!(check(raw, &["admin.health"]).metrics.is_none());
    }

    #[test]
    fn what_shows_data_is_on_localhost_or_asks_for_a_token() {
        let by_default = check(RawAdmin::default(), &[]).listen;
        assert_eq!(by_default, "127.0.0.1:13134".parse().ok());
        let exposed = RawAdmin {
            health: "0.0.0.0:7000".to_owned(),
            ..RawAdmin::default()
        };
        let listen = check(exposed, &[]).listen;
        assert_eq!(listen, "127.0.0.1:7001".parse().ok());
        check(listening("0.0.0.0:13134", ""), &["admin.listen"]);
        check(listening("[::]:13134", ""), &["admin.listen"]);
        check(listening("0.0.0.0:13134", "a-token-of-24-characters"), &[]);
        check(listening("[::1]:13134", ""), &[]);
        check(listening("off", ""), &[]);
        check(listening("127.0.0.1:8888", ""), &["admin.listen"]);
        check(listening("127.0.0.1:1", "short"), &["admin.token"]);
        check(
            listening("127.0.0.1:1", "sixteen and more, with blanks"),
            &["admin.token"],
        );
    }
}
