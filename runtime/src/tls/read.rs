//! From files to what rustls accepts connections with, or to what is wrong with which file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::certificate::{self, Validity};
use super::config::{MinVersion, Tls};

/// Of one file: certificates and keys have a few KiB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What can't be used, with which file it is about, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub(super) struct Unusable {
    file: String,
    what: String,
}

impl Unusable {
    fn new(file: &Path, what: impl Into<String>) -> Self {
        Self {
            file: file.display().to_string(),
            what: what.into(),
        }
    }
}

/// The contents of the files of a section, as they were at one moment.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    cert: Result<Vec<u8>, String>,
    key: Result<Vec<u8>, String>,
    client_ca: Option<Result<Vec<u8>, String>>,
}

/// What connections are accepted with, and until when its certificates are valid.
pub(super) struct Usable {
    pub config: ServerConfig,
    /// In seconds since 1970; of each file the certificate that ends first.
    pub expires: Vec<(PathBuf, i64)>,
}

impl Contents {
    pub fn read(tls: &Tls) -> Self {
        Self {
            cert: read(&tls.cert_file),
            key: read(&tls.key_file),
            client_ca: tls.client_ca_file.as_deref().map(read),
        }
    }

    /// Without the protocols that are spoken over it.
    pub fn usable(&self, tls: &Tls) -> Result<Usable, Unusable> {
        let chain = certificates(&tls.cert_file, &self.cert)?;
        let mut expires = vec![(tls.cert_file.clone(), valid(&tls.cert_file, &chain[..1])?)];
        let key = self.key.as_ref();
        let key = key.map_err(|why| Unusable::new(&tls.key_file, why))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            let what = format!("no private key in PEM ({error}); write the key of the certificate here, without a passphrase");
            Unusable::new(&tls.key_file, what)
        })?;
        let provider = Arc::new(ring::default_provider());
        let versions = match tls.min_version {
            MinVersion::Tls12 => rustls::ALL_VERSIONS,
            MinVersion::Tls13 => &[&rustls::version::TLS13],
        };
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .map_err(|error| Unusable::new(&tls.cert_file, error.to_string()))?;
        let builder = match (&tls.client_ca_file, &self.client_ca) {
            (Some(file), Some(contents)) => {
                let authorities = certificates(file, contents)?;
                expires.push((file.clone(), valid(file, &authorities)?));
                let mut roots = RootCertStore::empty();
                for authority in authorities {
                    let added = roots.add(authority);
                    added.map_err(|error| {
                        Unusable::new(
                            file,
                            format!("a certificate in it is no authority ({error})"),
                        )
                    })?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = verifier.build();
                builder.with_client_cert_verifier(
                    verifier.map_err(|error| Unusable::new(file, error.to_string()))?,
                )
            }
            _ => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(chain, key).map_err(|error| {
            let what = match error {
                rustls::Error::InconsistentKeys(_) => format!(
                    "this is not the key of the certificate in {}; put both of one pair",
                    tls.cert_file.display()
                ),
                error => format!("the key can't be used ({error}); RSA of 2048 bits and more, ECDSA P-256 and P-384, and Ed25519 can"),
            };
            Unusable::new(&tls.key_file, what)
        })?;
        Ok(Usable { config, expires })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| {
        format!(
            "cannot be read ({error}); check the path, and that the user of this process may read it"
        )
    };
    let size = std::fs::metadata(file).map_err(cannot)?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("is too large for a PEM file: {size} bytes"));
    }
    std::fs::read(file).map_err(cannot)
}

fn certificates(
    file: &Path,
    contents: &Result<Vec<u8>, String>,
) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let pem = contents.as_ref();
    let pem = pem.map_err(|why| Unusable::new(file, why))?;
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if found.is_empty() => {
            let what = "no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----";
            Err(Unusable::new(file, what))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(Unusable::new(file, format!("not PEM: {error}"))),
    }
}

/// When the first of some certificates ends, which all have to be valid now.
fn valid(file: &Path, certificates: &[CertificateDer<'_>]) -> Result<i64, Unusable> {
    let now = unix_seconds();
    let mut ends = i64::MAX;
    for certificate in certificates {
        let Validity {
            not_before,
            not_after,
        } = certificate::validity(certificate).map_err(|what| Unusable::new(file, what))?;
        if not_after < now {
            let what = format!(
                "a certificate in it expired {} ago; renew it",
                span(now - not_after)
            );
            return Err(Unusable::new(file, what));
        }
        if not_before > now {
            let what = format!(
                "a certificate in it is valid only in {}; check this machine's clock",
                span(not_before - now)
            );
            return Err(Unusable::new(file, what));
        }
        ends = ends.min(not_after);
    }
    Ok(ends)
}

pub(super) fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}

fn span(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let rounded = if seconds > 86_400 {
        seconds - seconds % 3600
    } else {
        seconds
    };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}
