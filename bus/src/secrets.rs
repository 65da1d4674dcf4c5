//! What a process logs in to its bus with, as far as it may change while everything runs.

use std::fmt;

/// Values that are absent stay as they are. Never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// User and password.
    pub password: Option<(String, String)>,
    /// The secret with which tokens are fetched.
    pub client_secret: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(****)")
    }
}
