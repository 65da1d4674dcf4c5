//! Addresses of networks: IPv4, IPv6, MAC.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Address of IPv4 in dotted decimals, of the whole text (RFC 6943, section 3.1.1: the strict form). Not the
/// unspecified, loopback and broadcast addresses, which tell of no one.
///
/// Chance: versions of four numbers (`1.2.3.4`) pass; the engine tells them by what stands beside.
pub(crate) fn ipv4(text: &[u8]) -> bool {
    let address = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<Ipv4Addr>().ok());
    address.is_some_and(|address| {
        !address.is_unspecified() && !address.is_loopback() && !address.is_broadcast()
    })
}

/// Address of IPv6, of the whole text, with a zone (`%eth0`) or not (RFC 4291, section 2.2; RFC 6874). Not the
/// unspecified and loopback addresses.
///
/// Names in code (`ab::cd`) and fingerprints (`aa:bb:cc:…`) parse as addresses as well. So one that is shortened by
/// `::` to fewer than four groups has to be in a block that IANA has allocated, and one of eight groups of at most
/// two digits is none.
///
/// Chance: times, MAC addresses and paths don't pass.
pub(crate) fn ipv6(text: &[u8]) -> bool {
    let end = text
        .iter()
        .position(|byte| *byte == b'%')
        .unwrap_or(text.len());
    let (written, zone) = text.split_at(end);
    let Some(address) = std::str::from_utf8(written)
        .ok()
        .and_then(|text| text.parse::<Ipv6Addr>().ok())
    else {
        return false;
    };
    if address.is_unspecified() || address.is_loopback() || zone.len() == 1 {
        return false;
    }
    let groups = || {
        written
            .split(|byte| *byte == b':')
            .filter(|group| !group.is_empty())
    };
    if groups().count() == 8 {
        groups().any(|group| group.len() > 2)
    } else {
        groups().count() >= 4 || groups().any(|group| group.contains(&b'.')) || allocated(address)
    }
}

/// Whether it is in a block that the IANA registry of IPv6 address space has allocated: global unicast, unique local,
/// link-local, multicast, or NAT64's.
fn allocated(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    matches!(first, 0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf | 0xff00..=0xff0f)
        || (first, second) == (0x64, 0xff9b)
}

/// Address of a network interface (EUI-48, IEEE 802): six groups of two hexadecimal digits with `:` or `-` between
/// all of them, or three of four with `.`. Not the broadcast address, nor that of zeros.
///
/// Chance: none of decimal numbers; a fingerprint of six bytes passes.
pub(crate) fn mac(text: &[u8]) -> bool {
    let (separator, group) = match text {
        [_, _, separator @ (b':' | b'-'), ..] if text.len() == 17 => (*separator, 2),
        [_, _, _, _, b'.', ..] if text.len() == 14 => (b'.', 4),
        _ => return false,
    };
    let shaped = text
        .iter()
        .enumerate()
        .all(|(at, byte)| match at % (group + 1) == group {
            true => *byte == separator,
            false => byte.is_ascii_hexdigit(),
        });
    let mut digits = text
        .iter()
        .filter(|byte| **byte != separator)
        .map(u8::to_ascii_lowercase);
    let first = digits.next();
    shaped && !(matches!(first, Some(b'0' | b'f')) && digits.all(|digit| Some(digit) == first))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Claim, prove};
    use super::*;

    /// Presidio's tests.
    #[test]
    fn addresses_of_ipv4() {
        prove(&Claim {
            check: ipv4,
            valid: &[
                "192.168.0.1",
                "10.0.0.1",
                "8.8.8.8",
                "172.16.0.0",
                "169.254.1.1",
                "255.255.255.0",
            ],
            broken: &[
                "256.256.256.256",
                "192.168.1.256",
                "192.168.1",
                "192.168.1.1.1",
                "0.0.0.0",
                "127.0.0.1",
                "255.255.255.255",
                "192.168.01.1",
                "1.2.3",
                "1.2.3.4 ",
                "1.2.3.é",
            ],
            every_wrong_digit: false,
            shapes: &[],
        });
    }

    /// Presidio's tests; names of code that parse as addresses.
    #[test]
    fn addresses_of_ipv6() {
        prove(&Claim {
            check: ipv6,
            valid: &[
                "684D:1111:222:3333:4444:5555:6:77",
                "2345:0425:2CA1:0000:0000:0567:5673:23b5",
                "2345:0425:2CA1::0567:5673:23b5",
                "2400:c401::5054:ff:fe1b:b031",
                "fe80::1",
                "2001:db8::8a2e:370:7334",
                "2001:db8::1",
                "fe80::1%eth0",
                "A099::09C0:876A:130B",
                "::ffff:192.0.2.1",
                "::192.168.1.1",
                "2001:db8::192.168.1.1",
                "64:ff9b::192.0.2.1",
                "64:ff9b::1",
                "0:0:0:0:0:FFFF:129.144.52.38",
                "ff02::1",
                "2001:db8::",
                "fd12:3456::1",
            ],
            broken: &[
                "684D:1111:222:3333:4444:5555:77",
                "::",
                "::1",
                "0000:0000:0000:0000:0000:0000:0000:0001",
                "0000:0000:0000:0000:0000:0000:0000:0000",
                "::ffff:256.0.0.1",
                "2001::db8::1",
                "12345:db8::1",
                "gggg:hhhh::1234",
                ":::",
                "fe80::1%",
                "aa:bb:cc:dd:ee:ff",
                "12:34:56",
                "aa:bb:cc:dd:ee:ff:00:11",
                "ab::cd",
                "dead::beef",
                "a::b",
                "::add",
                "face::",
                "12:34:56::",
                "abc:def:ab",
                "%",
                "2001:db8::1é",
            ],
            every_wrong_digit: false,
            shapes: &[],
        });
    }

    /// Presidio's tests.
    #[test]
    fn addresses_of_interfaces() {
        prove(&Claim {
            check: mac,
            valid: &[
                "00:1A:2B:3C:4D:5E",
                "0a:23:f5:67:89:ac",
                "AA-BB-CC-DD-EE-FF",
                "0d-B3-4a-6A-d9-cF",
                "0012.3456.789A",
                "aabb.ccdd.eeff",
            ],
            broken: &[
                "00:1A:2B:3C:4D",
                "ZZ:ZZ:ZZ:ZZ:ZZ:ZZ",
                "FF:FF:FF:FF:FF:FF",
                "ff:FF:ff:FF:ff:FF",
                "00:00:00:00:00:00",
                "0000.0000.0000",
                "10:2F:33-AC-29-C3",
                "00:1A:2B:3C:4D:5E:6F",
                "0012.3456.789",
                "00.1A.2B.3C.4D.5E",
                "12:34:56",
                "",
            ],
            every_wrong_digit: false,
            shapes: &[],
        });
    }
}
