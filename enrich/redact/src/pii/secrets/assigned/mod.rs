//! Values that the word before them names as a secret: `password=…`, `"api_key": "…"`, `clientSecret => '…'`,
//! `--token …=`.
//!
//! What follows a word for a password is one, unless it is a placeholder or says how the password is (`password:
//! required`). People choose words, so how random it looks tells nothing: the least entropy of 1.5 bits a byte
//! (`root` has it) sets aside fillers only. Neither gitleaks nor Presidio finds such: gitleaks asks ten characters
//! and 3.5 bits of any value, and Presidio has no recognizer for it.
//!
//! What follows a word for a token need not be one: `token: authentication-service`, `secret: my-app-tls`. So it has
//! to look generated, by gitleaks' rule for API keys in general: 3.5 bits a byte, and a digit, with letters in one
//! part. Digits alone have at most 3.3, so that no count and no time passes.

pub(super) mod name;
mod notation;
#[cfg(test)]
mod tests;

use std::ops::Range;

use name::{Named, named};
use notation::{JUDGED_BYTES_MAX, Value, up_to_name};

use super::entropy::entropy;
use super::placeholder::is_placeholder;

const PASSWORD_BYTES_MIN: usize = 4;
const PASSWORD_ENTROPY_MIN: f32 = 1.5;
const TOKEN_BYTES_MIN: usize = 8;
const TOKEN_ENTROPY_MIN: f32 = 3.5;

/// What logs say of passwords, without a quote, instead of giving them.
#[rustfmt::skip]
const STATES: &[&str] = &[
    "must", "required", "missing", "invalid", "incorrect", "wrong", "expired", "changed", "reset", "updated", "does", "cannot", "should",
    "field", "string", "authentication", "mismatch", "failed", "failure", "provided", "unknown", "unsupported", "accepted", "rejected", "denied",
    "with", "from", "this", "that",
];

/// The value of which the word before `separator` (where a `=` or `:` stands) says that it is a secret, and that
/// looks like one; without its quotes.
pub(crate) fn assigned(text: &[u8], separator: usize) -> Option<Range<usize>> {
    let by = *text.get(separator)?;
    let named = named(up_to_name(text, separator))?;
    let value = Value::after(text, separator)?;
    let judged = value.judged(text);
    let state = by == b':'
        && !value.is_quoted()
        && STATES
            .iter()
            .any(|state| judged.eq_ignore_ascii_case(state.as_bytes()));
    (!state && assigned_by_key(named, judged)).then(|| value.range(text))
}

/// The same judgement on the whole value of an attribute whose key names a secret.
pub(crate) fn assigned_by_key(named: Named, value: &[u8]) -> bool {
    if is_placeholder(value) || is_path(value) {
        return false;
    }
    let judged = &value[..value.len().min(JUDGED_BYTES_MAX)];
    match named {
        Named::Password => {
            value.len() >= PASSWORD_BYTES_MIN && entropy(judged) >= PASSWORD_ENTROPY_MIN
        }
        Named::Token => {
            value.len() >= TOKEN_BYTES_MIN
                && judged.iter().any(u8::is_ascii_digit)
                && !judged.iter().any(u8::is_ascii_whitespace)
                && !is_reference(value)
                && !is_name(judged)
                && entropy(judged) >= TOKEN_ENTROPY_MIN
        }
    }
}

/// Whether this is where a file is (`PWD=/home/app`, `token=/var/run/secrets/…`): lower-case names between slashes.
/// Random base64 that begins with a slash has upper-case letters.
fn is_path(value: &[u8]) -> bool {
    value.starts_with(b"/")
        && value.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/._-:".contains(byte)
        })
        || value == b"/"
}

/// Whether this says where the secret is, and isn't it.
fn is_reference(value: &[u8]) -> bool {
    [
        &b"http://"[..],
        b"https://",
        b"arn:",
        b"projects/",
        b"file:",
    ]
    .iter()
    .any(|prefix| value.starts_with(prefix))
}

/// Whether this is a name and no generated value: of code (`Token{9f4ef63`, `BinderProxy@2bd79ce`), or of words and
/// numbers (`com.apple.xpc.activity/4505`, `my-app-tls-2`).
fn is_name(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| b"._-/:".contains(byte));
    value.iter().any(|byte| b"(){}[]<>@".contains(byte))
        || parts.all(|part| {
            part.iter().all(u8::is_ascii_alphabetic) || part.iter().all(u8::is_ascii_digit)
        })
}
