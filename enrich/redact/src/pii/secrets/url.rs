//! Passwords in URLs: `scheme://user:password@host`, RFC 3986, section 3.2.1.

use std::ops::Range;

use super::placeholder::is_placeholder;

/// Of what stands between `://` and the `@`.
const USER_INFO_BYTES_MAX: usize = 512;

/// The password of the URL whose `://` stands at `at`. The user's name stays.
///
/// Characters that should have been escaped (`/`, `?`, `#`, `@`) may stand in the password, as long as what is before
/// them isn't a port.
pub(crate) fn password(text: &[u8], at: usize) -> Option<Range<usize>> {
    behind(text, at + "://".len())
}

/// The same for `:\/\/`, as some write JSON.
pub(crate) fn password_escaped(text: &[u8], at: usize) -> Option<Range<usize>> {
    behind(text, at + r":\/\/".len())
}

fn behind(text: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let rest = &rest[..rest.len().min(USER_INFO_BYTES_MAX)];
    // Nearly every URL is done with here: it has no user, or no password, or a port.
    let user = rest.iter().position(|byte| {
        matches!(byte, b':' | b'@' | b'/' | b'?' | b'#' | b'[') || breaks(*byte)
    })?;
    if rest[user] != b':' {
        return None;
    }
    let start = user + 1;
    let port = rest[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if rest
        .get(start + port)
        .is_none_or(|byte| b"/?#,;)]}&|".contains(byte) || breaks(*byte))
    {
        return None;
    }
    // To the last `@` of what is the authority by the standard; if there is none, of what isn't blank.
    let after = &rest[start..];
    let loose = &after[..after
        .iter()
        .position(|byte| breaks(*byte))
        .unwrap_or(after.len())];
    let strict = &loose[..loose
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(loose.len())];
    let last = |part: &[u8]| part.iter().rposition(|byte| *byte == b'@');
    let length = last(strict).or_else(|| last(loose))?;
    let found = start..start + length;
    (length > 0 && !is_placeholder(&rest[found.clone()]))
        .then_some(from + found.start..from + found.end)
}

/// What ends a URL in any text.
fn breaks(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let at = text.find("://").expect("a URL");
        let found = password(text.as_bytes(), at).map(|range| &text[range]);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn passwords_in_urls() {
        for (text, password) in [
            ("postgres://app:hunter2@db:5432/orders", "hunter2"),
            ("\"url\":\"https://user:p%40ss@example.org/x\"", "p%40ss"),
            ("redis://:secret1@cache", "secret1"),
            ("amqp://u:p@ss@host/", "p@ss"),
            ("mysql://u:pa/ss#1@host/db", "pa/ss#1"),
            ("mongodb+srv://u:pw1@h1,h2/?x=a@b", "pw1"),
            ("http://u:1234@host:80/", "1234"),
            ("ftp://anonymous:guest@host", "guest"),
        ] {
            check(text, Some(password));
        }
    }

    #[test]
    fn escaped_slashes() {
        let text = r#"{"url":"https:\/\/user:p%40ss@example.org\/x"}"#;
        assert_eq!(password_escaped(text.as_bytes(), 13), Some(23..29));
        assert_eq!(&text[23..29], "p%40ss");
        let text = r#"{"url":"https:\/\/example.org:80\/@x"}"#;
        assert_eq!(password_escaped(text.as_bytes(), 13), None);
    }

    #[test]
    fn urls_without_passwords() {
        for text in [
            "https://example.org/a:b@c",
            "https://example.org:8080/users/ann@example.org",
            "https://host:443?to=ann@example.org",
            "https://user@host/",
            "https://user:@host/",
            "postgres://app:****@db/orders",
            "postgres://app:xxxxx@db",
            "postgres://app:${PASSWORD}@db",
            "https://u:<password>@h",
            "https://u:k1:0123456789abcdef@h",
            "https://host:80",
            "kafka://h1:9092,h2:9092/topic@x",
            "jdbc:sqlserver://host:1433;user=y@z",
            "git+ssh://git@host:org/repo@v1",
            "http://[::1]:80/@x",
            "https://registry.npmjs.org/@scope/pkg",
            "https://u:p @h",
            "://",
        ] {
            check(text, None);
        }
    }
}
