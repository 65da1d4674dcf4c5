//! Patterns that are replaced wherever they stand in a text.

use std::borrow::Cow;
use std::fmt;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder, bytes};

use super::redaction::{At, Mask, Problems};

/// Of one compiled pattern. `[\w.]{1,64}` takes about 1 MiB.
const COMPILED_BYTES_MAX: usize = 4 << 20;
/// Of the lazily built automaton of one pattern; beyond it matching goes on, more slowly.
const AUTOMATON_BYTES_MAX: usize = 4 << 20;
const PATTERN_BYTES_MAX: usize = 16 << 10;

/// One pattern. The same expression twice: strings must stay UTF-8, bytes values are searched as they are.
#[derive(Clone)]
struct Compiled {
    name: String,
    strings: Regex,
    bytes: bytes::Regex,
    with: String,
}

/// All patterns, in the order in which they are applied.
#[derive(Clone, Default)]
pub(crate) struct Masks {
    masks: Vec<Compiled>,
    /// All patterns at once: nearly every text matches none. `None` for fewer than two, where it would cost and not save.
    any: Option<RegexSet>,
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.masks.iter().map(|mask| &mask.name))
            .finish()
    }
}

impl Masks {
    pub(crate) fn compile(asked: &[Mask], problems: &mut Problems) -> Self {
        let mut masks: Vec<Compiled> = Vec::new();
        for (index, mask) in asked.iter().enumerate() {
            if mask.name.is_empty() {
                problems.push(At::MaskName(index), "is empty; give the pattern a name");
            } else if masks.iter().any(|known| known.name == mask.name) {
                let message = format!("is taken: there are two patterns named {:?}", mask.name);
                problems.push(At::MaskName(index), message);
            }
            if let Some(mask) = Compiled::compile(mask, index, problems) {
                masks.push(mask);
            }
        }
        let any = (masks.len() > 1)
            .then(|| {
                RegexSetBuilder::new(masks.iter().map(|mask| mask.strings.as_str()))
                    .size_limit(COMPILED_BYTES_MAX * masks.len())
                    .dfa_size_limit(AUTOMATON_BYTES_MAX * masks.len())
                    .build()
                    .ok()
            })
            .flatten();
        Self { masks, any }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.masks.iter().map(|mask| mask.name.as_str())
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.any {
            Some(any) => any.is_match(text),
            None => self.masks.iter().any(|mask| mask.strings.is_match(text)),
        }
    }

    /// The text with every match of every pattern replaced, the patterns applied one after the other; `hit` is told the
    /// index of each pattern that matched. `None`: nothing matched.
    pub(crate) fn apply(&self, text: &str, mut hit: impl FnMut(usize)) -> Option<String> {
        if !self.matches(text) {
            return None;
        }
        let mut masked = Cow::Borrowed(text);
        for (index, mask) in self.masks.iter().enumerate() {
            if let Cow::Owned(replaced) = mask.strings.replace_all(&masked, mask.with.as_str()) {
                masked = Cow::Owned(replaced);
                hit(index);
            }
        }
        match masked {
            Cow::Owned(masked) => Some(masked),
            Cow::Borrowed(_) => None,
        }
    }

    /// As [`Masks::apply`], for bytes that may hold text.
    pub(crate) fn apply_bytes(&self, bytes: &[u8], mut hit: impl FnMut(usize)) -> Option<Vec<u8>> {
        let mut masked = Cow::Borrowed(bytes);
        for (index, mask) in self.masks.iter().enumerate() {
            if let Cow::Owned(replaced) = mask.bytes.replace_all(&masked, mask.with.as_bytes()) {
                masked = Cow::Owned(replaced);
                hit(index);
            }
        }
        match masked {
            Cow::Owned(masked) => Some(masked),
            Cow::Borrowed(_) => None,
        }
    }
}

impl Compiled {
    fn compile(mask: &Mask, index: usize, problems: &mut Problems) -> Option<Self> {
        let at = At::MaskPattern(index);
        if mask.pattern.len() > PATTERN_BYTES_MAX {
            let message = format!("is longer than {PATTERN_BYTES_MAX} bytes; split it");
            problems.push(at, message);
            return None;
        }
        let strings = RegexBuilder::new(&mask.pattern)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(AUTOMATON_BYTES_MAX)
            .build();
        let strings = match strings {
            Ok(strings) => strings,
            Err(error) => {
                problems.push(at, format!("is not a usable pattern: {}", reason(&error)));
                return None;
            }
        };
        if strings.is_match("") {
            problems.push(
                at,
                "matches the empty text, so it would match everywhere; use + instead of *",
            );
            return None;
        }
        if let Some(group) = unknown_group(&mask.with, &strings) {
            problems.push(
                At::MaskWith(index),
                format!(
                    "names the group {group:?}, which the pattern doesn't have; write ${{1}} for a group, $$ for a dollar sign"
                ),
            );
        }
        let bytes = bytes::RegexBuilder::new(&mask.pattern)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(AUTOMATON_BYTES_MAX)
            .build();
        match bytes {
            Ok(bytes) => Some(Self {
                name: mask.name.clone(),
                strings,
                bytes,
                with: mask.with.clone(),
            }),
            Err(error) => {
                problems.push(at, format!("is not a usable pattern: {}", reason(&error)));
                None
            }
        }
    }
}

/// In one line: the report marks the pattern itself.
pub(crate) fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// A group that the replacement names and the pattern lacks: `regex` would put nothing there, silently. The same
/// reading of `$name` and `${name}` as [`regex::Captures::expand`].
fn unknown_group(with: &str, pattern: &Regex) -> Option<String> {
    let mut rest = with;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
            continue;
        }
        let name = match rest.strip_prefix('{').and_then(|name| name.split_once('}')) {
            Some((name, _)) => name,
            None => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                &rest[..end]
            }
        };
        let known = match name.parse::<usize>() {
            Ok(number) => number < pattern.captures_len(),
            Err(_) => name.is_empty() || pattern.capture_names().flatten().any(|n| n == name),
        };
        if !known {
            return Some(name.to_owned());
        }
        rest = &rest[name.len()..];
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn compile(masks: &[(&str, &str, &str)]) -> (Masks, Vec<(At, String)>) {
        let asked: Vec<Mask> = masks
            .iter()
            .map(|(name, pattern, with)| Mask {
                name: (*name).into(),
                pattern: (*pattern).into(),
                with: (*with).into(),
            })
            .collect();
        let mut problems = Problems::default();
        let masks = Masks::compile(&asked, &mut problems);
        let problems = problems.into_result(()).err().unwrap_or_default();
        let problems = problems.into_iter().map(|found| (found.at, found.message));
        (masks, problems.collect())
    }

    #[track_caller]
    fn check(masks: &[(&str, &str, &str)], text: &str, expected: Option<(&str, &[usize])>) {
        let (masks, problems) = compile(masks);
        assert!(problems.is_empty(), "{problems:?}");
        let mut hits = Vec::new();
        let masked = masks.apply(text, |index| hits.push(index));
        let mut byte_hits = Vec::new();
        let masked_bytes = masks.apply_bytes(text.as_bytes(), |index| byte_hits.push(index));
        assert_eq!(
            masked.as_deref().map(|text| (text, hits.as_slice())),
            expected
        );
        assert_eq!(masked.map(String::into_bytes), masked_bytes);
        assert_eq!(hits, byte_hits);
    }

    #[test]
    fn masks_each_match_and_tells_which_pattern() {
        let email = ("email", r"[\w.+-]+@[\w-]+\.[\w.]+", "****");
        let card = ("card", r"\b(\d{4})\d{8,11}(\d{4})\b", "$1…${2}");
        check(
            &[email],
            "to a@b.cd and e@f.gh",
            Some(("to **** and ****", &[0])),
        );
        check(&[email], "nothing here", None);
        check(
            &[email, card],
            "4111111111111111",
            Some(("4111…1111", &[1])),
        );
        check(
            &[email, card],
            "ä@ö.de 4111111111111111",
            Some(("**** 4111…1111", &[0, 1])),
        );
    }

    #[test]
    fn later_patterns_see_what_earlier_ones_wrote() {
        check(
            &[("a", "a", "b"), ("b", "b", "c")],
            "ab",
            Some(("cc", &[0, 1])),
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_searched() {
        let (masks, _) = compile(&[("email", r"[\w.]+@[\w.]+", "*")]);
        assert_eq!(
            masks.apply_bytes(b"\xff\x00a@b.cd\xfe", |_| {}),
            Some(b"\xff\x00*\xfe".to_vec())
        );
    }

    #[track_caller]
    fn refused(name: &str, pattern: &str, with: &str, at: At, expected: &str) {
        let (_, problems) = compile(&[(name, pattern, with)]);
        let [(found, problem)] = problems.as_slice() else {
            panic!("expected one problem, found {problems:?}");
        };
        assert_eq!(*found, at);
        assert!(problem.starts_with(expected), "{problem}");
    }

    #[test]
    fn bad_patterns_are_problems() {
        refused("", "a", "", At::MaskName(0), "is empty");
        refused(
            "x",
            "(",
            "",
            At::MaskPattern(0),
            "is not a usable pattern: unclosed group",
        );
        refused(
            "x",
            r"\w{1000}{1000}",
            "",
            At::MaskPattern(0),
            "is not a usable pattern",
        );
        refused(
            "x",
            "(?-u:\\xff)",
            "",
            At::MaskPattern(0),
            "is not a usable pattern",
        );
        refused("x", "a*", "", At::MaskPattern(0), "matches the empty text");
        refused("x", "(a)", "$2", At::MaskWith(0), "names the group \"2\"");
        refused("x", "(a)", "$1_", At::MaskWith(0), "names the group \"1_\"");
        refused(
            "x",
            &"a".repeat(PATTERN_BYTES_MAX + 1),
            "",
            At::MaskPattern(0),
            "is longer",
        );
        let (_, problems) = compile(&[("x", "a", ""), ("x", "b", "")]);
        assert_eq!(
            problems,
            [(
                At::MaskName(1),
                "is taken: there are two patterns named \"x\"".to_owned()
            )]
        );
    }
}
