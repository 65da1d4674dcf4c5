//! The keyed hash that stands for a value: the same value gives the same text, and nobody without the key can try values.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use schemas::otlp::AnyValue;
use sha2::Sha256;

/// Length of a hash in text: 256 bits in lower-case hexadecimal digits.
pub(crate) const HEX_LEN: usize = 64;

/// HMAC-SHA256 with its key absorbed.
#[derive(Clone)]
pub struct Hasher {
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// `None` when the key is empty: an unkeyed hash of an e-mail address is undone by trying all.
    pub fn new(key: &[u8]) -> Option<Self> {
        if key.is_empty() {
            return None;
        }
        let keyed = Hmac::new_from_slice(key).ok()?;
        Some(Self { keyed })
    }

    /// The hash of one attribute value. A string and bytes count as they are, a number and a bool as their shortest
    /// decimal text, an array or key-value list as its protobuf encoding. An empty value has nothing to hide: `None`.
    pub fn hash(&self, value: &AnyValue<'_>) -> Option<[u8; HEX_LEN]> {
        Some(match value {
            AnyValue::Empty => return None,
            AnyValue::String(bytes)
            | AnyValue::Bytes(bytes)
            | AnyValue::Array(bytes)
            | AnyValue::Kvlist(bytes) => self.digest(bytes),
            AnyValue::Bool(value) => self.digest(if *value { b"true" } else { b"false" }),
            AnyValue::Int(value) => self.digest(value.to_string().as_bytes()),
            AnyValue::Double(value) => self.digest(value.to_string().as_bytes()),
        })
    }

    pub(crate) fn digest(&self, bytes: &[u8]) -> [u8; HEX_LEN] {
        let mut hex = [0; HEX_LEN];
        // The length fits, so this doesn't fail.
        let _ = const_hex::encode_to_slice(self.raw(bytes), &mut hex);
        hex
    }

    /// The hash itself, 256 bits.
    pub(crate) fn raw(&self, bytes: &[u8]) -> [u8; HEX_LEN / 2] {
        let mut mac = self.keyed.clone();
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn is_hmac_sha256() {
        let hasher = Hasher::new(b"Jefe").unwrap();
        assert_eq!(
            std::str::from_utf8(&hasher.digest(b"what do ya want for nothing?")).unwrap(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn equal_text_of_different_types_hashes_alike() {
        let hasher = Hasher::new(b"key").unwrap();
        let text = hasher.hash(&AnyValue::String(b"42"));
        assert_eq!(hasher.hash(&AnyValue::Int(42)), text);
        assert_eq!(hasher.hash(&AnyValue::Double(42.0)), text);
        assert_eq!(hasher.hash(&AnyValue::Bytes(b"42")), text);
        assert_ne!(hasher.hash(&AnyValue::Bool(true)), text);
        assert_eq!(hasher.hash(&AnyValue::Empty), None);
    }

    #[test]
    fn no_key_no_hash() {
        assert!(Hasher::new(b"").is_none());
    }
}
