//! Tokens of vendors that begin with a prefix of the vendor's: lengths and alphabets as the vendors publish them, and
//! where they don't, as gitleaks (MIT) knows them, whose least entropies are taken as well.

use std::ops::Range;

use super::entropy::entropy;
use super::token::{base62, base64, begins, ends, prefixed, run, url_safe};

/// The longest body of a token whose length isn't given.
const BODY_BYTES_MAX: usize = 1_000;

fn hexadecimal(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn dashed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn dotted(byte: u8) -> bool {
    url_safe(byte) || byte == b'.'
}

fn path(byte: u8) -> bool {
    base64(byte)
}

/// `glpat-` and 20 characters, or 27 to 300 and a check of nine behind a dot.
pub(super) fn gitlab(text: &[u8], at: usize) -> Option<Range<usize>> {
    let found = prefixed(text, at, 6, (20..301, url_safe), 3.0)?;
    let check = run(text, found.end + 1, 9, base62);
    let routable = text.get(found.end) == Some(&b'.') && check == 9;
    Some(found.start..if routable { found.end + 10 } else { found.end })
}

/// `xoxb-`, `xoxp-`, … with numbers and a random part, and `xoxe.xoxp-1-…` of configurations.
pub(super) fn slack(text: &[u8], at: usize) -> Option<Range<usize>> {
    let kind = |at: usize| match text.get(at..at + 5) {
        Some(
            [
                b'x',
                b'o',
                b'x',
                b'a' | b'b' | b'e' | b'o' | b'p' | b'r' | b's',
                b'-',
            ],
        ) => Some(5),
        _ => None,
    };
    let prefix = match text.get(at..at + 5) {
        Some(b"xoxe.") => 5 + kind(at + 5)?,
        _ => kind(at)?,
    };
    let found = prefixed(text, at, prefix, (10..BODY_BYTES_MAX, dashed), 2.0)?;
    let body = &text[found.start + prefix..found.end];
    let random = body.rsplit(|byte| *byte == b'-').next()?;
    let numbers = body
        .split(|byte| *byte == b'-')
        .filter(|part| part.len() >= 4 && part.iter().all(u8::is_ascii_digit))
        .count();
    // Not a name (`xoxa-nyc`, `xoxp-1-initial`), nor an example (`xoxp-1234567890`).
    let generated = match numbers {
        0 => random.len() >= 12 && random.iter().any(u8::is_ascii_digit),
        1 => random.len() >= 15 && random.iter().any(u8::is_ascii_alphabetic),
        _ => random.len() >= 8,
    };
    generated.then_some(found)
}

/// `xapp-1-A…-…-…`: an app's own token.
pub(super) fn slack_app(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 5, (40..BODY_BYTES_MAX, dashed), 3.0)
}

/// What follows `hooks.slack.com/services/` (or `workflows/`, `triggers/`): whoever knows it may post.
pub(super) fn slack_webhook(text: &[u8], at: usize) -> Option<Range<usize>> {
    let kind = at + "hooks.slack.com/".len();
    let rest = text.get(kind..)?;
    let kinds = [&b"services/"[..], b"workflows/", b"triggers/"];
    let from = kind + kinds.iter().find(|kind| rest.starts_with(kind))?.len();
    let length = run(text, from, 80, path);
    (40..=80).contains(&length).then_some(from..from + length)
}

/// `sk_live_…`: secret and restricted keys. Those for tests too: they open an account's test data.
pub(super) fn stripe(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 8, (10..248, base62), 2.0)
}

pub(super) fn google_api_key(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 4, (35..36, url_safe), 4.0)
}

/// `ya29.`: an access token of OAuth 2.
pub(super) fn google_oauth(text: &[u8], at: usize) -> Option<Range<usize>> {
    // A dot is no part of a word elsewhere, but here it is.
    if text.get(..at).is_none_or(|before| before.ends_with(b".")) {
        return None;
    }
    let found = prefixed(text, at, 5, (20..2_049, dotted), 3.0)?;
    let dots = text[found.clone()]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'.')
        .count();
    Some(found.start..found.end - dots)
}

/// `sk-proj-`, `sk-svcacct-`, `sk-admin-`.
pub(super) fn openai(text: &[u8], at: usize) -> Option<Range<usize>> {
    let kind = run(text, at + 3, 7, |byte| byte.is_ascii_lowercase());
    prefixed(text, at, 3 + kind + 1, (40..BODY_BYTES_MAX, url_safe), 3.5)
}

/// `sk-ant-api03-` and 95 characters, and its kin for administration and OAuth.
pub(super) fn anthropic(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 7, (80..BODY_BYTES_MAX, url_safe), 3.0)
}

pub(super) fn hugging_face(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 3, (34..35, base62), 2.0)
}

pub(super) fn npm(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 4, (36..37, base62), 3.0)
}

/// `pypi-` and a macaroon, whose first bytes are always `AgE` in base64.
pub(super) fn pypi(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 5, (60..BODY_BYTES_MAX, url_safe), 3.0)
}

/// `SG.`, 22 characters, a dot, 43 characters.
pub(super) fn sendgrid(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (id, secret) = (
        run(text, at + 3, 22, url_safe),
        run(text, at + 26, 43, url_safe),
    );
    let found = begins(text, at) && id == 22 && text.get(at + 25) == Some(&b'.') && secret == 43;
    (found && ends(text, at + 69)).then_some(at..at + 69)
}

pub(super) fn shopify(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 6, (32..33, hexadecimal), 2.0)
}

pub(super) fn vault_service(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 4, (24..301, url_safe), 3.5)
}

pub(super) fn vault_batch(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 4, (100..BODY_BYTES_MAX, url_safe), 4.0)
}

/// `glsa_`, 32 characters, `_`, and a check of eight hexadecimal digits.
pub(super) fn grafana_service_account(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (secret, check) = (
        run(text, at + 5, 32, base62),
        run(text, at + 38, 8, hexadecimal),
    );
    let found = begins(text, at)
        && secret == 32
        && text.get(at + 37) == Some(&b'_')
        && check == 8
        && ends(text, at + 46);
    (found && entropy(&text[at + 5..at + 37]) >= 3.0).then_some(at..at + 46)
}

/// `glc_` and JSON in base64.
pub(super) fn grafana_cloud(text: &[u8], at: usize) -> Option<Range<usize>> {
    let found = prefixed(text, at, 4, (32..401, base64), 3.0)?;
    let padding = run(text, found.end, 2, |byte| byte == b'=');
    Some(found.start..found.end + padding)
}

pub(super) fn digital_ocean(text: &[u8], at: usize) -> Option<Range<usize>> {
    prefixed(text, at, 7, (64..65, hexadecimal), 3.0)
}
