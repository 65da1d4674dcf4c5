//! Addresses of backends, as the configuration has them.

use http::Uri;
use http::uri::PathAndQuery;
use runtime::config::Problems;

/// An absolute http or https address. Without a scheme it is https, unless `tls.insecure` says otherwise.
pub fn parse(text: &str, insecure: bool, at: &str, problems: &mut Problems) -> Uri {
    let full = match (text.contains("://"), insecure) {
        (true, _) => text.to_owned(),
        (false, true) => format!("http://{text}"),
        (false, false) => format!("https://{text}"),
    };
    let problem = match full.parse::<Uri>() {
        _ if text.is_empty() => "an address is needed, e.g. https://host:4317".to_owned(),
        Err(error) => format!("`{text}` is not an address: {error}"),
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            format!("`{text}` is neither http:// nor https://")
        }
        Ok(uri) if uri.host().is_none_or(str::is_empty) => format!("`{text}` has no host"),
        Ok(uri) if uri.authority().is_some_and(|a| a.as_str().contains('@')) => {
            "credentials don't belong into the address: use `headers` (authorization: Basic …)"
                .to_owned()
        }
        Ok(uri) => return uri,
    };
    problems.push(at, problem);
    Uri::from_static("http://invalid.invalid")
}

/// `path` behind the base's own path; a query stays at the end.
pub fn join(base: &Uri, path: &str) -> Uri {
    let query = base.query().map(|q| format!("?{q}")).unwrap_or_default();
    let joined = format!("{}{path}{query}", base.path().trim_end_matches('/'));
    let mut parts = base.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(joined).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
}
