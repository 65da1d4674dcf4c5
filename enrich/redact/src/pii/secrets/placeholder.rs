//! What stands where a secret would stand: masks, variables, names of what is to be put there.

/// Words that say that there is no value, or that it isn't shown.
const WORDS: &[&str] = &[
    "null",
    "nil",
    "none",
    "true",
    "false",
    "undefined",
    "redacted",
    "masked",
    "hidden",
    "filtered",
    "removed",
    "omitted",
    "sanitized",
    "empty",
    "unset",
    "n/a",
];

/// Whether this value is a placeholder: `****` and anything with three stars, `xxxx`, `<password>`, `[FILTERED]`,
/// `${PASSWORD}`, `{{ password }}`, `$(cat file)`, `$PASSWORD`, `%s`, `null`, `REDACTED`; and what this pipeline
/// writes for a hash, `k1:` and sixteen hexadecimal digits.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let filler = |byte: &u8| {
        // The last ones are what `•`, `…`, `█` and `●` are made of in UTF-8.
        matches!(byte, b'x' | b'X' | b'*' | b'.' | b'-' | b'_' | b'#' | b'?')
            || matches!(byte, 0xe2 | 0x80 | 0xa2 | 0xa6 | 0x96 | 0x88 | 0x97 | 0x8f)
    };
    let word = || {
        WORDS
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    value.iter().all(filler)
        || value.iter().all(|byte| value.first() == Some(byte))
        || value.windows(3).any(|three| three == b"***")
        || word()
        || template(value)
        || is_hash(value)
}

fn template(value: &[u8]) -> bool {
    let name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'.');
    match value {
        [b'$', b'{' | b'(', ..] | [b'{', b'{', ..] | [b'#' | b'%', b'{', ..] => true,
        [b'<', .., b'>'] | [b'[', .., b']'] | [b'{', .., b'}'] | [b'%', .., b'%'] => true,
        // `<your password>`, of which the value ends at the space.
        [b'<', rest @ ..] => rest.iter().all(name),
        [b'$', rest @ ..] => rest
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'),
        [b'%', b's' | b'd' | b'v' | b'q'] => true,
        _ => false,
    }
}

/// The id of a key, a colon, and sixteen hexadecimal digits.
fn is_hash(value: &[u8]) -> bool {
    let Some((id, [b':', hash @ ..])) = value.split_last_chunk::<17>() else {
        return false;
    };
    (1..=32).contains(&id.len())
        && id.iter().all(|byte| super::token::url_safe(*byte))
        && hash
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        for value in [
            "",
            "****",
            "abc***",
            "xxxxx",
            "XXXX-XXXX",
            "••••",
            "...",
            "<password>",
            "<your",
            "<API_KEY>",
            "[FILTERED]",
            "[REDACTED]",
            "${DB_PASSWORD}",
            "$(cat",
            "{{",
            "{{password}}",
            "{password}",
            "#{pass}",
            "$PASSWORD",
            "$1",
            "%s",
            "%PASSWORD%",
            "null",
            "None",
            "TRUE",
            "redacted",
            "1111",
            "k1:0123456789abcdef",
            "q3-2026:00112233445566ff",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in [
            "hunter2",
            "P@ssw0rd",
            "$ecret1",
            "<3flowers!",
            "x1",
            "k1:0123456789abcdeg",
            "a:b",
            "пароль",
            "%dollar",
            "truest",
            "password",
        ] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
