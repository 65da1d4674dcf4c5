//! What a detector's findings become, and with which key.

use super::super::asked::Action;
use super::super::detector::Form;
use super::token::Tokens;
use crate::rules::Hasher;

/// What a detector's findings become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) action: Action,
    /// Counted, and nothing more.
    pub(crate) reports: bool,
    pub(crate) form: Form,
}

/// The key of hashes and tokens.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) id: String,
    pub(crate) hasher: Hasher,
    pub(crate) tokens: Tokens,
}
