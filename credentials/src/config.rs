//! The section `auth`: as written, and as used.

use std::path::PathBuf;

use runtime::config::{Problems, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{aws, azure, google};

/// How to prove who we are, where a fixed header isn't enough: one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAuth {
    /// Sign requests as AWS asks for (Signature Version 4), by the AWS identity that this process has.
    pub aws: Option<RawAuthAws>,
    /// An access token of Google Cloud, by the identity that this process has.
    pub gcp: Option<RawAuthGcp>,
    /// An access token of Microsoft Entra.
    pub azure: Option<RawAuthAzure>,
    /// An access token of an OpenID provider, by client credentials.
    pub oidc: Option<RawOidc>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAuthAws {
    /// The region, such as `eu-west-1`. Absent: as the host says, such as `xray.eu-west-1.amazonaws.com`.
    pub region: Option<String>,
    /// The service as signatures name it, such as `xray`. Absent: as the host says.
    pub service: Option<String>,
    /// The ARN of a role to assume.
    pub role: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAuthGcp {
    /// The key of a service account, or what `gcloud auth application-default login` writes. Absent: `GOOGLE_APPLICATION_CREDENTIALS`, that file
    /// where gcloud writes it, or the metadata server.
    pub credentials_file: Option<PathBuf>,
    /// The scopes to ask for, separated by blanks. Absent: `https://www.googleapis.com/auth/cloud-platform`.
    pub scope: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAuthAzure {
    /// The directory (tenant). Absent: `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// The application, or the managed identity. Absent: `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// The application's secret; write it as "${file:/run/secrets/azure}". Absent: `AZURE_CLIENT_SECRET`.
    pub client_secret: Secret,
    /// The path of a file with a federated token, read again for each token. Absent: `AZURE_FEDERATED_TOKEN_FILE`.
    pub federated_token: Option<String>,
    /// The address of Microsoft Entra. Absent: `AZURE_AUTHORITY_HOST`, or `https://login.microsoftonline.com`.
    pub authority_host: Option<String>,
    /// The scope to ask for. Absent: `https://monitor.azure.com/.default`.
    pub scope: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawOidc {
    /// The provider's token endpoint.
    pub token_url: String,
    pub client_id: String,
    /// Write it as "${file:/run/secrets/oidc}" or "${env:OIDC_SECRET}". A changed file takes effect without a restart.
    pub client_secret: Secret,
    /// The scopes to ask for, separated by blanks.
    pub scope: Option<String>,
    /// The root certificates to trust at the token endpoint instead of the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
}

/// A valid `auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Absent parts are as the host says.
    Aws {
        region: Option<String>,
        service: Option<String>,
        role: Option<String>,
    },
    Gcp(google::Source),
    Azure(azure::Source),
    Oidc(RawOidc),
}

impl RawAuth {
    /// Reports everything that is wrong under `at`. `hosts` are those that requests go to. `None`: something is wrong.
    pub fn validate(&self, hosts: &[&str], at: &str, problems: &mut Problems) -> Option<Auth> {
        let before = problems.iter().count();
        let mut found = Vec::new();
        if let Some(aws) = &self.aws {
            aws.check(hosts, &format!("{at}.aws"), problems);
            found.push(aws.valid());
        }
        if let Some(gcp) = &self.gcp {
            gcp.check(&format!("{at}.gcp"), problems);
            found.push(gcp.valid());
        }
        if let Some(azure) = &self.azure {
            azure.check(&format!("{at}.azure"), problems);
            found.push(azure.valid());
        }
        if let Some(oidc) = &self.oidc {
            for (key, message) in oidc.problems() {
                problems.push(format!("{at}.oidc.{key}"), message);
            }
            if oidc.is_readable_by_others() {
                problems.warn(format!("{at}.oidc.token_url"), RawOidc::OVER_PLAIN_HTTP);
            }
            found.push(Auth::Oidc(oidc.clone()));
        }
        if found.len() != 1 {
            problems.push(at, "is exactly one of aws, gcp, azure and oidc");
        }
        let auth = found.pop();
        auth.filter(|_| problems.iter().count() == before)
    }
}

impl RawAuthAws {
    fn check(&self, hosts: &[&str], at: &str, problems: &mut Problems) {
        let unknown = hosts
            .iter()
            .find(|host| aws::service_and_region(host).is_none());
        for (key, written, example) in [
            ("region", &self.region, "eu-west-1"),
            ("service", &self.service, "xray"),
        ] {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            match (written, unknown) {
                (Some(text), _) if text.is_empty() || !text.chars().all(fits) => {
                    problems.push(
                        format!("{at}.{key}"),
                        format!("{text:?} is none; write it as {example}"),
                    );
                }
                (None, Some(host)) => problems.push(
                    format!("{at}.{key}"),
                    format!("is needed, such as {example}: {host} doesn't say it"),
                ),
                _ => {}
            }
        }
        if let Some(role) = &self.role
            && !role.starts_with("arn:")
        {
            problems.push(
                format!("{at}.role"),
                format!("{role:?} is no ARN; write it as arn:aws:iam::123456789012:role/telemetry"),
            );
        }
    }

    fn valid(&self) -> Auth {
        Auth::Aws {
            region: self.region.clone(),
            service: self.service.clone(),
            role: self.role.clone(),
        }
    }
}

impl RawAuthGcp {
    fn check(&self, at: &str, problems: &mut Problems) {
        if let Some(file) = &self.credentials_file
            && let Err(error) = std::fs::File::open(file)
        {
            problems.push(
                format!("{at}.credentials_file"),
                format!("can't read {}: {error}", file.display()),
            );
        }
    }

    fn valid(&self) -> Auth {
        Auth::Gcp(google::Source {
            credentials_file: self.credentials_file.clone(),
            scope: self
                .scope
                .clone()
                .unwrap_or_else(|| google::SCOPE.to_owned()),
        })
    }
}

impl RawAuthAzure {
    fn check(&self, at: &str, problems: &mut Problems) {
        if !self.client_secret.0.is_empty() && self.federated_token.is_some() {
            problems.push(
                format!("{at}.federated_token"),
                "and client_secret are two proofs of one client; keep one",
            );
        }
        if let Some(host) = &self.authority_host
            && !is_address(host)
        {
            problems.push(
                format!("{at}.authority_host"),
                format!(
                    "{host:?} is no address; write it as {}",
                    "https://login.microsoftonline.com"
                ),
            );
        }
    }

    fn valid(&self) -> Auth {
        Auth::Azure(azure::Source {
            tenant_id: self.tenant_id.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            federated_token: self.federated_token.clone(),
            authority_host: self.authority_host.clone(),
            scope: self
                .scope
                .clone()
                .unwrap_or_else(|| azure::SCOPE.to_owned()),
        })
    }
}

impl RawOidc {
    /// What is doubted where [`RawOidc::is_readable_by_others`].
    pub const OVER_PLAIN_HTTP: &'static str =
        "sends the client's secret over plain http; use https";

    /// Key and message of each problem.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !is_address(&self.token_url) {
            let url = &self.token_url;
            let message =
                format!("{url:?} is no address; write it as https://idp.example.com/token");
            problems.push(("token_url", message));
        }
        if self.client_id.is_empty() {
            let message = "is missing; it is the name of this client at the provider";
            problems.push(("client_id", message.to_owned()));
        }
        if self.client_secret.0.is_empty() {
            let message = "is missing or empty; write it as \"${file:/run/secrets/oidc}\"";
            problems.push(("client_secret", message.to_owned()));
        }
        problems
    }

    /// The secret is sent as it is.
    pub fn is_readable_by_others(&self) -> bool {
        self.token_url.starts_with("http://")
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<http::Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

#[cfg(test)]
mod tests;
