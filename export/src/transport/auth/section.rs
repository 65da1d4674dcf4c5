//! What only the section of a kind can get wrong with its `auth`.

use std::collections::BTreeMap;

use credentials::{Auth, RawAuth};
use http::Uri;
use http::uri::Scheme;
use runtime::config::Problems;

/// What requests of a section are like.
pub struct Reached<'a> {
    pub endpoints: &'a [&'a Uri],
    pub headers: &'a BTreeMap<String, String>,
    /// Whole requests can be signed.
    pub signs: bool,
}

/// Reports everything that is wrong under `at`, the path of `auth`. `None`: it is absent, or something is wrong.
pub fn validate(
    auth: Option<&RawAuth>,
    reached: &Reached<'_>,
    at: &str,
    problems: &mut Problems,
) -> Option<Auth> {
    let auth = auth?;
    let by_header = (reached.headers.keys()).any(|name| name.eq_ignore_ascii_case("authorization"));
    if by_header {
        problems.push(
            at,
            "sets the header `authorization`, as `headers` does: keep one",
        );
    }
    if auth.aws.is_some() && !reached.signs {
        problems.push(
            format!("{at}.aws"),
            "can't sign calls of gRPC: take otlp_http",
        );
    }
    let plain = |uri: &&&Uri| uri.scheme() == Some(&Scheme::HTTP) && !is_here(uri);
    if auth.aws.is_none()
        && let Some(uri) = reached.endpoints.iter().find(plain)
    {
        let host = uri.host().unwrap_or_default();
        problems.warn(
            at,
            format!("sends its token to {host} over plain http, where anybody on the way can read it; use https"),
        );
    }
    let hosts: Vec<_> = (reached.endpoints.iter())
        .filter_map(|uri| uri.host())
        .collect();
    auth.validate(&hosts, at, problems)
}

/// It doesn't leave this machine.
fn is_here(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}
