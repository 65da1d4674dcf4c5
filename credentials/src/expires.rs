//! What has an end.

use std::time::SystemTime;

/// A credential that is valid for a while.
pub trait Expires {
    /// `None`: it is valid until it is revoked.
    fn expires(&self) -> Option<SystemTime>;
}
