//! Azure: access tokens of Microsoft Entra, by a client's secret, by a federated token (workload identity), or of the machine's managed identity.
//!
//! Sources: Microsoft identity platform, "OAuth 2.0 client credentials flow" (secret, and assertion); Azure AD Workload Identity, its variables;
//! Managed identities, "How to use managed identities on an Azure VM to acquire an access token" (IMDS).
//!
//! Not here: certificates, App Service and Azure Arc, and the login of `az`.

mod entra;
mod metadata;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use crate::token::Token;
use crate::variables::{Variables, of_process, or_of};
use runtime::config::Secret;

/// For Azure Monitor.
pub const SCOPE: &str = "https://monitor.azure.com/.default";

/// Where tokens come from. What is absent is as `AZURE_TENANT_ID` and the like have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub tenant_id: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Secret,
    /// A file with a token of Kubernetes or of another issuer that Entra trusts.
    pub federated_token: Option<String>,
    pub authority_host: Option<String>,
    pub scope: String,
}

impl Source {
    /// A token that is valid now. Blocks, for some seconds at most.
    ///
    /// # Errors
    /// What was asked of whom, and why it failed; no secret.
    pub fn fetch(&self) -> Result<Token, String> {
        self.fetch_by(&of_process)
    }

    pub(crate) fn fetch_by(&self, variables: &Variables<'_>) -> Result<Token, String> {
        let now = SystemTime::now();
        let client_id = or_of(self.client_id.as_ref(), variables, &["AZURE_CLIENT_ID"]);
        let tenant = or_of(self.tenant_id.as_ref(), variables, &["AZURE_TENANT_ID"]);
        if let (Some(client_id), Some(tenant)) = (&client_id, &tenant)
            && let Some(proof) = self.proof(variables)
        {
            let authority = or_of(
                self.authority_host.as_ref(),
                variables,
                &["AZURE_AUTHORITY_HOST"],
            );
            let client = entra::Client {
                authority: authority.as_deref().unwrap_or(entra::AUTHORITY),
                tenant,
                id: client_id,
                proof: &proof,
            };
            return client.token(&self.scope, now);
        }
        metadata::token(&self.scope, client_id.as_deref(), variables, now)
    }

    /// What is written comes before what the environment has.
    fn proof(&self, variables: &Variables<'_>) -> Option<entra::Proof> {
        let secret = |text: &str| (!text.is_empty()).then(|| entra::Proof::Secret(text.to_owned()));
        let written = secret(&self.client_secret.0)
            .or_else(|| self.federated_token.clone().map(entra::Proof::Federated));
        written
            .or_else(|| secret(&variables("AZURE_CLIENT_SECRET")?))
            .or_else(|| variables("AZURE_FEDERATED_TOKEN_FILE").map(entra::Proof::Federated))
    }
}
