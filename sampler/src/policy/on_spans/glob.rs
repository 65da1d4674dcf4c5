//! Simple globs: `*` stands for any text, everything else for itself.

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Glob {
    /// What stands between the stars.
    parts: Vec<Box<[u8]>>,
}

impl Glob {
    pub(in crate::policy) fn new(pattern: &str) -> Self {
        let parts = pattern.as_bytes().split(|&byte| byte == b'*');
        Self {
            parts: parts.map(Into::into).collect(),
        }
    }

    pub(in crate::policy) fn matches(&self, text: &[u8]) -> bool {
        let [first, middle @ .., last] = &self.parts[..] else {
            return self.parts.iter().all(|part| **part == *text);
        };
        let Some(mut rest) = text.strip_prefix(&**first) else {
            return false;
        };
        // The leftmost place is the best one: it leaves most to the parts that follow.
        for part in middle.iter().filter(|part| !part.is_empty()) {
            let found = rest
                .windows(part.len())
                .position(|window| *window == **part);
            let Some(at) = found else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let glob = Glob::new(pattern);
        for text in matching {
            assert!(glob.matches(text.as_bytes()), "{pattern} and {text}");
        }
        for text in others {
            assert!(!glob.matches(text.as_bytes()), "{pattern} and {text}");
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        check("payment", &["payment"], &["payments", "", "a payment"]);
        check(
            "GET /healthz*",
            &["GET /healthz", "GET /healthz/live"],
            &["GET /health", "POST /healthz"],
        );
        check(
            "*.internal",
            &["a.internal", ".internal"],
            &["internal", "a.internal."],
        );
        check("a*b*c", &["abc", "a-b-c", "abbcc"], &["acb", "ab", "abcd"]);
        check("a*a", &["aa", "aba"], &["a"]);
        check("*", &["", "x"], &[]);
        check("", &[""], &["x"]);
        check("**x*", &["x", "axb"], &["", "y"]);
    }
}
