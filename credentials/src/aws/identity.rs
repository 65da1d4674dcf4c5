//! What signs.

use std::fmt;
use std::time::SystemTime;

use crate::expires::Expires;

/// An access key, with the session that it is of.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    pub expires: Option<SystemTime>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Expires for Credentials {
    fn expires(&self) -> Option<SystemTime> {
        self.expires
    }
}
