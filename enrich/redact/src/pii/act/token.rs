//! Tokens that look like what they stand for: FF1 of NIST SP 800-38G over the letters and digits of a value.
//!
//! What stands between them stays where it is. A value of digits becomes digits; with letters of one case, digits and letters of that case; else of
//! both. FF3 was withdrawn by NIST in 2025 and isn't offered.

use std::fmt;

use aes::Aes256;
use fpe::ff1::{FF1, FlexibleNumeralString};

use crate::rules::Hasher;

const DIGITS: u32 = 10;
const ONE_CASE: u32 = 36;
const BOTH_CASES: u32 = 62;

/// FF1 for each alphabet, with a key of its own: AES's key is the HMAC of a label under the user's key.
pub(crate) struct Tokens {
    by_alphabet: Vec<(u32, FF1<Aes256>)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    pub(crate) fn new(hasher: &Hasher) -> Self {
        let key = hasher.raw(b"tailwater: tokens by FF1 with AES-256");
        let alphabets = [DIGITS, ONE_CASE, BOTH_CASES];
        let made = alphabets.map(|radix| FF1::<Aes256>::new(&key, radix).map(|ff1| (radix, ff1)));
        Self {
            by_alphabet: made.into_iter().flatten().collect(),
        }
    }

    /// The token of a value. `None`: it has fewer than a million possible values, so that all could be tried, or no letters and digits of ASCII.
    /// `tweak` makes tokens of two kinds of values unlike.
    pub(crate) fn token(&self, tweak: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let characters = || value.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let small = characters().any(u8::is_ascii_lowercase);
        let capital = characters().any(u8::is_ascii_uppercase);
        let radix = match (small, capital) {
            (false, false) => DIGITS,
            (true, true) => BOTH_CASES,
            _ => ONE_CASE,
        };
        let (_, ff1) = self.by_alphabet.iter().find(|(of, _)| *of == radix)?;
        let number = |byte: &u8| match byte {
            b'0'..=b'9' => u16::from(byte - b'0'),
            b'a'..=b'z' => u16::from(byte - b'a') + 10,
            _ if radix == BOTH_CASES => u16::from(byte - b'A') + 36,
            _ => u16::from(byte - b'A') + 10,
        };
        let numerals: Vec<u16> = characters().map(number).collect();
        let token = ff1
            .encrypt(tweak, &FlexibleNumeralString::from(numerals))
            .ok()?;
        let mut token = Vec::<u16>::from(token)
            .into_iter()
            .map(|number| match number as u8 {
                number @ 0..=9 => b'0' + number,
                number @ 10..=35 if radix == ONE_CASE && capital => b'A' + number - 10,
                number @ 10..=35 => b'a' + number - 10,
                number => b'A' + number - 36,
            });
        let written = |byte: &u8| match byte.is_ascii_alphanumeric() {
            true => token.next(),
            // Letters beyond ASCII are in no alphabet of ours.
            false => byte.is_ascii().then_some(*byte),
        };
        value.iter().map(written).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&Hasher::new(b"a key of sixteen or more bytes").unwrap())
    }

    /// NIST's examples for FF1 with AES-256, samples 7 and 9: the crate does what the standard says.
    #[test]
    fn is_ff1_of_the_standard() {
        let key: Vec<u8> =
            const_hex::decode("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
                .unwrap();
        let ff1 = FF1::<Aes256>::new(&key, 10).unwrap();
        let plain: Vec<u16> = (0..10).collect();
        let token = ff1
            .encrypt(&[], &FlexibleNumeralString::from(plain.clone()))
            .unwrap();
        assert_eq!(Vec::<u16>::from(token), [6, 6, 5, 7, 6, 6, 7, 0, 0, 9]);
        let tweak = const_hex::decode("39383736353433323130").unwrap();
        let token = ff1
            .encrypt(&tweak, &FlexibleNumeralString::from(plain))
            .unwrap();
        assert_eq!(Vec::<u16>::from(token), [1, 0, 0, 1, 6, 2, 3, 4, 6, 3]);
    }

    #[test]
    fn a_token_has_the_shape_of_its_value() {
        let tokens = tokens();
        for value in [
            "4111 1111 1111 1111",
            "E-123456",
            "AbC-12xyz",
            "ann@example.org",
        ] {
            let token = tokens.token(b"", value.as_bytes()).unwrap();
            assert_eq!(token.len(), value.len());
            assert_ne!(token, value.as_bytes());
            assert_eq!(tokens.token(b"", value.as_bytes()).unwrap(), token);
            assert_ne!(tokens.token(b"x", value.as_bytes()).unwrap(), token);
            for (token, byte) in token.iter().zip(value.bytes()) {
                assert_eq!(token.is_ascii_alphanumeric(), byte.is_ascii_alphanumeric());
            }
        }
        let card = tokens.token(b"", b"4111 1111 1111 1111").unwrap();
        assert!(
            card.iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b' ')
        );
    }

    #[test]
    fn what_could_be_tried_has_no_token() {
        assert_eq!(tokens().token(b"", b"12345"), None);
        assert_eq!(tokens().token(b"", b"abc"), None);
        assert!(tokens().token(b"", b"123456").is_some());
        assert_eq!(tokens().token(b"", "jürgen-müller".as_bytes()), None);
        assert_eq!(tokens().token(b"", b""), None);
    }
}
