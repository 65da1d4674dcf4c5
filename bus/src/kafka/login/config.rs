//! The sections `tls` and `sasl` of `bus.kafka`, as they are written.

use std::path::PathBuf;

use credentials::RawOidc;
use runtime::config::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Connect to the brokers over TLS. Without any key, the system's root certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKafkaTls {
    /// The root certificates to trust instead of the system's, as a PEM file. Read again when it changes, like the others.
    pub ca_file: Option<PathBuf>,
    /// The client certificate, with its chain, for brokers that ask for one, as a PEM file.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`, as a PEM file.
    pub key_file: Option<PathBuf>,
}

/// Log in to the brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSasl {
    /// How. PLAIN sends the password as it is, so use it over TLS.
    pub mechanism: Option<Mechanism>,
    /// The user, for PLAIN and SCRAM. A changed value takes effect without a restart.
    pub username: Option<String>,
    /// The user's password; write it as "${file:/run/secrets/kafka}" or "${env:KAFKA_PASSWORD}". A changed file takes effect
    /// without a restart.
    pub password: Secret,
    /// Where the token comes from, for OAUTHBEARER.
    pub oauth: Option<RawOauth>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Mechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
}

impl Mechanism {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

/// Where the token of OAUTHBEARER comes from: one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawOauth {
    /// A file that holds the token, as Kubernetes projects it. Read again when it changes.
    pub token_file: Option<PathBuf>,
    /// An OpenID provider, by client credentials. A new token is fetched when four fifths of the old one's time are over.
    pub oidc: Option<RawOidc>,
    /// Amazon MSK: a signed request of the AWS identity that this process has.
    pub msk_iam: Option<RawMskIam>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawMskIam {
    /// The region of the cluster, such as `eu-central-1`.
    pub region: String,
}
