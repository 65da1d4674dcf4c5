//! The credentials of an `Authorization` header: `Bearer` (RFC 6750) and `Basic` (RFC 7617).

use std::ops::Range;

use super::base64::decoded;
use super::entropy::entropy;
use super::token::{base64, begins, run, url_safe};

const CREDENTIALS_BYTES_MAX: usize = 16 << 10;
/// The least that a bearer token has; words that follow `bearer` in prose are shorter, or have no digit.
const BEARER_BYTES_MIN: usize = 16;
const BEARER_ENTROPY_MIN: f32 = 2.5;
/// A name and a password of five bytes in all; less is likelier a word.
const BASIC_BYTES_MIN: usize = 8;
/// What is looked at of decoded credentials: a name and a part of the password.
const BASIC_DECODED_BYTES: usize = 192;

/// What follows `Bearer ` at `at`: at least 16 characters with a digit among them.
///
/// Chance: prose doesn't pass.
pub(super) fn bearer(text: &[u8], at: usize) -> Option<Range<usize>> {
    let from = credentials(text, at, "Bearer ".len())?;
    let length = run(text, from, CREDENTIALS_BYTES_MAX, |byte| {
        url_safe(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/')
    });
    let dots = text[from..from + length]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'.')
        .count();
    let token = &text[from..from + length - dots];
    if token.len() < BEARER_BYTES_MIN
        || !token.iter().any(u8::is_ascii_digit)
        || entropy(token) < BEARER_ENTROPY_MIN
    {
        return None;
    }
    let padding = if dots == 0 {
        run(text, from + length, 2, |byte| byte == b'=')
    } else {
        0
    };
    Some(from..from + token.len() + padding)
}

/// What follows `Basic ` at `at`, if it decodes to text with a colon.
///
/// Chance: prose doesn't pass.
pub(super) fn basic(text: &[u8], at: usize) -> Option<Range<usize>> {
    let from = credentials(text, at, "Basic ".len())?;
    let length = run(text, from, CREDENTIALS_BYTES_MAX, |byte| {
        base64(byte) || matches!(byte, b'-' | b'_')
    });
    if length < BASIC_BYTES_MIN {
        return None;
    }
    let (mut plain, mut bytes) = ([0; BASIC_DECODED_BYTES], 0);
    for (place, byte) in plain.iter_mut().zip(decoded(&text[from..from + length])) {
        *place = byte;
        bytes += 1;
    }
    let readable = match std::str::from_utf8(&plain[..bytes]) {
        Ok(plain) => plain,
        // The last character was cut in two.
        Err(error) if error.error_len().is_none() && bytes == plain.len() => {
            std::str::from_utf8(&plain[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return None,
    };
    if !readable.contains(':') || readable.contains(char::is_control) {
        return None;
    }
    Some(from..from + length + run(text, from + length, 2, |byte| byte == b'='))
}

/// Where the credentials behind a scheme begin.
fn credentials(text: &[u8], at: usize, scheme: usize) -> Option<usize> {
    let spaces = run(text, at + scheme, 8, |byte| byte == b' ');
    begins(text, at).then_some((at + scheme + spaces).min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let find = |scheme| {
            text.find(scheme)
                .or_else(|| text.find(&str::to_lowercase(scheme)))
        };
        let found = match find("Bearer ") {
            Some(at) => bearer(text.as_bytes(), at),
            None => basic(text.as_bytes(), find("Basic ").unwrap_or(0)),
        };
        assert_eq!(found.map(|range| &text[range]), expected, "{text}");
    }

    #[test]
    fn bearer_tokens() {
        check(
            "Authorization: Bearer mF_9.B5f-4.1JqM6Zz",
            Some("mF_9.B5f-4.1JqM6Zz"),
        );
        check(
            "\"authorization\":\"bearer  0123456789abcdef==\"",
            Some("0123456789abcdef=="),
        );
        check(
            "Bearer 8f14e45f-ceea-467f-9a36-dc0b0f0f1a2b.",
            Some("8f14e45f-ceea-467f-9a36-dc0b0f0f1a2b"),
        );
        for text in [
            "Bearer authentication-required-for-this",
            "Bearer realm=\"api2-of-the-world\"",
            "Bearer ****",
            "Bearer 1111111111111111",
            "the bearer of this",
            "Bearer ",
            "Bearer short1",
            "forebearer 0123456789abcdef",
        ] {
            check(text, None);
        }
    }

    /// RFC 7617's examples.
    #[test]
    fn basic_credentials() {
        check(
            "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            Some("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        );
        check("basic dGVzdDoxMjPCow==\"", Some("dGVzdDoxMjPCow=="));
        for text in [
            "Basic authentication failed",
            "Basic QWxhZGRpbg==",
            "Basic understanding",
            "Basic ****",
            "Basic ",
            "Basic AAAA:",
        ] {
            check(text, None);
        }
        // A long password whose character is cut in two.
        let long = format!("Basic {}", "YTrDpMOk".repeat(60));
        check(&long, Some(&long[6..]));
    }
}
