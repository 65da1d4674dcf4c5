//! `ingest.peer_address`: the address that telemetry came from, as an attribute of resources that don't say which pod sent them.

use std::net::IpAddr;

use http::HeaderMap;
use runtime::config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const FORWARDED_FOR: &str = "x-forwarded-for";
const PROXIES_MAX: usize = 256;
const ATTRIBUTE_BYTES_MAX: usize = 256;

/// The address of whoever sends, on resources without `k8s.pod.uid` and `k8s.pod.ip`. For senders that connect directly: behind an agent, it is the agent's.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawPeerAddress {
    /// The attribute.
    pub attribute: String,
    /// Addresses and networks (`10.0.0.0/8`) of proxies whose header `X-Forwarded-For` is believed. Nobody else's is.
    pub trusted_proxies: Vec<String>,
}

impl Default for RawPeerAddress {
    fn default() -> Self {
        Self {
            attribute: "k8s.pod.ip".to_owned(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// How the sender's address is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    pub attribute: String,
    trusted: Vec<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl RawPeerAddress {
    /// Reports everything that is wrong under `path`.
    pub(super) fn validate(&self, path: &str, problems: &mut Problems) -> PeerAddress {
        if self.attribute.is_empty() || self.attribute.len() > ATTRIBUTE_BYTES_MAX {
            let message =
                format!("must be the key of an attribute, of at most {ATTRIBUTE_BYTES_MAX} bytes");
            problems.push(format!("{path}.attribute"), message);
        }
        if self.trusted_proxies.len() > PROXIES_MAX {
            let message = format!("has more than {PROXIES_MAX} entries; name networks");
            problems.push(format!("{path}.trusted_proxies"), message);
        }
        let mut trusted = Vec::new();
        for (index, text) in self.trusted_proxies.iter().enumerate() {
            match Network::parse(text) {
                Some(network) => trusted.push(network),
                None => problems.push(
                    format!("{path}.trusted_proxies[{index}]"),
                    format!("`{text}` is no address and no network, such as 10.0.0.0/8"),
                ),
            }
        }
        PeerAddress {
            attribute: self.attribute.clone(),
            trusted,
        }
    }
}

impl PeerAddress {
    /// Whose request it is: the peer, or whom trusted proxies name. Each proxy adds its own peer at the end of the header, so it is read from there, up to
    /// the first address that isn't a trusted proxy's: what stands before it is the sender's own claim.
    pub fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut sender = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR);
        let texts: Vec<_> = (values.iter())
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        let mut named = texts.iter().rev().flat_map(|text| text.rsplit(','));
        while self.trusts(sender) {
            match named.next().map(|text| text.trim().parse::<IpAddr>()) {
                Some(Ok(address)) => sender = address.to_canonical(),
                _ => break,
            }
        }
        sender
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.has(address))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= all)?,
            None => all,
        };
        Some(Self { address, bits })
    }

    fn has(&self, address: IpAddr) -> bool {
        let same = |own: u128, other: u128, all: u32| {
            let differing = own ^ other;
            // No bits, no shift by all of them.
            self.bits == 0 || differing >> (all - self.bits) == 0
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(own.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(trusted: &[&str]) -> (PeerAddress, Vec<String>) {
        let raw = RawPeerAddress {
            trusted_proxies: trusted.iter().map(|text| (*text).to_owned()).collect(),
            ..RawPeerAddress::default()
        };
        let mut problems = Problems::new();
        let address = raw.validate("p", &mut problems);
        let paths = problems.iter().map(|problem| problem.path.clone());
        (address, paths.collect())
    }

    #[track_caller]
    fn check(trusted: &[&str], peer: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let (address, problems) = address(trusted);
        assert!(problems.is_empty(), "{problems:?}");
        let sender = address.sender(peer.parse().unwrap(), &headers);
        assert_eq!(sender.to_string(), expected);
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check(&[], "10.0.0.1", &["1.2.3.4"], "10.0.0.1");
        check(&["10.0.0.0/8"], "11.0.0.1", &["1.2.3.4"], "11.0.0.1");
        check(&["10.0.0.0/8"], "10.0.0.1", &[], "10.0.0.1");
        check(&["10.0.0.0/8"], "10.0.0.1", &["1.2.3.4"], "1.2.3.4");
        check(&["10.0.0.1"], "::ffff:10.0.0.1", &["1.2.3.4"], "1.2.3.4");
        check(&["fd00::/8"], "fd00::1", &["2001:db8::1"], "2001:db8::1");
        check(&["0.0.0.0/0"], "9.9.9.9", &["1.2.3.4"], "1.2.3.4");
    }

    /// A sender can write what it likes before what proxies write.
    #[test]
    fn the_last_that_no_proxy_has_counts() {
        let proxies = &["10.0.0.0/8"];
        check(
            proxies,
            "10.0.0.1",
            &["6.6.6.6, 1.2.3.4, 10.0.0.2"],
            "1.2.3.4",
        );
        check(
            proxies,
            "10.0.0.1",
            &["6.6.6.6", "1.2.3.4", "10.0.0.2"],
            "1.2.3.4",
        );
        check(proxies, "10.0.0.1", &["1.2.3.4, nonsense"], "10.0.0.1");
        check(proxies, "10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3");
    }

    #[test]
    fn what_is_no_network_is_told() {
        let (_, problems) = address(&["10.0.0.0/33", "x", "10.0.0.0/8", "fd00::/129"]);
        let expected = [0, 1, 3].map(|at| format!("p.trusted_proxies[{at}]"));
        assert_eq!(problems, expected);
    }
}
