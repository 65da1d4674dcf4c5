//! Why a backend can't be reached, in words for whoever has to mend it: what was attempted, with what, and what to do.
//!
//! Errors of hyper nest theirs in others'; rustls's are hidden within errors of I/O. What is known is said plainly, the rest as the libraries say it.

use std::error::Error;
use std::path::PathBuf;

use http::Uri;
use rustls::CertificateError;

use super::tls::RawTls;

/// Whom a client trusts and who it is, for messages.
#[derive(Clone, Debug)]
pub struct Identity {
    ca_file: Option<PathBuf>,
    has_certificate: bool,
}

impl Identity {
    pub fn of(tls: &RawTls) -> Self {
        Self {
            ca_file: tls.ca_file.clone(),
            has_certificate: tls.cert_file.is_some(),
        }
    }

    fn trusted(&self) -> String {
        match &self.ca_file {
            Some(path) => format!("the authorities in {} (tls.ca_file)", path.display()),
            None => "the system's authorities".to_owned(),
        }
    }
}

/// A request to `uri` failed.
pub fn explain(uri: &Uri, identity: &Identity, error: &(dyn Error + 'static)) -> String {
    let server = server(uri);
    let causes = causes(error);
    if let Some(tls) = causes.iter().find_map(|cause| cause.downcast_ref()) {
        let reason = tls_reason(uri, identity, tls);
        return format!("cannot set up TLS with {server}: {reason}");
    }
    let last = innermost(&causes);
    let https = uri.scheme_str() == Some("https");
    if https && last.contains("fatal alert") {
        let reason = alert_reason(identity, &last);
        return format!("cannot set up TLS with {server}: {reason}");
    }
    if is_connect(&causes) {
        let hung_up = causes.iter().any(|cause| {
            let io = cause.downcast_ref::<std::io::Error>();
            io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof)
        });
        return match last.contains("lookup address") {
            _ if https && hung_up => {
                format!("cannot set up TLS with {server}: it closed the connection; {NO_TLS}")
            }
            true => format!("cannot connect to {server}: {last}; is the host name right?"),
            false => format!("cannot connect to {server}: {last}; is it running there?"),
        };
    }
    match https {
        false if is_no_http(&causes) => format!(
            "the request to {server} was not understood: {last}; if it expects TLS on this port, write https:// in the endpoint"
        ),
        _ => format!("the request to {server} failed: {last}"),
    }
}

const NO_TLS: &str =
    "if it speaks plain text on this port, write http:// in the endpoint, or take its TLS port";

/// An answer in HTTP that says no more than that TLS was expected: servers of Go and nginx give one.
pub fn wants_tls(uri: &Uri, body: &[u8]) -> bool {
    let has = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
    uri.scheme_str() == Some("http")
        && (has(b"HTTP request to an HTTPS server") || has(b"plain HTTP request was sent to HTTPS"))
}

/// Scheme, host and port; a path or query may hold credentials.
fn server(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map(|authority| authority.as_str());
    let host = authority.map(|text| text.rsplit_once('@').map_or(text, |(_, host)| host));
    format!("{scheme}://{}", host.unwrap_or_default())
}

fn tls_reason(uri: &Uri, identity: &Identity, error: &rustls::Error) -> String {
    use rustls::Error as Tls;
    let host = uri.host().unwrap_or_default();
    match error {
        Tls::InvalidCertificate(error) => certificate_reason(host, identity, error),
        // Whatever came, it was no TLS.
        Tls::InvalidMessage(_) => {
            format!("what it sent is no TLS; {NO_TLS}")
        }
        Tls::PeerIncompatible(_) => format!(
            "no version of TLS, or no cipher, is known to both ({error}); TLS 1.2 or 1.3 is needed"
        ),
        Tls::AlertReceived(_) => alert_reason(identity, &error.to_string()),
        Tls::NoCertificatesPresented => "it showed no certificate".to_owned(),
        other => other.to_string(),
    }
}

/// The other side broke off, with an alert. Once the handshake is over, it comes as text alone.
fn alert_reason(identity: &Identity, alert: &str) -> String {
    const OF_CERTIFICATES: &[&str] = &[
        "CertificateRequired",
        "HandshakeFailure",
        "BadCertificate",
        "UnknownCA",
        "AccessDenied",
        "CertificateExpired",
        "CertificateUnknown",
        "CertificateRevoked",
    ];
    if alert.contains("ProtocolVersion") {
        return format!("no version of TLS is known to both ({alert}); TLS 1.2 or 1.3 is needed");
    }
    match OF_CERTIFICATES.iter().any(|name| alert.contains(name)) {
        true if identity.has_certificate => format!(
            "it refused our certificate ({alert}): that must be valid and of an authority that the backend trusts (tls.cert_file, tls.key_file)"
        ),
        true => format!(
            "it broke off ({alert}): it may ask for a certificate of ours; set tls.cert_file and tls.key_file"
        ),
        false => format!("it broke off ({alert})"),
    }
}

fn certificate_reason(host: &str, identity: &Identity, error: &CertificateError) -> String {
    use CertificateError as Bad;
    match error {
        Bad::UnknownIssuer => format!(
            "its certificate is signed by nobody whom we trust; we trust {}: set tls.ca_file to the certificate of the authority that signed it",
            identity.trusted()
        ),
        Bad::Expired => "its certificate has expired: it must be renewed there".to_owned(),
        Bad::ExpiredContext { not_after, .. } => format!(
            "its certificate expired at {}: it must be renewed there; if that is in the future, this host's clock is wrong",
            time(not_after.as_secs())
        ),
        Bad::NotValidYet => {
            "its certificate isn't valid yet: is this host's clock right?".to_owned()
        }
        Bad::NotValidYetContext { not_before, .. } => format!(
            "its certificate is valid from {} on: is this host's clock right?",
            time(not_before.as_secs())
        ),
        Bad::NotValidForName => format!(
            "its certificate is not for the host {host}: name the host in the endpoint as the certificate does"
        ),
        Bad::NotValidForNameContext { presented, .. } => format!(
            "its certificate is not for the host {host} but for {}: name the host in the endpoint as the certificate does",
            match presented.as_slice() {
                [] => "none".to_owned(),
                names => names
                    .iter()
                    .map(|name| plain_name(name))
                    .collect::<Vec<_>>()
                    .join(", "),
            }
        ),
        Bad::Revoked => "its certificate was revoked: it must be replaced there".to_owned(),
        other => format!("its certificate can't be accepted: {other}"),
    }
}

/// `DnsName("localhost")` and `IpAddress(127.0.0.1)` as what is in them.
fn plain_name(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn time(unix_seconds: u64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(unix_seconds);
    httpdate::fmt_http_date(time)
}

/// An error and what is within it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(error);
        // An error of I/O passes over what it holds to that one's source.
        let inner = (error.downcast_ref::<std::io::Error>()).and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    causes
}

/// The innermost words; those around it say that something failed.
fn innermost(causes: &[&(dyn Error + 'static)]) -> String {
    causes.last().map(ToString::to_string).unwrap_or_default()
}

fn is_connect(causes: &[&(dyn Error + 'static)]) -> bool {
    let connects = |cause: &&(dyn Error + 'static)| {
        let error = cause.downcast_ref::<hyper_util::client::legacy::Error>();
        error.is_some_and(hyper_util::client::legacy::Error::is_connect)
    };
    causes.iter().any(connects)
}

/// The peer sent what isn't HTTP, or nothing, as whoever waits for TLS does.
fn is_no_http(causes: &[&(dyn Error + 'static)]) -> bool {
    causes.iter().any(|cause| {
        let http = cause.downcast_ref::<hyper::Error>();
        let io = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        let broke = [
            std::io::ErrorKind::ConnectionReset,
            std::io::ErrorKind::BrokenPipe,
            std::io::ErrorKind::UnexpectedEof,
        ];
        http.is_some_and(|error| error.is_parse() || error.is_incomplete_message())
            || io.is_some_and(|kind| broke.contains(&kind))
            || cause.to_string().contains("frame with invalid size")
    })
}

#[cfg(test)]
mod tests;
