//! A `tls` section, as written and as used.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Problems;

/// The certificate of a port. Changes of the files take effect within 10 s.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// The certificate, followed by those of intermediate authorities, as a PEM file.
    pub cert_file: PathBuf,
    /// The private key of the certificate, as a PEM file.
    pub key_file: PathBuf,
    /// The authorities of client certificates, as a PEM file. Present: every client must show a certificate of one of
    /// them.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    /// The oldest version of TLS that clients may use.
    #[serde(default)]
    pub min_version: MinVersion,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum MinVersion {
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// A valid `tls` section. The files may still be unreadable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub client_ca_file: Option<PathBuf>,
    pub min_version: MinVersion,
}

impl RawTls {
    /// Checks every value; `path` is where this section stands.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Tls {
        let files = [
            ("cert_file", Some(&self.cert_file)),
            ("key_file", Some(&self.key_file)),
            ("client_ca_file", self.client_ca_file.as_ref()),
        ];
        for (key, file) in files {
            if file.is_some_and(|file| file.as_os_str().is_empty()) {
                problems.push(format!("{path}.{key}"), "must name a PEM file");
            }
        }
        Tls {
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            client_ca_file: self.client_ca_file.clone(),
            min_version: self.min_version,
        }
    }
}
