//! Addresses to listen on, as users write them.

use std::net::{Ipv4Addr, SocketAddr};

/// An address to listen on: an IP address and a port, `localhost` and a port, or a port alone (`:4317`) for all IPv4 addresses of the host.
///
/// `localhost` is 127.0.0.1 whatever a resolver says, so that a configuration means the same everywhere. Other names are refused for that reason.
///
/// # Errors
/// It is none of these: why, in words that follow the text.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let example = "write an IP address and a port, such as 127.0.0.1:4317 or [::1]:4317, localhost:4317, or :4317 for all addresses of the host";
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(format!("is not an address to listen on; {example}"));
    };
    let Ok(port) = port.parse::<u16>() else {
        return Err(format!(
            "is not an address to listen on: `{port}` is no port; {example}"
        ));
    };
    match host {
        "" => Ok((Ipv4Addr::UNSPECIFIED, port).into()),
        host if host.eq_ignore_ascii_case("localhost") => Ok((Ipv4Addr::LOCALHOST, port).into()),
        host if host.contains(':') && !host.starts_with('[') => Err(format!(
            "is not an address to listen on: an IPv6 address stands in brackets; {example}"
        )),
        host => Err(format!(
            "is not an address to listen on: `{host}` is neither an IP address nor localhost; {example}"
        )),
    }
}

/// The JSON schema's pattern of the same.
pub const LISTEN_PATTERN: &str =
    r"^(\[[0-9a-fA-F:.]+(%[0-9]+)?\]|[0-9.]+|[lL][oO][cC][aA][lL][hH][oO][sS][tT])?:[0-9]{1,5}$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on() {
        let pattern = regex::Regex::new(LISTEN_PATTERN).expect("a pattern");
        let check = |text: &str, expected: Option<&str>| {
            let address = listen_address(text).ok().map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
            if expected.is_some() {
                assert!(pattern.is_match(text), "{text}");
            }
        };
        check("127.0.0.1:4317", Some("127.0.0.1:4317"));
        check("0.0.0.0:0", Some("0.0.0.0:0"));
        check("localhost:4317", Some("127.0.0.1:4317"));
        check("LocalHost:1", Some("127.0.0.1:1"));
        check("[::1]:4317", Some("[::1]:4317"));
        check("[::]:4317", Some("[::]:4317"));
        check(":4317", Some("0.0.0.0:4317"));
        for wrong in [
            "",
            "localhost",
            "localhost:",
            "localhost:http",
            "localhost:70000",
            "::1:4317",
            "4317",
            "example.com:4317",
            "127.0.0.1",
            "127.0.0:1",
            "http://localhost:4317",
            "localhost :1",
        ] {
            check(wrong, None);
        }
        for wrong in [
            "4317",
            "localhost",
            "example.com:4317",
            "http://localhost:4317",
        ] {
            assert!(!pattern.is_match(wrong), "{wrong}");
        }
    }
}
