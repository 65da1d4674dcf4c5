//! Tokens of OAUTHBEARER, by the ways that the configuration knows. Without curl, which librdkafka's own OIDC would need.

mod msk_iam;
mod token_file;

use credentials::{RawOidc, Token, oidc};

use super::config::RawOauth;

/// Where tokens come from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    File(std::path::PathBuf),
    Oidc(RawOidc),
    MskIam { region: String },
}

impl Source {
    /// `None` for a section that names none, which is reported elsewhere.
    pub fn of(oauth: &RawOauth) -> Option<Self> {
        if let Some(file) = &oauth.token_file {
            return Some(Self::File(file.clone()));
        }
        if let Some(oidc) = &oauth.oidc {
            return Some(Self::Oidc(oidc.clone()));
        }
        let msk = oauth.msk_iam.as_ref()?;
        Some(Self::MskIam {
            region: msk.region.clone(),
        })
    }

    /// Whether a new token may be there at any time, for who looks.
    pub fn is_watched(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// A token that is valid now. Takes some seconds at most.
    ///
    /// # Errors
    /// What was attempted, with what, and why it failed; no secret.
    pub fn token(&self) -> Result<Token, String> {
        match self {
            Self::File(path) => token_file::read(path),
            Self::Oidc(oidc) => oidc::fetch(oidc),
            Self::MskIam { region } => msk_iam::sign(region),
        }
    }
}
