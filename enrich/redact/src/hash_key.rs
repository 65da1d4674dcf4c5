//! The secret of hashes and tokens.

use std::fmt;

/// A secret, which `Debug` doesn't show.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HashKey(pub Vec<u8>);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "****" })
    }
}
