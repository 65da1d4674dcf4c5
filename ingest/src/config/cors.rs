//! The `ingest.http.cors` section: from which web pages telemetry is taken.

use http::{HeaderName, HeaderValue};
use runtime::config::{Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Web pages that may send, by cross-origin resource sharing (CORS). Absent: none.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCors {
    /// The origins of the pages: `https://shop.example`, `https://*.shop.example` for all its sub-domains, or `*`.
    pub origins: Vec<String>,
    /// The headers that pages may send beside those of OTLP, such as `authorization`.
    #[serde(default)]
    pub headers: Vec<String>,
    /// How long browsers remember the answer.
    #[serde(default = "max_age")]
    pub max_age: Duration,
}

fn max_age() -> Duration {
    Duration::from_secs(2 * 3600)
}

/// A valid `cors` section, as it is answered.
#[derive(Clone, Debug)]
pub struct Cors {
    pub origins: Vec<Origin>,
    /// Of `Access-Control-Allow-Headers` and `Access-Control-Max-Age`.
    pub headers: HeaderValue,
    pub max_age: HeaderValue,
}

/// Which origins are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Any,
    Exactly(String),
    /// Of all hosts below a domain: what stands before their name, and what stands from the dot on.
    Below {
        scheme: String,
        domain: String,
    },
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let text = text.to_ascii_lowercase();
        let (scheme, host) = text.split_once("://")?;
        let bare = host.strip_prefix("*.").unwrap_or(host);
        let (name, port) = bare.split_once(':').unwrap_or((bare, "443"));
        let is_host = !name.is_empty() && name.split('.').all(is_label);
        if !matches!(scheme, "http" | "https") || !is_host || port.parse::<u16>().is_err() {
            return None;
        }
        Some(match host.strip_prefix('*') {
            Some(domain) => Self::Below {
                scheme: format!("{scheme}://"),
                domain: domain.to_owned(),
            },
            None => Self::Exactly(text),
        })
    }

    /// Whether a browser's `Origin` is meant. Browsers write hosts in lower case, and no default port.
    pub fn is(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(own) => own == origin,
            Self::Below { scheme, domain } => {
                let host = origin.strip_prefix(scheme.as_str());
                let names = host.and_then(|host| host.strip_suffix(domain.as_str()));
                names.is_some_and(|names| names.split('.').all(is_label))
            }
        }
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// What OTLP itself sends.
const OWN_HEADERS: &str = "content-type, content-encoding";

impl RawCors {
    /// Checks every value; `path` is where this section stands.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Cors {
        let mut origins = Vec::new();
        for (at, text) in self.origins.iter().enumerate() {
            match Origin::parse(text) {
                Some(origin) => origins.push(origin),
                None => problems.push(
                    format!("{path}.origins[{at}]"),
                    format!("`{text}` is not an origin; write https://shop.example, https://*.shop.example for its sub-domains, or *, without a path"),
                ),
            }
        }
        if self.origins.is_empty() {
            problems.push(
                format!("{path}.origins"),
                "must name at least one origin; leave cors out to take nothing from web pages",
            );
        }
        let mut headers = OWN_HEADERS.to_owned();
        for (at, name) in self.headers.iter().enumerate() {
            match name.parse::<HeaderName>() {
                Ok(name) => {
                    headers.push_str(", ");
                    headers.push_str(name.as_str());
                }
                Err(_) => problems.push(
                    format!("{path}.headers[{at}]"),
                    format!("`{name}` is not a header name, such as authorization"),
                ),
            }
        }
        Cors {
            origins,
            headers: HeaderValue::try_from(headers)
                .unwrap_or(HeaderValue::from_static(OWN_HEADERS)),
            max_age: HeaderValue::from(self.max_age.0.as_secs()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exact_or_below_a_domain() {
        let check = |written: &str, origin: &str, expected: bool| {
            let is = Origin::parse(written).unwrap().is(origin);
            assert_eq!(is, expected, "{written}, {origin}");
        };
        check("*", "https://anything.example", true);
        check("https://shop.example", "https://shop.example", true);
        check("https://Shop.example", "https://shop.example", true);
        check("https://shop.example", "http://shop.example", false);
        check("https://shop.example", "https://shop.example:8443", false);
        check(
            "https://shop.example",
            "https://shop.example.evil.example",
            false,
        );
        let below = "https://*.shop.example";
        check(below, "https://www.shop.example", true);
        check(below, "https://a.b.shop.example", true);
        check(below, "https://shop.example", false);
        check(below, "https://.shop.example", false);
        check(below, "https://evilshop.example", false);
        check(below, "https://evil.example/.shop.example", false);
        check(below, "https://evil.example?.shop.example", false);
        check(below, "https://user@www.shop.example", false);
        check(below, "https://www.shop.example:8443", false);
        check(below, "null", false);
        check("http://*.local.test:3000", "http://a.local.test:3000", true);
        check("http://localhost:3000", "http://localhost:3000", true);
        for wrong in [
            "",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://*",
            "https://*shop.example",
            "https://a.*.b",
            "ftp://a.b",
            "https://a b",
            "https://a:b",
        ] {
            assert_eq!(Origin::parse(wrong), None, "{wrong}");
        }
    }
}
