//! Access keys of Amazon Web Services.

use std::ops::Range;

use super::entropy::entropy;
use super::token::{base64, prefixed};

/// Access key id: four letters for its kind and sixteen of base32 (AWS, *IAM identifiers*: unique identifiers). Not
/// those of the documentation, which end in `EXAMPLE`.
pub(super) fn access_key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let base32 = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    let found = prefixed(text, at, 4, (16..17, base32), 2.0)?;
    let key = &text[found.clone()];
    (entropy(key) >= 3.0 && !key.ends_with(b"EXAMPLE")).then_some(found)
}

/// Whether this word can be a secret access key: 40 characters of base64 with upper-case letters, lower-case letters
/// and digits, and an entropy of at least 4 bits a byte.
///
/// Chance: of random base64 of that length 997 in 1,000 pass, so it needs context. SHA-1 in hexadecimal has one case,
/// and never passes.
pub(crate) fn aws_secret(word: &[u8]) -> bool {
    word.len() == 40
        && word.iter().all(|byte| base64(*byte))
        && word.iter().any(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().any(u8::is_ascii_digit)
        && entropy(word) >= 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_access_keys() {
        // That of AWS's documentation.
        let documented = ["wJalrXUtnFEMI/", "K7MDENG/bPxRfi", "CYEXAMPLEKEY"].concat();
        assert!(aws_secret(documented.as_bytes()));
        for other in [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "aaaaaaaaaaaaaaaaaaaaAAAAAAAAAAAAAAAAAAA1",
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
            &documented[1..],
            &documented.replace('/', "-"),
            "",
        ] {
            assert!(!aws_secret(other.as_bytes()), "{other}");
        }
    }
}
