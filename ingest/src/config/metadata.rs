//! The `ingest.metadata` section: which request headers become resource attributes.

use std::collections::BTreeMap;

use http::HeaderName;
use runtime::config::Problems;

const HEADERS_MAX: usize = 32;
const ATTRIBUTE_BYTES_MAX: usize = 256;
/// They hold secrets, which have no place in telemetry.
const SECRET: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// A header, and the key of the attribute that its value becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromHeader {
    pub header: HeaderName,
    pub attribute: String,
}

/// Checks every entry; `secrets` are headers that hold keys.
pub fn validate(
    raw: &BTreeMap<String, String>,
    secrets: &[HeaderName],
    path: &str,
    problems: &mut Problems,
) -> Vec<FromHeader> {
    if raw.len() > HEADERS_MAX {
        problems.push(
            path,
            format!("has {} headers; {HEADERS_MAX} are the most", raw.len()),
        );
    }
    let mut found: Vec<FromHeader> = Vec::new();
    for (name, attribute) in raw {
        let at = format!("{path}.{name}");
        let Ok(header) = name.parse::<HeaderName>() else {
            problems.push(at, format!("`{name}` is not a header name, such as x-team"));
            continue;
        };
        if SECRET.contains(&header.as_str()) || secrets.contains(&header) {
            problems.push(&at, "holds credentials, which must not become telemetry");
        }
        if attribute.is_empty() || attribute.len() > ATTRIBUTE_BYTES_MAX {
            let message =
                format!("must be the key of an attribute, of at most {ATTRIBUTE_BYTES_MAX} bytes");
            problems.push(&at, message);
        }
        if found.iter().any(|other| other.attribute == *attribute) {
            problems.push(&at, format!("another header becomes `{attribute}` already"));
        }
        found.push(FromHeader {
            header,
            attribute: attribute.clone(),
        });
    }
    found
}
