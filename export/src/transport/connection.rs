//! What kinds that are reached over the network have in common in the configuration: headers, compression, TLS, time-out.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use runtime::config::Problems;

use super::compress::Compression;
use super::headers::Headers;
use super::tls::RawTls;

/// How to reach a backend.
#[derive(Clone, Debug)]
pub struct Connection {
    pub headers: Headers,
    pub compression: Compression,
    pub tls: RawTls,
    pub timeout: Duration,
}

/// The same as written, within the section of a kind.
pub struct RawConnection<'a> {
    pub headers: &'a BTreeMap<String, String>,
    pub compression: Compression,
    pub tls: &'a RawTls,
    pub timeout: runtime::config::Duration,
}

impl RawConnection<'_> {
    /// `endpoint` is where it leads; problems are reported under `at`, the path of the section.
    pub fn validate(&self, endpoint: &Uri, at: &str, problems: &mut Problems) -> Connection {
        Connection {
            headers: Headers::of(self.headers, &format!("{at}.headers"), problems),
            compression: self.compression,
            tls: tls(self.tls, endpoint, at, problems),
            timeout: timeout(self.timeout, at, problems),
        }
    }
}

fn timeout(timeout: runtime::config::Duration, at: &str, problems: &mut Problems) -> Duration {
    if timeout.0.is_zero() {
        problems.push(format!("{at}.timeout"), "0 leaves no time for an answer");
    }
    timeout.0
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
