//! Patterns in the notation of Go's `regexp`, which the Collector's configurations are written in, for an engine whose notation differs in details.
//!
//! In Go `\d`, `\w`, `\s` and `\b` know ASCII only, a `{` that begins no repetition is itself, `\Q…\E` is literal, and nothing inside of
//! brackets is an operator on sets. Both engines take linear time.

/// The same pattern in this engine's notation.
pub fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_brackets = false;
    while let Some(character) = rest.chars().next() {
        if let Some(literal) = rest.strip_prefix("\\Q").filter(|_| !in_brackets) {
            let (literal, after) = literal.split_once("\\E").unwrap_or((literal, ""));
            out.push_str(&regex::escape(literal));
            rest = after;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => {
                let Some(escaped) = rest.chars().next() else {
                    out.push('\\');
                    break;
                };
                rest = &rest[escaped.len_utf8()..];
                escape(escaped, in_brackets, &mut out);
            }
            '[' if !in_brackets => {
                in_brackets = true;
                out.push('[');
                if let Some(after) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = after;
                }
                // A bracket that comes first is a member.
                if let Some(after) = rest.strip_prefix(']') {
                    out.push_str("\\]");
                    rest = after;
                }
            }
            '[' if !rest.starts_with(':') => out.push_str("\\["),
            '[' => {
                let end = rest.find(":]").map_or(rest.len(), |end| end + 2);
                out.push('[');
                out.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            ']' => {
                in_brackets = false;
                out.push(']');
            }
            '&' | '~' if in_brackets => out.extend(['\\', character]),
            '-' if in_brackets && rest.starts_with('-') => out.push_str("\\-"),
            '{' if !in_brackets && !is_repetition(rest) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    out
}

/// What a backslash makes of the character behind it.
fn escape(escaped: char, in_brackets: bool, out: &mut String) {
    match escaped {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        'b' if !in_brackets => out.push_str("(?-u:\\b)"),
        other => out.extend(['\\', other]),
    }
}

/// `3}`, `3,}` or `3,4}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else {
        return false;
    };
    let (least, most) = inside.split_once(',').unwrap_or((inside, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    /// Whether a text is matched, as by Go.
    #[track_caller]
    fn check(pattern: &str, matched: &[&str], unmatched: &[&str]) {
        let regex = Regex::new(&translated(pattern));
        let regex = regex.unwrap_or_else(|error| panic!("{pattern}: {error}"));
        for text in matched {
            assert!(regex.is_match(text), "{pattern} on {text:?}");
        }
        for text in unmatched {
            assert!(!regex.is_match(text), "{pattern} on {text:?}");
        }
    }

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        check(r"^\d\w\s$", &["1a ", "2_\t"], &["1é ", "٣a "]);
        check(r"^[\d.-]+$", &["1.2-3"], &["a"]);
        check(r"^[^\w]$", &["é", "-"], &["a"]);
        check(r"\bx\b", &["éx é", "a x"], &["ax"]);
        check(r#"^{"a": \d}$"#, &[r#"{"a": 1}"#], &["a"]);
        check("^a{2}b{1,}$", &["aabb"], &["aab{"]);
        check("a{,2}", &["a{,2}"], &["aa"]);
        check(r"^\Qa.b[\E+$", &["a.b["], &["axb["]);
        check("^[[&&~~a]+$", &["[&~a"], &["b"]);
        check("^[]a]+$", &["]a"], &["b"]);
        check("^[^]]$", &["a"], &["]"]);
        check("^[[:alpha:]x]+$", &["abc"], &["1", "["]);
    }
}
