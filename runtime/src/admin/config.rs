//! The `admin` section of the configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard::Token;
use crate::config::{LISTEN_PATTERN, Problems, Secret, listen_address};

const HEALTH_PORT: u16 = 13133;
const METRICS_PORT: u16 = 8888;
/// Where `admin.listen` is when `admin.health` is off.
const PAGES_PORT: u16 = 13134;
/// Between the default ports of a stage that runs alone and those of the next one.
const PORTS_BY_STAGE: u16 = 10;

/// As [`LISTEN_PATTERN`], or `off`.
fn listen_or_off() -> String {
    format!("^off$|{LISTEN_PATTERN}")
}

/// The `admin` section: addresses, or `off`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAdmin {
    /// Where `/livez` (also `/healthz`) says that the process lives, and `/readyz` whether all of its parts are ready;
    /// or `off`. Absent: 127.0.0.1:13133. A stage that runs alone: 13133 for ingest, 13143 for the sampler, 13153 for
    /// enrich, 13163 for export, or the next free port.
    #[schemars(extend("pattern" = listen_or_off()))]
    pub health: Option<String>,
    /// Where `/metrics` is, for Prometheus; or `off`. Absent: 127.0.0.1:8888. A stage that runs alone: 8888, 8898, 8908
    /// or 8918, or the next free port.
    #[schemars(extend("pattern" = listen_or_off()))]
    pub metrics: Option<String>,
    /// Where `GET /why/TRACE_ID` and `POST /config` are, which show data or change something; or `off`. Any address but
    /// localhost needs `admin.token`. Absent: on 127.0.0.1, the port after that of `admin.health`.
    #[schemars(extend("pattern" = listen_or_off()))]
    pub listen: Option<String>,
    /// The token that requests to `admin.listen` must send as `Authorization: Bearer …`. At least 16 characters; write
    /// it as "${env:TAILWATER_ADMIN_TOKEN}".
    pub token: Secret,
}

/// A valid `admin` section.
#[derive(Clone, Debug, Default)]
pub struct AdminConfig {
    pub health: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
    pub listen: Option<SocketAddr>,
    pub token: Option<Token>,
    /// Nobody wrote these addresses down, nor one that they follow from: each stage has its own.
    assumed: By<bool>,
    /// Which of them give way to the next free port when they are taken.
    pub(super) moves: By<bool>,
    absent: By<bool>,
}

/// One for each address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct By<T> {
    pub(super) health: T,
    pub(super) metrics: T,
    pub(super) listen: T,
}

impl AdminConfig {
    /// For a stage that runs alone, the `place`th of the pipeline: several of them share one file and, often, one host. So addresses that the
    /// file doesn't name are different for each stage, and one that is taken gives way to the next free port. One that it names stays: whoever
    /// wrote it down asks there.
    pub fn of_stage(mut self, place: u16) -> Self {
        let move_on = |address: &mut Option<SocketAddr>, assumed: bool| match address {
            Some(address) if assumed && address.port() != 0 => {
                address.set_port(address.port() + place * PORTS_BY_STAGE);
            }
            _ => {}
        };
        move_on(&mut self.health, self.assumed.health);
        move_on(&mut self.metrics, self.assumed.metrics);
        move_on(&mut self.listen, self.assumed.listen);
        self.moves = self.absent;
        self
    }
}

impl RawAdmin {
    pub fn validate(&self, path: &str, problems: &mut Problems) -> AdminConfig {
        let health = match &self.health {
            Some(text) => address(path, "health", text, problems),
            None => Some((Ipv4Addr::LOCALHOST, HEALTH_PORT).into()),
        };
        let metrics = match &self.metrics {
            Some(text) => address(path, "metrics", text, problems),
            None => Some((Ipv4Addr::LOCALHOST, METRICS_PORT).into()),
        };
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
        let absent = By {
            health: self.health.is_none(),
            metrics: self.metrics.is_none(),
            listen: self.listen.is_none(),
        };
        AdminConfig {
            health,
            metrics,
            listen,
            token,
            assumed: By {
                listen: absent.listen && absent.health,
                ..absent
            },
            moves: By::default(),
            absent,
        }
    }
}

fn address(path: &str, key: &str, text: &str, problems: &mut Problems) -> Option<SocketAddr> {
    if text == "off" {
        return None;
    }
    match listen_address(text) {
        Ok(address) => Some(address),
        Err(problem) => {
            problems.push(
                format!("{path}.{key}"),
                format!("`{text}` {problem}, or off"),
            );
            None
        }
    }
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
            health: Some("localhost".to_owned()),
            metrics: Some("off".to_owned()),
            ..RawAdmin::default()
        };
        assert!(check(raw, &["admin.health"]).metrics.is_none());
        let raw = RawAdmin {
            health: Some("localhost:7000".to_owned()),
            metrics: Some(":7001".to_owned()),
            listen: Some("localhost:7002".to_owned()),
            ..RawAdmin::default()
        };
        let config = check(raw, &[]);
        let addresses = [config.health, config.metrics, config.listen];
        let expected = ["127.0.0.1:7000", "0.0.0.0:7001", "127.0.0.1:7002"];
        assert_eq!(addresses, expected.map(|address| address.parse().ok()));
        // All addresses of the host: others reach it.
        check(listening(":7002", ""), &["admin.listen"]);
    }

    #[test]
    fn stages_that_run_alone_have_ports_of_their_own() {
        let ports = |raw: &RawAdmin, place| {
            let config = check(raw.clone(), &[]).of_stage(place);
            [config.health, config.metrics, config.listen]
                .map(|address| address.map(|address| address.port()))
        };
        let written = |health: &str| RawAdmin {
            health: Some(health.to_owned()),
            ..RawAdmin::default()
        };
        let absent = RawAdmin::default();
        assert_eq!(ports(&absent, 0), [Some(13133), Some(8888), Some(13134)]);
        assert_eq!(ports(&absent, 3), [Some(13163), Some(8918), Some(13164)]);
        let here = written("127.0.0.1:7000");
        assert_eq!(ports(&here, 2), [Some(7000), Some(8908), Some(7001)]);
        assert_eq!(
            ports(&written("off"), 1),
            [None, Some(8898), Some(PAGES_PORT)]
        );
        let any = written("127.0.0.1:0");
        assert_eq!(ports(&any, 1), [Some(0), Some(8898), Some(0)]);
    }

    #[test]
    fn what_shows_data_is_on_localhost_or_asks_for_a_token() {
        let by_default = check(RawAdmin::default(), &[]).listen;
        assert_eq!(by_default, "127.0.0.1:13134".parse().ok());
        let exposed = RawAdmin {
            health: Some("0.0.0.0:7000".to_owned()),
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
