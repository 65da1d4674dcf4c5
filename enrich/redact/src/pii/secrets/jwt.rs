//! JSON Web Tokens: RFC 7519, signed (RFC 7515) or encrypted (RFC 7516) in compact form.

use std::ops::Range;

use super::base64::decoded;
use super::token::{begins, run, url_safe};

/// Of one part. Tokens travel in headers, which servers bound at some tens of KiB.
const PART_BYTES_MAX: usize = 32 << 10;
/// Parts of an encrypted token.
const PARTS_MAX: usize = 5;

/// The token that begins with `eyJ` at `at` (`{"` in base64): its header is a JSON object with the key `alg`. All its
/// parts are taken: three, five if it is encrypted, two if it was cut off.
///
/// Chance: as good as none.
pub(super) fn token(text: &[u8], at: usize) -> Option<Range<usize>> {
    if !begins(text, at) {
        return None;
    }
    let header = run(text, at, PART_BYTES_MAX, url_safe);
    let (mut end, mut parts) = (at + header, 1);
    if text.get(end) != Some(&b'.') || !has_algorithm(decoded(&text[at..end])) {
        return None;
    }
    while parts < PARTS_MAX && text.get(end) == Some(&b'.') {
        let part = run(text, end + 1, PART_BYTES_MAX, url_safe);
        // An encrypted token's key may be empty, and so may a signature; behind them a dot ends the sentence.
        let key = parts == 1
            && matches!(text.get(end + 1..end + 3), Some([b'.', after]) if url_safe(*after));
        if part == 0 && !key && parts != 2 {
            break;
        }
        end += 1 + part;
        parts += 1;
    }
    (parts > 1).then_some(at..end)
}

/// Whether this JSON begins with an object that has the key `alg`. Strings and depth are kept track of; what stands
/// between is not judged.
fn has_algorithm(json: impl Iterator<Item = u8>) -> bool {
    let (mut depth, mut string, mut escaped) = (0_usize, false, false);
    // How much of `alg` the present string is; and whether it was all of it.
    let (mut matched, mut key) = (None, false);
    for byte in json {
        if string {
            match byte {
                b'"' if !escaped => {
                    string = false;
                    key = depth == 1 && matched == Some(b"alg".len());
                }
                _ => {
                    matched = matched
                        .filter(|matched| b"alg".get(*matched) == Some(&byte))
                        .map(|matched| matched + 1);
                }
            }
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b':' if key => return true,
            b'"' => (string, matched) = (true, Some(0)),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            0..=8 | 14..=31 | 127.. => return false,
            _ => {}
        }
        key = key && byte.is_ascii_whitespace();
        if depth == 0 {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut encoded = String::new();
        for three in text.as_bytes().chunks(3) {
            let bits = three
                .iter()
                .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
                << (8 * (3 - three.len()));
            for at in 0..=three.len() {
                encoded.push(char::from(ALPHABET[bits >> (18 - 6 * at) & 63]));
            }
        }
        encoded
    }

    #[track_caller]
    fn check(header: &str, rest: &str, behind: &str, expected: bool) {
        let token_text = format!("{}{rest}", encode(header));
        let text = format!("id: {token_text}{behind}");
        let found = token(text.as_bytes(), 4).map(|range| &text[range]);
        assert_eq!(found, expected.then_some(token_text.as_str()), "{header}");
    }

    #[test]
    fn tokens_are_taken_whole() {
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        check(header, ".eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "", true);
        check(header, ".eyJzdWIiOiIxIn0.c2lnbmF0dXJl", ". And", true);
        check(header, ".eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "\"}", true);
        check(
            r#"{"typ":"JWT", "x":{"alg":1,"y":["\"}"]}, "alg" : "RS256"}"#,
            ".e30.c2ln",
            "",
            true,
        );
        check(r#"{"alg":"none"}"#, ".eyJzdWIiOiIxIn0.", "", true);
        check(
            r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
            ".a2V5.aXY.dGV4dA.dGFn",
            "",
            true,
        );
        check(
            r#"{"alg":"dir","enc":"A256GCM"}"#,
            "..aXY.dGV4dA.dGFn",
            "",
            true,
        );
        // Cut off.
        check(header, ".eyJzdWIi", "", true);
    }

    #[test]
    fn what_only_looks_like_a_token_is_none() {
        for header in [
            r#"{"typ":"JWT"}"#,
            r#"{"x":{"alg":1}}"#,
            r#"{"algo":1}"#,
            r#"{"x":"alg"}"#,
            r#"{"al\"g":1}"#,
            "{\"\u{1}alg\":1",
            "{\"x\":\u{1}\"alg\":1",
        ] {
            check(header, ".eyJzdWIiOiIxIn0.c2ln", "", false);
        }
        check(r#"{"alg":"HS256"}"#, "", "", false);
        check(r#"{"alg":"HS256"}"#, "", ". Then", false);
        let inner = format!("x{}.e30.c2ln", encode(r#"{"alg":"HS256"}"#));
        assert_eq!(token(inner.as_bytes(), 1), None);
    }
}
