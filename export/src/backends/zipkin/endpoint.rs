//! The two ends of a span: whose it is, and whom it talks to, out of its tags.

use std::net::IpAddr;
use std::str::FromStr;

use schemas::json::plain::Plain;
use schemas::json::token::{put_text, put_unsigned};
use schemas::wire::WireError;

use super::tags::{Tag, Tags, write_tag};

/// What the attributes of one end are called.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The newer names first.
    addresses: &'static [&'static str],
    ports: &'static [&'static str],
}

pub const LOCAL: Keys = Keys {
    addresses: &["network.local.address", "net.host.ip"],
    ports: &["network.local.port", "net.host.port"],
};
pub const REMOTE: Keys = Keys {
    addresses: &["network.peer.address", "net.peer.ip"],
    ports: &["network.peer.port", "net.peer.port"],
};

/// One end. What it takes is no tag any more.
#[derive(Clone, Debug, Default)]
pub struct Endpoint<'a> {
    service: Option<Tag<'a>>,
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl<'a> Endpoint<'a> {
    /// Takes address and port out of the tags; the port only beside an address or a service, since it says nothing alone. What is no address or no port
    /// stays a tag.
    pub fn take(service: Option<Tag<'a>>, keys: Keys, tags: &mut Tags<'a>) -> Self {
        let mut endpoint = Self {
            service: service.filter(|service| !service.is_empty()),
            address: take_parsed(keys.addresses, tags),
            port: None,
        };
        if !endpoint.is_empty() {
            endpoint.port = take_parsed(keys.ports, tags);
        }
        endpoint
    }

    /// Nothing is known of it.
    pub fn is_empty(&self) -> bool {
        self.service.is_none() && self.address.is_none()
    }

    /// Appends it as an object.
    ///
    /// # Errors
    /// The name of the service is malformed, or nested too deeply.
    pub fn write(&self, plain: &mut Plain<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        let mut comma = "{";
        if let Some(service) = &self.service {
            out.extend_from_slice(b"{\"serviceName\":");
            write_tag(service, plain, out)?;
            comma = ",";
        }
        if let Some(address) = self.address {
            out.extend_from_slice(comma.as_bytes());
            out.extend_from_slice(match address {
                IpAddr::V4(_) => b"\"ipv4\":",
                IpAddr::V6(_) => b"\"ipv6\":",
            });
            put_text(out, address.to_string().as_bytes());
        }
        if let Some(port) = self.port.filter(|port| *port > 0) {
            out.extend_from_slice(b",\"port\":");
            put_unsigned(out, port.into());
        }
        out.push(b'}');
        Ok(())
    }
}

/// The first of these tags whose text can be read, which is no tag any more then.
fn take_parsed<T: FromStr>(keys: &[&str], tags: &mut Tags<'_>) -> Option<T> {
    let (key, parsed) = keys.iter().find_map(|key| {
        let text = tags.get(key)?.text();
        let parsed = std::str::from_utf8(&text).ok()?.parse().ok()?;
        Some((*key, parsed))
    })?;
    tags.remove(key);
    Some(parsed)
}
