//! The files of TLS: whether they can be used, when they end, and whether they have changed.
//!
//! librdkafka reads them once, when a client is made. So a changed file means new clients, and a wrong one would mean none: it is looked at here
//! before anybody uses it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::InconsistentKeys;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::config::RawKafkaTls;

/// Those that the configuration names.
#[derive(Clone, Debug)]
pub struct Files {
    ca: Option<PathBuf>,
    /// Certificate and key.
    own: Option<(PathBuf, PathBuf)>,
}

/// Until when a file is of use.
#[derive(Debug, PartialEq, Eq)]
pub struct Ends {
    /// The key of the configuration: a label.
    pub file: &'static str,
    pub at: SystemTime,
}

impl Files {
    /// `None`: no file is named.
    pub fn of(tls: &RawKafkaTls) -> Option<Self> {
        let own = tls.cert_file.clone().zip(tls.key_file.clone());
        let files = Self {
            ca: tls.ca_file.clone(),
            own,
        };
        (files.ca.is_some() || files.own.is_some()).then_some(files)
    }

    /// A hash of all contents; `None`: some file can't be read just now.
    pub fn content(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        let own = self.own.iter().flat_map(|(cert, key)| [cert, key]);
        for file in self.ca.iter().chain(own) {
            std::fs::read(file).ok()?.hash(&mut hasher);
        }
        Some(hasher.finish())
    }

    /// When they end, if they can be used at all.
    ///
    /// # Errors
    /// Everything that is wrong, with the file and what to do.
    pub fn check(&self, now: SystemTime) -> Result<Vec<Ends>, String> {
        let (mut ends, mut wrong) = (Vec::new(), Vec::new());
        if let Some(path) = &self.ca {
            match authorities(path, now) {
                Ok(at) => ends.extend(at.map(|at| Ends {
                    file: "ca_file",
                    at,
                })),
                Err(why) => wrong.push(format!("bus.kafka.tls.ca_file: {why}")),
            }
        }
        if let Some((cert, key)) = &self.own {
            match own(cert, key, now) {
                Ok(at) => ends.extend(at.map(|at| Ends {
                    file: "cert_file",
                    at,
                })),
                Err(why) => wrong.push(why),
            }
        }
        match wrong.is_empty() {
            true => Ok(ends),
            false => Err(wrong.join("; ")),
        }
    }
}

/// The end of the one that ends last: a bundle holds old ones too.
fn authorities(path: &Path, now: SystemTime) -> Result<Option<SystemTime>, String> {
    let found = certificates(path)?;
    let last = found.iter().filter_map(|one| not_after(one)).max();
    match last {
        Some(at) if at <= now => Err(expired(
            path,
            at,
            "name the file of the brokers' authority as it is now",
        )),
        last => Ok(last),
    }
}

fn own(cert: &Path, key: &Path, now: SystemTime) -> Result<Option<SystemTime>, String> {
    let of_cert = |why| format!("bus.kafka.tls.cert_file: {why}");
    let of_key = |why| format!("bus.kafka.tls.key_file: {why}");
    let chain = certificates(cert).map_err(of_cert)?;
    let at = chain.first().and_then(|leaf| not_after(leaf));
    if let Some(at) = at.filter(|at| *at <= now) {
        return Err(of_cert(expired(cert, at, "renew it")));
    }
    let text =
        std::fs::read(key).map_err(|e| of_key(format!("can't read {}: {e}", key.display())))?;
    // What needs a password is for librdkafka to open.
    if text.windows(9).any(|part| part == b"ENCRYPTED") {
        return Ok(at);
    }
    let private = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| of_key(format!("{} holds no private key in PEM", key.display())))?;
    match CertifiedKey::from_der(chain, private, &ring::default_provider()) {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(of_key(format!(
                "{} isn't the key of the certificate in {}; give both from one issue",
                key.display(),
                cert.display()
            )))
        }
        // Kinds of keys that rustls doesn't know may be known to OpenSSL.
        _ => Ok(at),
    }
}

fn expired(path: &Path, at: SystemTime, todo: &str) -> String {
    format!(
        "the certificate in {} has expired at {}; {todo}",
        path.display(),
        humantime::format_rfc3339_seconds(at)
    )
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(path).map_err(|e| format!("can't read {}: {e}", path.display()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{} holds no certificate in PEM", path.display())),
    }
}

/// The end of a certificate's validity (RFC 5280, section 4.1); `None` for what isn't written as it should be.
fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    // Before the validity: the version, if it is there, number, algorithm and issuer.
    let (tag, _, rest) = element(fields)?;
    if tag == VERSION {
        fields = rest;
    }
    for _ in 0..3 {
        (_, _, fields) = element(fields)?;
    }
    let (tag, validity, _) = element(fields)?;
    if tag != SEQUENCE {
        return None;
    }
    let (_, _, after) = element(validity)?;
    let (tag, text, _) = element(after)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// Tag and content of the first element of DER, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        _ => {
            let digits = usize::from(first & 0x7f);
            let (digits, rest) = rest.split_at_checked(digits).filter(|_| digits <= 4)?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDhhmmssZ` with a year from 1950 to 2049, or `YYYYMMDDhhmmssZ`.
fn time(tag: u8, text: &str) -> Option<SystemTime> {
    const UTC_TIME: u8 = 0x17;
    let text = match tag {
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => text.to_owned(),
    };
    let part = |range| text.get(range);
    let written = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?
    );
    humantime::parse_rfc3339(&written).ok()
}

#[cfg(test)]
mod tests;
