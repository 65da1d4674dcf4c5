//! Asking the process that holds an embedded bus, over its admin endpoint.
//!
//! One question, blocking, by HTTP/1.0: the few lines for that are written here, since a client library needs a runtime, and both timeouts and the limit of the
//! answer around it besides.
//!
//! That process notes its address in the bus's directory, since its configuration may not be the one at hand.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bus::BusKind;
use runtime::config::Secret;

use crate::config::Config;

use super::history::History;

const CONNECT: Duration = Duration::from_secs(2);
/// It may have to read a long decision log.
const ANSWER: Duration = Duration::from_secs(60);
/// One trace has a few entries of some hundred bytes.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// In the directory of the embedded bus: where the process that holds it answers, or `off`.
const ADDRESS_FILE: &str = "admin.address";

/// Notes where the process that holds the bus in `dir` answers. Without the note it can still be asked by whoever knows the address.
pub fn leave_address(dir: &Path, address: Option<SocketAddr>) {
    let text = address.map_or_else(|| "off".to_owned(), |address| address.to_string());
    let path = dir.join(ADDRESS_FILE);
    if let Err(error) = std::fs::write(&path, format!("{text}\n")) {
        tracing::warn!(path = %path.display(), %error, "cannot note the address of the admin pages; `tailwater why` goes by its configuration");
    }
}

/// Where to ask: the address that is noted with the bus, else the configuration's; each with where it comes from.
fn addresses(config: &Config) -> Vec<(SocketAddr, String)> {
    let mut addresses = Vec::new();
    if let BusKind::Embedded(embedded) = &config.bus.kind {
        let path = embedded.dir.join(ADDRESS_FILE);
        let noted = std::fs::read_to_string(&path).ok();
        let noted = noted.and_then(|text| text.trim().parse().ok());
        addresses.extend(noted.map(|address| (address, path.display().to_string())));
    }
    if let Some(address) = config.admin.listen
        && addresses.iter().all(|(noted, _)| *noted != address)
    {
        addresses.push((address, "admin.listen".to_owned()));
    }
    addresses
}

/// What a running process knows of a trace: the first that answers.
///
/// # Errors
/// What was tried, and how it went.
pub fn ask_any(config: &Config, id: [u8; 16]) -> anyhow::Result<Option<History>> {
    let token = &config.raw.admin.token;
    let mut tried = Vec::new();
    for (address, from) in addresses(config) {
        match ask(address, token, id) {
            Ok(found) => return Ok(found),
            Err(error) => tried.push(format!(
                "asked http://{address}/why (from {from}): {error:#}"
            )),
        }
    }
    if tried.is_empty() {
        bail!("a running process can't be asked either, since admin.listen is off");
    }
    bail!("{}", tried.join("; "))
}

/// What the process at this address knows of a trace.
fn ask(mut address: SocketAddr, token: &Secret, id: [u8; 16]) -> anyhow::Result<Option<History>> {
    // Who listens everywhere listens here.
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let token = match token.0.as_str() {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    let mut stream = TcpStream::connect_timeout(&address, CONNECT).context("cannot connect")?;
    stream.set_read_timeout(Some(ANSWER))?;
    // HTTP 1.0: the answer ends with the connection, in one piece.
    write!(
        stream,
        "GET /why/{} HTTP/1.0\r\nhost: {address}\r\n{token}\r\n",
        const_hex::encode(id)
    )?;
    let mut answer = String::new();
    (stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)).context("no answer")?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("not an HTTP answer")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(Some(serde_json::from_str(body).context("an odd answer")?)),
        // A page that says so, and not one that doesn't know the question.
        Some("404") if body.starts_with("nothing is known") => Ok(None),
        _ => bail!(
            "{}: {}",
            head.lines().next().unwrap_or_default(),
            body.trim()
        ),
    }
}
