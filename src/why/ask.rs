//! Asking the process that holds an embedded bus, over its admin endpoint.
//!
//! That process notes its address in the bus's directory, since its configuration may not be the one at hand.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bus::BusKind;
use runtime::config::Secret;

use crate::admin_client::{self, Limits};
use crate::config::Config;

use super::history::History;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    // It may have to read a long decision log.
    answer: Duration::from_secs(60),
    // One trace has a few entries of some hundred bytes.
    answer_bytes_max: 16 << 20,
};

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
fn ask(address: SocketAddr, token: &Secret, id: [u8; 16]) -> anyhow::Result<Option<History>> {
    let path = format!("/why/{}", const_hex::encode(id));
    let answer = admin_client::get(address, &path, token, LIMITS)?;
    match answer.status {
        200 => Ok(Some(
            serde_json::from_str(&answer.body).context("an odd answer")?,
        )),
        // A page that says so, and not one that doesn't know the question.
        404 if answer.body.starts_with("nothing is known") => Ok(None),
        _ => bail!("{}: {}", answer.line, answer.body.trim()),
    }
}
