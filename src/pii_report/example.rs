//! An example of what was found, as a person may see it: its shape, a few of its characters, and never the whole.

const CHARS_MAX: usize = 40;

/// One letter or digit in eight stays at each end, two at most, and what stands between words; all others become `*`.
pub fn masked(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let total = text.chars().filter(|c| c.is_alphanumeric()).count();
    let keeps = (total / 8).min(2);
    let mut number = 0;
    let mut masked: String = (text.chars())
        .map(|c| match c {
            _ if c.is_alphanumeric() => {
                number += 1;
                let shown = number <= keeps || number > total - keeps;
                if shown { c } else { '*' }
            }
            ' ' | '-' | '.' | '@' | ':' | '/' | '+' | '(' | ')' | '_' | '=' | '&' | '?' => c,
            _ => '*',
        })
        .collect();
    if masked.chars().count() > CHARS_MAX {
        masked = masked.chars().take(CHARS_MAX).chain("…".chars()).collect();
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_shape() {
        for (value, expected) in [
            ("ann@example.org", "a**@*******.**g"),
            ("4111 1111 1111 1111", "41** **** **** **11"),
            ("1234567", "*******"),
            ("12345678", "1******8"),
            ("+1 (212) 555-0199", "+1 (***) ***-***9"),
            ("\x1b[2Jab", "***J**".replace('J', "*").as_str()),
            ("", ""),
        ] {
            assert_eq!(masked(value.as_bytes()), expected);
        }
        assert_eq!(masked(&[b'a'; 90]).chars().count(), CHARS_MAX + 1);
        assert_eq!(masked(b"\xff\xfe"), "**");
    }

    /// Whatever the value, most of it is hidden.
    #[test]
    fn never_shows_all() {
        for length in 1..60 {
            let value: Vec<u8> = (0..length).map(|at| b'a' + at % 26).collect();
            let shown = masked(&value);
            let shown = shown.chars().filter(|c| c.is_alphanumeric()).count();
            assert!(shown * 4 <= value.len(), "{length}");
        }
    }
}
