//! How a broker of a test's own is set up: its listeners, and whether it checks rights.

use anyhow::{Result, bail};

use super::listener::Tls;
use super::{Access, Broker, Listener, Rights, Skipped, jars, rights, start_on};
use crate::ports::free_port;

/// A broker that is not started yet. It always has a plain listener, for anybody.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    listeners: Vec<Listener>,
    checks_rights: bool,
}

/// A broker, and what was asked for beside it.
pub struct Started {
    pub broker: Broker,
    /// In the order in which they were asked for.
    pub listeners: Vec<Access>,
    /// Of those who come without a login; nobody has any at the start.
    pub rights: Option<Rights>,
    /// Where a listener speaks TLS.
    pub tls: Option<Tls>,
}

impl Setup {
    /// One more way in.
    pub fn listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Who comes without a login may do only what [`Rights`] allows.
    pub fn checking_rights(mut self) -> Self {
        self.checks_rights = true;
        self
    }

    pub fn start(&self) -> Result<Started, Skipped> {
        Broker::or_skipped(|| {
            // Another process may take a port between our look and the broker's bind: then others are tried.
            let mut tried = String::new();
            for _ in 0..3 {
                match self.try_start() {
                    Ok(started) => return Ok(started),
                    Err(error) => tried.push_str(&format!("{error:#}; ")),
                }
            }
            bail!("the broker did not start: {tried}")
        })
    }

    fn try_start(&self) -> Result<Started> {
        let jars = jars::folder()?;
        let (plain, controller) = (free_port()?, free_port()?);
        let tls = match self.listeners.iter().any(|listener| listener.uses_tls()) {
            true => Some(Tls::make()?),
            false => None,
        };
        let mut listening = vec![("PLAINTEXT".to_owned(), "PLAINTEXT", plain)];
        let mut lines = tls.as_ref().map(Tls::lines).unwrap_or_default();
        let mut format = Vec::new();
        for (number, listener) in self.listeners.iter().enumerate() {
            let name = format!("MORE{number}");
            lines += &listener.lines(&name);
            format.extend(listener.format());
            listening.push((name, listener.protocol(), free_port()?));
        }
        let ports: Vec<u16> = listening[1..].iter().map(|(.., port)| *port).collect();
        let mut controller_protocol = "PLAINTEXT";
        let mut rights = None;
        if self.checks_rights {
            let port = free_port()?;
            listening.push((rights::LISTENER.to_owned(), rights::PROTOCOL, port));
            controller_protocol = rights::PROTOCOL;
            lines += &rights::lines();
            rights = Some(Rights::new(&jars, port)?);
        }
        lines += &listener_lines(&listening, controller, controller_protocol);
        let broker = start_on(&jars, plain, controller, &lines, &format)?;
        let with_ports = self.listeners.iter().zip(ports);
        Ok(Started {
            broker,
            listeners: with_ports
                .map(|(listener, port)| listener.access(port, tls.as_ref()))
                .collect(),
            rights,
            tls,
        })
    }
}

/// Name, protocol and port of each.
fn listener_lines(
    listening: &[(String, &str, u16)],
    controller: u16,
    controller_protocol: &str,
) -> String {
    let joined = |line: fn(&(String, &str, u16)) -> String| {
        let lines: Vec<_> = listening.iter().map(line).collect();
        lines.join(",")
    };
    let addresses = joined(|(name, _, port)| format!("{name}://127.0.0.1:{port}"));
    let protocols = joined(|(name, protocol, _)| format!("{name}:{protocol}"));
    format!(
        "listeners={addresses},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={addresses}
listener.security.protocol.map={protocols},CONTROLLER:{controller_protocol}
"
    )
}
