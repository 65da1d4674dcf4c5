//! The elements of a list or map in JSON, where they stand: one can then be parsed at a time, and be found again by its line.
//!
//! For a text that is known to be JSON; of another one the elements are anything.

/// The elements, in order.
pub(super) struct Elements<'t> {
    text: &'t [u8],
    /// Where to go on, and in which line that is.
    at: usize,
    line: usize,
    is_map: bool,
}

/// One element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element<'t> {
    /// In which it begins, from 1.
    pub(super) line: usize,
    /// In quotes, as it is written; `None`: of a list.
    pub(super) key: Option<&'t [u8]>,
    pub(super) value: &'t [u8],
}

impl<'t> Elements<'t> {
    /// `None`: the text is neither a list nor a map.
    pub(super) fn of(text: &'t [u8]) -> Option<Self> {
        let at = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let is_map = match text[at] {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let breaks = text[..at].iter().filter(|byte| **byte == b'\n');
        Some(Self {
            text,
            line: 1 + breaks.count(),
            at: at + 1,
            is_map,
        })
    }
}

impl<'t> Iterator for Elements<'t> {
    type Item = Element<'t>;

    fn next(&mut self) -> Option<Element<'t>> {
        let (mut start, mut line, mut colon) = (None, self.line, None);
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        for (at, &byte) in self.text.iter().enumerate().skip(self.at) {
            self.line += usize::from(byte == b'\n');
            let ends = !quoted && depth == 0 && matches!(byte, b',' | b'}' | b']');
            if ends {
                self.at = at + 1;
                let (from, text) = (start?, self.text);
                let (key, value) = match colon {
                    Some(colon) => (Some(&text[from..colon]), &text[colon + 1..at]),
                    None => (None, &text[from..at]),
                };
                return Some(Element { line, key, value });
            }
            if start.is_none() && !byte.is_ascii_whitespace() {
                start = Some(at);
                line = self.line;
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b':' if depth == 0 && self.is_map && colon.is_none() => colon = Some(at),
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str, &str)]) {
        let elements = Elements::of(text.as_bytes()).into_iter().flatten();
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let found: Vec<_> = elements
            .map(|found| {
                let key = found.key.map(shown).unwrap_or_default();
                (found.line, key, shown(found.value))
            })
            .collect();
        let found: Vec<_> = (found.iter())
            .map(|(line, key, value)| (*line, &**key, &**value))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn elements_are_found_with_their_lines() {
        check("[]", &[]);
        check(" {} ", &[]);
        check("7", &[]);
        check(
            "[1, [2, 3],\n\n{\"a\": [\"]\"]}\n]",
            &[(1, "", "1"), (1, "", "[2, 3]"), (3, "", "{\"a\": [\"]\"]}")],
        );
        check(
            "\n{\"a:,\\\"}\": \"x:y\",\n \"b\": {\"c\": 1}}",
            &[(2, "\"a:,\\\"}\"", "\"x:y\""), (3, "\"b\"", "{\"c\": 1}")],
        );
    }
}
