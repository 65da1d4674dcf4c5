//! Private keys in PEM: RFC 7468, and the older forms of OpenSSL, OpenSSH and PGP.

use std::ops::Range;

/// Of what stands between `-----BEGIN ` and the dashes after it.
const LABEL_BYTES_MAX: usize = 64;
/// What a key begins with at least; less is talk of a key (`expecting: PRIVATE KEY`).
const KEY_BYTES_MIN: usize = 16;

/// From `-----BEGIN … PRIVATE KEY-----` to the end of its `-----END …-----`, or of the text if that was cut off. Line
/// breaks may be escaped, as they are in JSON.
pub(super) fn private_key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let label_from = at + "-----BEGIN ".len();
    let rest = text.get(label_from..)?;
    let label = rest
        .iter()
        .take(LABEL_BYTES_MAX)
        .take_while(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '))
        .count();
    let name = &rest[..label];
    if !(name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK"))
        || !rest[label..].starts_with(b"-----")
    {
        return None;
    }
    let body = label_from + label + 5;
    begins_key(&text[body..]).then(|| at..end(text, body))
}

/// Whether key material follows, or one of the headers that may stand before it.
fn begins_key(body: &[u8]) -> bool {
    let mut rest = body;
    // A line break, or one that is escaped, once or twice; at most this many bytes of them.
    while let [b'\n' | b'\r' | b' ' | b'\t' | b'\\', after @ ..] = rest {
        rest = match rest {
            [b'\\', b'n' | b'r' | b't', after @ ..] => after,
            _ => after,
        };
        if body.len() - rest.len() > 32 {
            return false;
        }
    }
    let headers = [
        &b"Proc-Type:"[..],
        b"DEK-Info:",
        b"Version:",
        b"Comment:",
        b"Hash:",
        b"Charset:",
    ];
    let base64 = rest
        .iter()
        .take(KEY_BYTES_MIN)
        .take_while(|byte| super::token::base64(**byte) || **byte == b'=')
        .count();
    base64 == KEY_BYTES_MIN || headers.iter().any(|header| rest.starts_with(header))
}

fn end(text: &[u8], body: usize) -> usize {
    let end_line = b"-----END ";
    let Some(found) = text[body..]
        .windows(end_line.len())
        .position(|window| window == end_line)
    else {
        return text.len();
    };
    let label = body + found + end_line.len();
    let dashes = text[label..]
        .iter()
        .take(LABEL_BYTES_MAX)
        .position(|byte| *byte == b'-');
    let Some(dashes) = dashes else {
        return text.len().min(label + LABEL_BYTES_MAX);
    };
    let last = text[label + dashes..]
        .iter()
        .take(5)
        .take_while(|byte| **byte == b'-')
        .count();
    label + dashes + last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        // What keeps scanners from taking these lines for keys.
        let text = &text.replace('¦', "");
        let at = text.find("-----BEGIN ").expect("a first line");
        let found = private_key(text.as_bytes(), at).map(|range| &text[range]);
        assert_eq!(found, expected);
    }

    /// A key of this label; no key, so that nothing takes it for one.
    fn key(label: &str, newline: &str) -> String {
        let line = "MIIEvQIBADANBgkqhkiG9w0B".repeat(2);
        [
            "-----BEGIN ",
            label,
            "-----",
            newline,
            &line,
            newline,
            &line,
            newline,
            "-----END ",
            label,
            "-----",
        ]
        .concat()
    }

    #[test]
    fn keys_are_taken_whole() {
        for label in [
            "PRIVATE KEY",
            "RSA PRIVATE KEY",
            "EC PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        ] {
            for newline in ["\n", "\r\n", "\\n", "\\\\n", "\\r\\n", "\n    ", ""] {
                let key = key(label, newline);
                check(&format!("key: \"{key}\", other"), Some(&key));
            }
        }
        let cut = &key("RSA PRIVATE KEY", "\n")[..60];
        check(&format!("x {cut}"), Some(cut));
        let header = "-----BEGIN RSA PRIVATE KEY----¦-\nProc-Type: 4,ENCRYPTED\n";
        check(header, Some(&header.replace('¦', "")));
    }

    #[test]
    fn talk_of_keys_is_none() {
        for text in [
            "PEM: no start line: expecting ---¦--BEGIN PRIVATE KEY----- at line 1",
            "---¦--BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----",
            "---¦--BEGIN OPENSSH PRIVATE KEY----------END OPENSSH PRIVATE KEY-----",
            "---¦--BEGIN PRIVATE KEY",
            "---¦--BEGIN PRIVATE KEY-----",
            "-----BEGIN ",
        ] {
            check(text, None);
        }
        check(&key("CERTIFICATE", "\n"), None);
        check(&key("PUBLIC KEY", "\n"), None);
    }
}
