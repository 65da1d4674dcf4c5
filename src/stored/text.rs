//! Foreign text on a terminal: no control characters, and not without end.

/// A reason in a list.
pub const CHARS_MAX: usize = 100;

pub fn plain(text: &str, chars_max: usize) -> String {
    let mut chars = text.chars();
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut plain: String = (chars.by_ref().take(chars_max))
        .map(|c| if is_odd(c) { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        plain.push('…');
    }
    plain
}

/// `2026-11-29T12:00:00Z`.
pub fn time(unix_ms: u64) -> String {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(unix_ms / 1000);
    humantime::format_rfc3339_seconds(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(plain("a\x1b[2J\nb\u{202e}c", 99), "a [2J b c");
        assert_eq!(plain("abc", 2), "ab…");
        assert_eq!(time(1_700_000_000_123), "2023-11-14T22:13:20Z");
    }
}
