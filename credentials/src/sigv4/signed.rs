//! A request that is signed in its headers, body included.

use std::time::SystemTime;

use http::{HeaderName, HeaderValue, header};

use super::{ALGORITHM, Scope, canonical};
use crate::aws::Credentials;

/// What those on the way may change or add is not signed, as AWS's SDKs have it.
const UNSIGNED: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "te",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];

/// A request as it goes out.
pub struct Outgoing<'a> {
    pub method: &'a str,
    /// As `host`, or `:authority`, has it: without the port that goes without saying.
    pub host: &'a str,
    /// As it is on the wire.
    pub path: &'a str,
    /// As it is on the wire, without `?`.
    pub query: &'a str,
    /// Besides `host` and those of the signature.
    pub headers: &'a [(&'a str, &'a str)],
    /// The hash of the body as it is on the wire, in hexadecimal digits.
    pub payload: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// The headers that make it valid for a few minutes from `now` on. What holds a secret is marked as sensitive.
///
/// # Errors
/// Something of the credentials can't stand in a header.
pub fn signed(
    outgoing: &Outgoing<'_>,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let scope = Scope::new(now, outgoing.region, outgoing.service);
    let mut headers = vec![("host", outgoing.host), ("x-amz-date", &*scope.time)];
    if let Some(token) = &credentials.session_token {
        headers.push(("x-amz-security-token", token));
    }
    let signs = |name: &str| {
        !UNSIGNED
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name))
    };
    headers.extend(outgoing.headers.iter().filter(|(name, _)| signs(name)));
    let (lines, names) = canonical::headers(&headers);
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        outgoing.method,
        canonical::path(outgoing.path, outgoing.service),
        canonical::query(outgoing.query),
        outgoing.payload
    );
    let signature = scope.sign(&credentials.secret_access_key, &canonical);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id,
        scope.text()
    );
    let mut added = vec![
        (header::AUTHORIZATION, sensitive(&authorization)?),
        (
            HeaderName::from_static("x-amz-date"),
            sensitive(&scope.time)?,
        ),
    ];
    if let Some(token) = &credentials.session_token {
        added.push((
            HeaderName::from_static("x-amz-security-token"),
            sensitive(token)?,
        ));
    }
    Ok(added)
}

fn sensitive(text: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::try_from(text);
    let mut value = value
        .map_err(|_| "the AWS credentials hold characters that a header can't carry".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
