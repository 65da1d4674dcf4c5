//! The `ingest.auth` section: who may send, and as which tenant.

use std::fmt;
use std::path::PathBuf;

use http::HeaderName;
use http::header::AUTHORIZATION;
use runtime::config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may send. Absent: everybody who reaches the ports.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAuth {
    /// Refuse requests without credentials. Otherwise they are taken, and only credentials that don't hold are refused.
    pub required: bool,
    /// A file with the SHA-256 digests of keys, and whose each is. Changes take effect within 10 s.
    pub keys_file: Option<PathBuf>,
    /// The headers in which keys and tokens come; the first that is there counts. In `authorization`, `Bearer` and the
    /// password of `Basic` are read; other headers hold the key as it is.
    pub key_headers: Vec<String>,
    /// Also take the tokens of an OpenID Connect issuer.
    pub oidc: Option<RawOidc>,
    /// Also take client certificates as credentials. TLS must ask for them: `tls.client_ca_file`.
    pub mtls: Option<RawMtls>,
}

impl Default for RawAuth {
    fn default() -> Self {
        Self {
            required: true,
            keys_file: None,
            key_headers: vec!["authorization".into(), "x-api-key".into()],
            oidc: None,
            mtls: None,
        }
    }
}

/// An OpenID Connect issuer whose tokens are taken.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOidc {
    /// The issuer's URL, exactly as its tokens name it (`iss`).
    pub issuer: String,
    /// Whom tokens must be for (`aud`).
    pub audience: String,
    /// The claim that names the tenant. Absent: the tenant is what the tenant header says.
    #[serde(default)]
    pub tenant_claim: Option<String>,
    /// The authorities of the issuer's own certificate, as a PEM file. Absent: those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// Client certificates as credentials.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawMtls {
    /// Which name in the certificate is the tenant's: the first URI or DNS name among the subject's alternative names,
    /// or the common name. Absent: the tenant is what the tenant header says.
    pub tenant_from: Option<TenantFrom>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TenantFrom {
    UriSan,
    DnsSan,
    Cn,
}

impl fmt::Display for TenantFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UriSan => "URI (subject alternative name)",
            Self::DnsSan => "DNS name (subject alternative name)",
            Self::Cn => "common name",
        })
    }
}

/// A valid `auth` section.
#[derive(Clone, Debug)]
pub struct Auth {
    pub required: bool,
    pub keys_file: Option<PathBuf>,
    pub key_headers: Vec<HeaderName>,
    pub oidc: Option<Oidc>,
    pub mtls: Option<RawMtls>,
}

#[derive(Clone, Debug)]
pub struct Oidc {
    pub issuer: String,
    pub audience: String,
    pub tenant_claim: Option<String>,
    pub ca_file: Option<PathBuf>,
}

/// Of a tenant's name, as a header can carry it.
const TENANT_BYTES_MAX: usize = 256;

/// Whether a text can be the name of a tenant.
pub fn is_tenant(text: &str) -> bool {
    (1..=TENANT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl RawAuth {
    /// Checks every value; `asks_for_certificates`: both ports do.
    pub fn validate(
        &self,
        path: &str,
        asks_for_certificates: bool,
        problems: &mut Problems,
    ) -> Auth {
        let mut problem = |key: &str, message: &str| problems.push(format!("{path}{key}"), message);
        if self.keys_file.is_none() && self.oidc.is_none() && self.mtls.is_none() {
            problem(
                "",
                "says no way to know who sends; set keys_file, oidc or mtls",
            );
        }
        if self.mtls.is_some() && !asks_for_certificates {
            problem(
                ".mtls",
                "needs client certificates on both ports; set ingest.tls with client_ca_file",
            );
        }
        if let Some(oidc) = &self.oidc {
            oidc.check(&mut problem);
        }
        let mut key_headers = Vec::new();
        for (at, name) in self.key_headers.iter().enumerate() {
            match name.parse() {
                Ok(name) => key_headers.push(name),
                Err(_) => {
                    let message = format!("`{name}` is not a header name, such as x-api-key");
                    problem(&format!(".key_headers[{at}]"), &message);
                }
            }
        }
        let has_secrets = self.keys_file.is_some() || self.oidc.is_some();
        if has_secrets && self.key_headers.is_empty() {
            problem(".key_headers", "must name at least one header");
        } else if self.oidc.is_some() && !key_headers.contains(&AUTHORIZATION) {
            problem(
                ".key_headers",
                "must have authorization among them: tokens come there",
            );
        }
        Auth {
            required: self.required,
            keys_file: self.keys_file.clone(),
            key_headers,
            oidc: self.oidc.as_ref().map(|oidc| Oidc {
                issuer: oidc.issuer.clone(),
                audience: oidc.audience.clone(),
                tenant_claim: oidc.tenant_claim.clone(),
                ca_file: oidc.ca_file.clone(),
            }),
            mtls: self.mtls.clone(),
        }
    }
}

impl RawOidc {
    fn check(&self, problem: &mut impl FnMut(&str, &str)) {
        if !is_issuer(&self.issuer) {
            problem(
                ".oidc.issuer",
                "must be an https:// URL without query, such as https://login.example.com/tenant (http:// only for this machine)",
            );
        }
        if self.audience.is_empty() {
            problem(
                ".oidc.audience",
                "must say whom tokens are for: without it, tokens for any service of the issuer would be taken",
            );
        }
        if self.tenant_claim.as_deref() == Some("") {
            problem(".oidc.tenant_claim", "must name a claim");
        }
    }
}

fn is_issuer(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else {
        return false;
    };
    let local = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = uri.scheme_str();
    (scheme == Some("https") || (scheme == Some("http") && local)) && uri.query().is_none()
}
