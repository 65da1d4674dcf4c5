//! Who sends: a key from a file, a token of an OIDC issuer, or a client certificate, and the tenant that it stands for.
//!
//! All of it is asked before a request's body is read. [`refused`] lists why somebody isn't let in. What is deliberately absent: users, passwords of our own, rights
//! beyond the one tenant, and a way to hold a secret longer than its request.

mod certificate;
mod credential;
mod keys;
mod keys_file;
mod oidc;
mod refused;

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use metrics::counter;
use runtime::{Drain, Readiness};

use self::credential::Credential;
use self::keys_file::KeysFile;
use self::oidc::Oidc;
use crate::config::{Auth, Quotas, TenantFrom};
use crate::names;

pub use certificate::Client;
pub use refused::{Kind, Unauthorized};

/// Asks who sends, by the ways that are configured.
pub struct Identity {
    required: bool,
    headers: Vec<HeaderName>,
    keys: Option<KeysFile>,
    oidc: Option<Oidc>,
    mtls: Option<Option<TenantFrom>>,
}

/// What is known of who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proven {
    /// Nothing, and nothing is asked.
    Nobody,
    /// Somebody who may send; for this tenant alone, or, with `None`, for whom the tenant header says.
    Somebody(Option<Arc<str>>),
}

impl Identity {
    /// Reads the files that are configured.
    ///
    /// # Errors
    /// One of them can't be used: which, why, and what to do.
    pub fn new(auth: &Auth) -> anyhow::Result<Self> {
        Ok(Self {
            required: auth.required,
            headers: auth.key_headers.clone(),
            keys: auth.keys_file.clone().map(KeysFile::open).transpose()?,
            oidc: auth.oidc.as_ref().map(Oidc::new).transpose()?,
            mtls: auth.mtls.as_ref().map(|mtls| mtls.tenant_from),
        })
    }

    /// Who is at the other end of a connection, by its certificate.
    pub fn client(&self, certificate: Option<&[u8]>) -> Client {
        match (self.mtls, certificate) {
            (Some(from), Some(der)) => Client::of(der, from),
            _ => Client::unknown(),
        }
    }

    /// Why tokens can't be checked yet; `None`: they can, or none are.
    pub fn waiting(&self) -> Option<String> {
        self.oidc.as_ref().map(Oidc::waiting)
    }

    /// Follows files and issuer until the drain. `ready` is, once the issuer's keys are here, if there is an issuer.
    pub async fn follow(&self, ready: Readiness, drain: Drain) {
        let keys = async {
            if let Some(keys) = &self.keys {
                keys.follow(drain.clone()).await;
            }
        };
        let oidc = async {
            if let Some(oidc) = &self.oidc {
                oidc.follow(ready, drain.clone()).await;
            }
        };
        tokio::join!(keys, oidc);
    }

    /// What a request's headers and its connection prove.
    ///
    /// # Errors
    /// Credentials came and don't hold, whatever else does; or none came and some are required.
    pub async fn prove(
        &self,
        headers: &HeaderMap,
        client: &Client,
    ) -> Result<Proven, Unauthorized> {
        let secret = match self.keys.is_some() || self.oidc.is_some() {
            true => credential::find(headers, &self.headers)?,
            false => None,
        };
        let by_secret = match secret {
            Some(credential) => Some(self.tenant(&credential).await?),
            None => None,
        };
        match (by_secret, client.tenant()?) {
            (None, None) if self.required => Err(Unauthorized::Missing),
            (None, None) => Ok(Proven::Nobody),
            (Some(Some(one)), Some(Some(other))) if one != other => {
                Err(Unauthorized::OtherTenant("the client certificate".into()))
            }
            (one, other) => Ok(Proven::Somebody(one.flatten().or(other.flatten()))),
        }
    }

    async fn tenant(&self, credential: &Credential<'_>) -> Result<Option<Arc<str>>, Unauthorized> {
        let secret = &credential.secret;
        let by_key = match &self.keys {
            Some(keys) => keys.tenant(secret),
            None => Err(Unauthorized::UnknownKey),
        };
        match (by_key, &self.oidc) {
            (Err(Unauthorized::UnknownKey), Some(oidc)) if credential.bearer => {
                oidc.tenant(secret).await
            }
            (by_key, _) => by_key,
        }
    }

    /// The tenant of a request, of what is proven and what its header claims.
    ///
    /// # Errors
    /// The two contradict each other, or the tenant isn't configured and has to be.
    pub fn settle(
        &self,
        proven: Proven,
        claimed: Option<Arc<str>>,
        header: Option<&HeaderName>,
        quotas: &Quotas,
    ) -> Result<Option<Arc<str>>, Unauthorized> {
        let tenant = match (proven, claimed) {
            (Proven::Somebody(Some(proven)), Some(claimed)) if proven != claimed => {
                let header = header.map(|header| format!("the header {header}"));
                return Err(Unauthorized::OtherTenant(header.unwrap_or_default()));
            }
            (Proven::Somebody(Some(proven)), _) => Some(proven),
            (Proven::Somebody(None) | Proven::Nobody, claimed) => claimed,
        };
        match &tenant {
            Some(tenant) if self.required && !quotas.knows(tenant) => {
                Err(Unauthorized::UnknownTenant)
            }
            _ => Ok(tenant),
        }
    }
}

/// Counts a request that was not let in.
pub fn count(why: &Unauthorized) {
    counter!(names::UNAUTHORIZED, "reason" => why.reason()).increment(1);
}

/// Every counter is there from the start.
pub fn register() {
    for reason in Unauthorized::REASONS {
        counter!(names::UNAUTHORIZED, "reason" => reason).increment(0);
    }
}
