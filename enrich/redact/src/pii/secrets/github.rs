//! GitHub's tokens, whose last six characters are a checksum.

use std::ops::Range;

use super::token::{base62, begins, ends, prefixed, run, url_safe};

/// Digits of base 62, in their order.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// What follows the prefix: thirty characters and their checksum.
const TOKEN_BYTES: usize = 36;
const CHECKSUM_BYTES: usize = 6;
/// Refresh tokens in GitHub's documentation; that they end in a checksum isn't said.
const REFRESH_BYTES: usize = 76;
/// Installation tokens since April 2026 are a JWT behind the app's id.
const STATELESS_BYTES_MIN: usize = 100;
const STATELESS_BYTES_MAX: usize = 4_096;

/// `ghp_`, `gho_`, `ghu_`, `ghs_` or `ghr_`: thirty characters and their CRC-32 in base 62 (GitHub, *Behind GitHub's
/// new authentication token formats*, 2021); refresh tokens of 76; and `ghs_APPID_JWT` (GitHub, *New format for
/// GitHub App installation tokens*, 2026).
///
/// Chance: 1 in 4 billion of words of the right form.
pub(super) fn token(text: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at + 4;
    if !begins(text, at) {
        return None;
    }
    let length = run(text, from, REFRESH_BYTES, base62);
    let to = from + length;
    match length {
        TOKEN_BYTES if ends(text, to) && checksum_holds(&text[from..to]) => Some(at..to),
        REFRESH_BYTES if text[at..].starts_with(b"ghr_") => {
            prefixed(text, at, 4, (REFRESH_BYTES..REFRESH_BYTES + 1, base62), 3.0)
        }
        1..=20 if text.get(to..to + 4) == Some(b"_eyJ") => stateless(text, at),
        _ => None,
    }
}

/// An app's id, `_`, and a JWT: two dots among characters of base64.
fn stateless(text: &[u8], at: usize) -> Option<Range<usize>> {
    let length = run(text, at, STATELESS_BYTES_MAX, |byte| {
        url_safe(byte) || byte == b'.'
    });
    let found = &text[at..at + length];
    let trailing = found.iter().rev().take_while(|byte| **byte == b'.').count();
    let found = &found[..length - trailing];
    let dots = found.iter().filter(|byte| **byte == b'.').count();
    (found.len() >= STATELESS_BYTES_MIN && dots == 2).then_some(at..at + found.len())
}

/// `github_pat_`, 22 characters, `_`, 59 characters. That these end in a checksum too isn't published.
pub(super) fn fine_grained(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(
        text,
        at,
        11,
        (82..83, |byte| base62(byte) || byte == b'_'),
        3.0,
    )
}

/// Whether the last six of these characters are the CRC-32 of those before, in base 62 with leading zeros.
fn checksum_holds(token: &[u8]) -> bool {
    let Some((body, checksum)) = token.split_last_chunk::<CHECKSUM_BYTES>() else {
        return false;
    };
    let mut written = 0_u64;
    for character in checksum {
        let Some(value) = BASE62.iter().position(|digit| digit == character) else {
            return false;
        };
        written = written * 62 + value as u64;
    }
    written == u64::from(crc32(body))
}

/// CRC-32 of ISO/IEC 13239 (zip's, PNG's), bit by bit: it is asked for thirty bytes behind a rare prefix.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut remainder = u32::MAX;
    for byte in bytes {
        remainder ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = remainder & 1;
            remainder = (remainder >> 1) ^ (POLYNOMIAL * carry);
        }
    }
    !remainder
}

/// The checksum that a token with this body ends in.
#[cfg(test)]
pub(super) fn checksum(body: &str) -> String {
    let mut rest = crc32(body.as_bytes()) as usize;
    let mut digits = [b'0'; CHECKSUM_BYTES];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % 62];
        rest /= 62;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_real_tokens() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        // Bodies and checksums of the tests of dd-sensitive-data-scanner (Apache-2.0), the last with a leading zero.
        for (body, expected) in [
            ("M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq", "11T4V4"),
            ("HEEjXavM6wKtyhAUwDblMznMEhWyTt", "4XwY6f"),
            ("vKdQ4XtRZOBFd16YZEgyLKyQ8Cee4g", "2NJ0mT"),
            ("QdwULL38u41vs1OcAjhKqcaSZ9W63r", "0Zu4ln"),
        ] {
            assert_eq!(checksum(body), expected);
            assert!(checksum_holds(format!("{body}{expected}").as_bytes()));
        }
    }

    #[test]
    fn tokens_of_all_kinds() {
        let body = "M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq";
        let classic = format!("{body}{}", checksum(body));
        for kind in ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"] {
            let text = format!("token={kind}{classic}, ok");
            assert_eq!(token(text.as_bytes(), 6), Some(6..46));
        }
        let jwt = format!(
            "ghs_1234567_eyJ{}.{}.{}.",
            "hbGci1".repeat(5),
            "a1B2".repeat(20),
            "c3_-".repeat(10)
        );
        assert_eq!(token(jwt.as_bytes(), 0), Some(0..jwt.len() - 1));
        let refresh = format!("ghr_{}", "1B4a2e77838347a7E420".repeat(4).split_at(76).0);
        assert_eq!(token(refresh.as_bytes(), 0), Some(0..80));
    }

    #[test]
    fn what_is_no_token() {
        let body = "M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq";
        let sum = checksum(body);
        for text in [
            format!("ghp_{body}{}", sum.replace('1', "2")),
            format!("ghp_{body}{sum}0"),
            format!("ghp_{body}{sum}_"),
            format!("xghp_{body}{sum}"),
            format!("ghp_{body}"),
            format!("ghp_{}", "x".repeat(36)),
            format!("ghs_123_eyJ{}", "a".repeat(200)),
            "ghs_".into(),
        ] {
            let at = text.find("gh").expect("the prefix");
            assert_eq!(token(text.as_bytes(), at), None, "{text}");
        }
    }
}
