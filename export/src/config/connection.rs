//! Backends that are reached over the network: addresses, TLS, headers, time-outs.

use std::collections::BTreeMap;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use runtime::config::Problems;
use schemas::Signal;

use super::*;

impl RawGrpc {
    pub(super) fn validate(&self, at: &str, problems: &mut Problems) -> Kind {
        let key = format!("{at}.endpoint");
        let endpoint = url(&self.endpoint, &self.tls, &key, problems);
        if let Some(path) = path_of_a_signal(&endpoint) {
            let message = format!(
                "ends in {path}, which is a path of OTLP over HTTP: gRPC calls a path of its own behind it; leave it out, or take otlp_http"
            );
            problems.warn(key, message);
        }
        Kind::OtlpGrpc(GrpcConfig {
            connection: Connection {
                headers: headers(&self.headers, &format!("{at}.headers"), problems),
                compression: self.compression,
                tls: tls(&self.tls, &endpoint, at, problems),
                timeout: timeout(self.timeout, at, problems),
            },
            endpoint,
        })
    }
}

impl RawHttp {
    pub(super) fn validate(
        &self,
        at: &str,
        signals: &[RawSignal],
        problems: &mut Problems,
    ) -> Kind {
        let own = [
            (RawSignal::Traces, &self.traces_endpoint),
            (RawSignal::Logs, &self.logs_endpoint),
            (RawSignal::Metrics, &self.metrics_endpoint),
        ];
        let needs_base = own
            .iter()
            .any(|(signal, own)| signals.contains(signal) && own.is_none());
        let base = if needs_base || !self.endpoint.is_empty() {
            let key = format!("{at}.endpoint");
            let base = url(&self.endpoint, &self.tls, &key, problems);
            if let Some(path) = path_of_a_signal(&base).filter(|_| needs_base) {
                let message = format!(
                    "ends in {path}, and the path of each signal is appended to it, as in {}; leave it out, or give whole addresses: traces_endpoint, logs_endpoint, metrics_endpoint",
                    join(&base, Signal::Traces.http_path())
                );
                problems.warn(key, message);
            }
            base
        } else {
            Uri::from_static("http://unused.invalid")
        };
        let endpoints = own.map(|(signal, own)| match own {
            Some(own) => {
                let key = match signal {
                    RawSignal::Traces => "traces_endpoint",
                    RawSignal::Logs => "logs_endpoint",
                    RawSignal::Metrics => "metrics_endpoint",
                };
                url(own, &self.tls, &format!("{at}.{key}"), problems)
            }
            None => join(&base, Signal::from(signal).http_path()),
        });
        Kind::OtlpHttp(HttpConfig {
            encoding: self.encoding,
            connection: Connection {
                headers: headers(&self.headers, &format!("{at}.headers"), problems),
                compression: self.compression,
                tls: tls(&self.tls, &endpoints[0], at, problems),
                timeout: timeout(self.timeout, at, problems),
            },
            endpoints,
        })
    }
}

fn timeout(timeout: runtime::config::Duration, at: &str, problems: &mut Problems) -> Duration {
    if timeout.0.is_zero() {
        problems.push(format!("{at}.timeout"), "0 leaves no time for an answer");
    }
    timeout.0
}

/// An absolute http or https address. Without a scheme it is https, unless `tls.insecure` says otherwise.
fn url(text: &str, tls: &RawTls, at: &str, problems: &mut Problems) -> Uri {
    let full = match (text.contains("://"), tls.insecure) {
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

/// The path of a signal that an address ends in already.
fn path_of_a_signal(uri: &Uri) -> Option<&'static str> {
    let path = uri.path().trim_end_matches('/').to_ascii_lowercase();
    let paths = Signal::ALL.map(Signal::http_path);
    paths.into_iter().find(|own| path.ends_with(own))
}

/// `path` behind the base's own path; a query stays at the end.
pub(crate) fn join(base: &Uri, path: &str) -> Uri {
    let query = base.query().map(|q| format!("?{q}")).unwrap_or_default();
    let joined = format!("{}{path}{query}", base.path().trim_end_matches('/'));
    let mut parts = base.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(joined).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
}

fn tls(tls: &RawTls, endpoint: &Uri, at: &str, problems: &mut Problems) -> RawTls {
    if tls.insecure && endpoint.scheme() == Some(&Scheme::HTTPS) {
        problems.push(
            format!("{at}.tls.insecure"),
            "contradicts an https:// address: use http://, or `insecure_skip_verify` to encrypt without trust",
        );
    }
    if tls.insecure_skip_verify {
        problems.warn(
            format!("{at}.tls.insecure_skip_verify"),
            "takes any certificate, so that whoever is on the way can read everything and answer in the backend's place; for a certificate of your own, name its authority in ca_file",
        );
    }
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        problems.push(format!("{at}.tls"), "cert_file and key_file go together");
    }
    let files = [
        ("ca_file", &tls.ca_file),
        ("cert_file", &tls.cert_file),
        ("key_file", &tls.key_file),
    ];
    for (key, file) in files {
        if let Some(file) = file
            && let Err(error) = std::fs::File::open(file)
        {
            problems.push(
                format!("{at}.tls.{key}"),
                format!("can't read {}: {error}", file.display()),
            );
        }
    }
    tls.clone()
}

fn headers(raw: &BTreeMap<String, String>, at: &str, problems: &mut Problems) -> HeaderMap {
    /// What a request is made of; a second opinion on these breaks it.
    const OURS: [&str; 7] = [
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "grpc-encoding",
        "connection",
        "te",
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in raw {
        let at = format!("{at}.{name}");
        let Ok(name) = HeaderName::try_from(name.as_str()) else {
            problems.push(at, format!("`{name}` is not a header name"));
            continue;
        };
        if OURS.contains(&name.as_str()) {
            problems.push(at, format!("`{name}` is set by the exporter itself"));
            continue;
        }
        // The value may be a credential: it isn't shown.
        match HeaderValue::try_from(value.as_str()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            Err(_) => problems.push(
                at,
                "the value holds characters that a header can't carry, such as a line break",
            ),
        }
    }
    headers
}
