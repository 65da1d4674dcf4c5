//! Why a client isn't let in. Messages go to the client: they say what to do, and nothing of what we know.

/// Who sends isn't known, or isn't who may send this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthorized {
    #[error("no credentials came; send a key or a token as `authorization: Bearer …`")]
    Missing,
    #[error("the credentials in the header {0} can't be read: {1}")]
    Malformed(String, &'static str),
    #[error("the key is not known here")]
    UnknownKey,
    #[error("the key has expired")]
    ExpiredKey,
    #[error("the token is not valid: {0}")]
    Token(&'static str),
    #[error("the token has expired; this machine's clock and the issuer's may differ by 60 s")]
    ExpiredToken,
    #[error("the token is not valid yet; this machine's clock and the issuer's may differ by 60 s")]
    EarlyToken,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token is of another issuer")]
    Issuer,
    /// Worth another try.
    #[error("tokens can't be checked now: the issuer's keys are not here; send again later")]
    NoKeys,
    #[error("the credentials name no tenant: {0}")]
    NoTenant(String),
    #[error("this tenant is not configured here")]
    UnknownTenant,
    #[error("the credentials are of another tenant than {0} says")]
    OtherTenant(String),
}

/// What an answer says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It isn't known who sends.
    Unauthenticated,
    /// It is known, and it may not.
    Forbidden,
    /// It can't be told now.
    Unavailable,
}

impl Unauthorized {
    /// All reasons that there are.
    pub const REASONS: [&str; 13] = [
        "missing",
        "malformed",
        "unknown_key",
        "expired_key",
        "token",
        "expired_token",
        "early_token",
        "audience",
        "issuer",
        "no_keys",
        "no_tenant",
        "unknown_tenant",
        "other_tenant",
    ];

    /// The `reason` label of the unauthorized requests' counter.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(..) => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::ExpiredKey => "expired_key",
            Self::Token(_) => "token",
            Self::ExpiredToken => "expired_token",
            Self::EarlyToken => "early_token",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::NoKeys => "no_keys",
            Self::NoTenant(_) => "no_tenant",
            Self::UnknownTenant => "unknown_tenant",
            Self::OtherTenant(_) => "other_tenant",
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::NoTenant(_) | Self::UnknownTenant | Self::OtherTenant(_) => Kind::Forbidden,
            Self::NoKeys => Kind::Unavailable,
            _ => Kind::Unauthenticated,
        }
    }
}
