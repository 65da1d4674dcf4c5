//! Secrets as digests: what is kept of a secret is enough to recognise it, and not enough to send it.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest of a secret. There is no `==`: comparing takes the same time whatever is equal ([`Digest::is`]).
#[derive(Clone)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Of 64 characters of hex, of either case.
    pub fn parse(hex: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
            let pair = &hex[at..at + 2];
            // `from_str_radix` would take a sign.
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(digest))
    }

    /// Whether both are of one secret, in constant time.
    pub fn is(&self, other: &Self) -> bool {
        let differing = (self.0.iter().zip(other.0)).fold(0, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(differing) == 0
    }

    /// Its first bytes, to look it up by.
    pub fn prefix(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(first)
    }

    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(****)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_recognised_and_not_shown() {
        // printf %s abc | sha256sum
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let read = Digest::parse(hex).unwrap();
        assert!(read.is(&Digest::of(b"abc")) && !read.is(&Digest::of(b"abd")));
        assert!(Digest::parse(&hex.to_uppercase()).unwrap().is(&read));
        assert_eq!(read.prefix(), 0xba78_16bf_8f01_cfea);
        assert_eq!(format!("{read:?}"), "Digest(****)");
        for wrong in [
            "",
            "abc",
            &hex[1..],
            &format!("+a{}", &hex[2..]),
            &format!("{hex}00"),
            &"é".repeat(32),
        ] {
            assert!(Digest::parse(wrong).is_none(), "{wrong}");
        }
    }
}
