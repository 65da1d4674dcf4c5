//! Where a token begins and ends: it is a word of its own, not a piece of a longer one.

use std::ops::Range;

use super::entropy::entropy;

pub(super) fn base62(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Base64 in its form for URLs, without padding.
pub(super) fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

pub(super) fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// How many bytes of an alphabet stand from `at` on; at most `most` and one.
pub(super) fn run(text: &[u8], at: usize, most: usize, alphabet: fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter()
        .take(most.saturating_add(1))
        .take_while(|byte| alphabet(**byte))
        .count()
}

/// Whether a word can begin at `at`: a letter, digit, `_` or `-` before it makes it a piece of a longer one; but not
/// the end of an escape (`\n`, `\u003c`, `%3D`).
pub(super) fn begins(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    match before {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', a, b, c, d]
            if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
        {
            true
        }
        [.., byte] => !url_safe(*byte),
        [] => true,
    }
}

/// Whether a word can end at `at`.
pub(super) fn ends(text: &[u8], at: usize) -> bool {
    text.get(at)
        .is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
}

/// The token whose prefix of `prefix` bytes stands at `at`, with a body of an alphabet, of some length, and with at
/// least the entropy (in bits a byte) that tells it from `xxxx…`.
pub(super) fn prefixed(
    text: &[u8],
    at: usize,
    prefix: usize,
    body: (Range<usize>, fn(u8) -> bool),
    entropy_min: f32,
) -> Option<Range<usize>> {
    if !begins(text, at) {
        return None;
    }
    let (lengths, alphabet) = body;
    let from = at + prefix;
    let to = from + run(text, from, lengths.end - 1, alphabet);
    let found =
        lengths.contains(&(to - from)) && ends(text, to) && entropy(&text[from..to]) >= entropy_min;
    found.then_some(at..to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let at = text.find("tk_").expect("a prefix");
        let found = prefixed(text.as_bytes(), at, 3, (8..11, base62), 2.0);
        assert_eq!(found.map(|range| &text[range]), expected, "{text}");
    }

    #[test]
    fn tokens_are_words_of_their_own() {
        for text in [
            "tk_a1b2c3d4",
            "tk_a1b2c3d4e5",
            "tk_a1b2c3d4-x",
            "\"tk_a1b2c3d4\"",
            "tk_a1b2c3d4.",
            "k=tk_a1b2c3d4&x",
        ] {
            let token = text.trim_matches(['"', '.']).trim_start_matches("k=");
            check(text, Some(token.split(['&', '-']).next().expect("a token")));
        }
        // Behind an escape.
        check("x\\ntk_a1b2c3d4", Some("tk_a1b2c3d4"));
        check("x%3Dtk_a1b2c3d4", Some("tk_a1b2c3d4"));
        check("x\\u003ctk_a1b2c3d4", Some("tk_a1b2c3d4"));
        for text in [
            "tk_a1b2c3d",
            "tk_a1b2c3d4e5f",
            "tk_a1b2c3d4_x",
            "xtk_a1b2c3d4",
            "x_tk_a1b2c3d4",
            "x-tk_a1b2c3d4",
            "tk_aaaaaaaa",
            "tk_abababab",
            "tk_",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn runs_are_bounded() {
        assert_eq!(run(b"aaaa!", 0, 9, base62), 4);
        assert_eq!(run(b"aaaa!", 1, 2, base62), 3);
        assert_eq!(run(b"aaaa", 9, 2, base62), 0);
    }
}
