//! Tokens of an OpenID Connect issuer: verified here, with keys that the issuer publishes.
//!
//! [`issuer`] has the keys, as [`fetch`] brings them; [`crypto`] says which signatures hold. A token that was found valid is remembered by its digest for as
//! long as it and the keys are valid: a signature costs a hundred times what the rest of a request's admission does.

mod crypto;
mod fetch;
mod issuer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use runtime::{Digest, Drain, Readiness};
use serde_json::{Map, Value};

use self::fetch::Fetch;
use self::issuer::{Issuer, Known};
use super::refused::Unauthorized;
use crate::config::{Oidc as Config, is_tenant};

/// By how much the clocks of issuer and machine may differ.
const SKEW_SECONDS: u64 = 60;
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Of tokens that are remembered: about 1 MiB.
const REMEMBERED_MAX: usize = 4096;

/// Verifies tokens of one issuer.
pub struct Oidc {
    issuer: Issuer,
    name: String,
    validation: Validation,
    tenant_claim: Option<String>,
    remembered: Mutex<HashMap<[u8; 32], Valid>>,
}

/// A token that was valid when it came.
#[derive(Clone)]
struct Valid {
    tenant: Option<Arc<str>>,
    until: u64,
    /// Of the keys it was verified with.
    generation: u64,
}

impl Oidc {
    /// # Errors
    /// A file of authorities can't be used. That the issuer is away is none: see [`Oidc::follow`].
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        crypto::install();
        let mut validation = Validation::new(crypto::ALLOWED[0]);
        validation.algorithms = crypto::ALLOWED.to_vec();
        validation.leeway = SKEW_SECONDS;
        validation.validate_nbf = true;
        validation.set_audience(&[&config.audience]);
        validation.set_issuer(&[&config.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        Ok(Self {
            issuer: Issuer::new(Fetch::new(&config.issuer, config.ca_file.as_deref())?),
            name: config.issuer.clone(),
            validation,
            tenant_claim: config.tenant_claim.clone(),
            remembered: Mutex::default(),
        })
    }

    /// What is said while no keys have come.
    pub fn waiting(&self) -> String {
        format!("waiting for the keys of the OIDC issuer {}", self.name)
    }

    /// Fetches the keys, for ever again, until the drain. `ready` is, when they first are here.
    pub async fn follow(&self, ready: Readiness, drain: Drain) {
        self.issuer.follow(ready, drain).await;
    }

    /// Whose token it is; `None`: tokens say nothing of tenants.
    ///
    /// # Errors
    /// It isn't valid, or can't be checked now.
    pub async fn tenant(&self, token: &[u8]) -> Result<Option<Arc<str>>, Unauthorized> {
        let known = self.issuer.known();
        if known.generation == 0 {
            return Err(Unauthorized::NoKeys);
        }
        let digest = Digest::of(token).bytes();
        if let Some(valid) = self.remembered(&digest, known.generation) {
            return Ok(valid.tenant);
        }
        let (valid, generation) = match self.verify(token, &known) {
            // The issuer may have a new key since.
            Err(Unfit::NoKey) => match self.issuer.newer(&known).await {
                Some(newer) => (self.verify(token, &newer), newer.generation),
                None if self.issuer.known().is_stale => return Err(Unauthorized::NoKeys),
                None => (Err(Unfit::NoKey), known.generation),
            },
            verified => (verified, known.generation),
        };
        let claims = valid.map_err(Unauthorized::from)?;
        let tenant = self.named(&claims)?;
        let until = claims
            .get("exp")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        self.remember(
            digest,
            Valid {
                tenant: tenant.clone(),
                until: until as u64,
                generation,
            },
        );
        Ok(tenant)
    }

    fn verify(&self, token: &[u8], known: &Known) -> Result<Map<String, Value>, Unfit> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Unfit::Token("it is above 16 KiB"));
        }
        let header = decode_header(token)?;
        if !self.validation.algorithms.contains(&header.alg) {
            return Err(Unfit::Token("its algorithm is not allowed"));
        }
        // The library takes the algorithms of one family of keys at a time.
        let validation = Validation {
            algorithms: vec![header.alg],
            ..self.validation.clone()
        };
        let mut unfit = Unfit::NoKey;
        for key in known.fitting(header.kid.as_deref()) {
            let key = DecodingKey::from_jwk(key).ok();
            let Some(key) = key.filter(|key| key.family() == header.alg.family()) else {
                continue;
            };
            match decode(token, &key, &validation) {
                Ok(token) => return Ok(token.claims),
                // Without a key id, the next may fit.
                Err(error) => unfit = error.into(),
            }
            if !matches!(unfit, Unfit::Signature) {
                break;
            }
        }
        Err(unfit)
    }

    fn named(&self, claims: &Map<String, Value>) -> Result<Option<Arc<str>>, Unauthorized> {
        let Some(claim) = &self.tenant_claim else {
            return Ok(None);
        };
        match claims.get(claim) {
            Some(Value::String(tenant)) if is_tenant(tenant) => Ok(Some(tenant.as_str().into())),
            _ => Err(Unauthorized::NoTenant(format!(
                "the claim {claim} is not there, or is not the name of a tenant"
            ))),
        }
    }

    fn remembered(&self, digest: &[u8; 32], generation: u64) -> Option<Valid> {
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let valid = remembered.get(digest)?;
        let holds = valid.generation == generation && now() <= valid.until + SKEW_SECONDS;
        holds.then(|| valid.clone())
    }

    fn remember(&self, digest: [u8; 32], valid: Valid) {
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            // All at once, and seldom: each is verified again when it comes again.
            remembered.clear();
        }
        remembered.insert(digest, valid);
    }
}

/// Why a token isn't taken.
enum Unfit {
    /// No key that it could be signed with is here.
    NoKey,
    Signature,
    Expired,
    Early,
    Audience,
    Issuer,
    Token(&'static str),
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::Early,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::InvalidAlgorithm => Self::Token("its algorithm is not allowed"),
            ErrorKind::MissingRequiredClaim(_) => Self::Token("it lacks one of exp, aud and iss"),
            _ => Self::Token("it can't be read, or its algorithm is not allowed"),
        }
    }
}

impl From<Unfit> for Unauthorized {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NoKey => Self::Token("the issuer has no such key"),
            Unfit::Signature => Self::Token("its signature is wrong"),
            Unfit::Expired => Self::ExpiredToken,
            Unfit::Early => Self::EarlyToken,
            Unfit::Audience => Self::Audience,
            Unfit::Issuer => Self::Issuer,
            Unfit::Token(why) => Self::Token(why),
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
