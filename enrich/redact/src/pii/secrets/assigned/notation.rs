//! How assignments are written: where the name before a separator begins, and where the value behind it ends.

use std::ops::Range;

const NAME_BYTES_MAX: usize = 64;
/// Of a value by which it is judged.
pub(super) const JUDGED_BYTES_MAX: usize = 512;
/// Of blanks and quotes on each side of the separator.
const AROUND_BYTES_MAX: usize = 8;

/// The text that ends with the name before the separator; around that may stand quotes, also escaped ones, and blanks.
pub(super) fn up_to_name(text: &[u8], separator: usize) -> &[u8] {
    let mut end = separator;
    // `:=`, `==`, `?=`; `!=` assigns nothing.
    if end > 0 && text[end] == b'=' && matches!(text[end - 1], b':' | b'=' | b'?') {
        end -= 1;
    }
    let before = &text[end.saturating_sub(AROUND_BYTES_MAX)..end];
    let around = before
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']'))
        .count();
    end -= around;
    &text[end.saturating_sub(NAME_BYTES_MAX)..end]
}

/// A value, as far as it is looked at before it is known to be a secret.
pub(super) struct Value {
    from: usize,
    judged_to: usize,
    /// How many backslashes stand before the quote that it is in, and the quote.
    quote: Option<(usize, u8)>,
    whole: bool,
}

impl Value {
    pub(super) fn after(text: &[u8], separator: usize) -> Option<Self> {
        let mut from = separator + 1;
        // `==`, `:=`, `=>`.
        if matches!(
            (text[separator], text.get(from)),
            (_, Some(b'=')) | (b'=', Some(b'>'))
        ) {
            from += 1;
        }
        from += count(text, from, |byte| matches!(byte, b' ' | b'\t'));
        let backslashes = count(text, from, |byte| byte == b'\\');
        let quote = match text.get(from + backslashes) {
            Some(quote @ (b'"' | b'\'' | b'`')) => Some((backslashes, *quote)),
            _ => None,
        };
        if quote.is_some() {
            from += backslashes + 1;
        }
        let limit = text.len().min(from + JUDGED_BYTES_MAX);
        let mut value = Self {
            from,
            judged_to: limit,
            quote,
            whole: true,
        };
        match value.end_within(&text[..limit]) {
            Some(end) => value.judged_to = end,
            None if limit == text.len() => value.judged_to = value.closed(text, limit),
            None => value.whole = false,
        }
        (from < value.judged_to).then_some(value)
    }

    /// What is judged of the value.
    pub(super) fn judged<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.from..self.judged_to]
    }

    pub(super) fn is_quoted(&self) -> bool {
        self.quote.is_some()
    }

    /// The whole value, however long it is.
    pub(super) fn range(&self, text: &[u8]) -> Range<usize> {
        let end = || {
            self.end_within(text)
                .unwrap_or_else(|| self.closed(text, text.len()))
        };
        self.from..if self.whole { self.judged_to } else { end() }
    }

    /// Where the value ends: before its quote, or, if it is in none, before what separates words. `None`: not within
    /// this text.
    fn end_within(&self, text: &[u8]) -> Option<usize> {
        let mut backslashes = 0;
        for (at, byte) in text.iter().enumerate().skip(self.from) {
            match self.quote {
                Some((escapes, quote)) if *byte == quote && backslashes == escapes => {
                    return Some(at - escapes);
                }
                Some(_) => {}
                None if matches!(byte, b'&' | b',' | b';' | b'"' | b'\'' | b'`' | 0..=b' ') => {
                    return Some(self.closed(text, at - backslashes));
                }
                None if backslashes == 1 && matches!(byte, b'n' | b'r' | b't' | b'u') => {
                    return Some(self.closed(text, at - 1));
                }
                None => {}
            }
            backslashes = if *byte == b'\\' { backslashes + 1 } else { 0 };
        }
        None
    }

    /// Without the brackets at the end that close what was opened before the value: `{password=hunter2}`.
    fn closed(&self, text: &[u8], mut to: usize) -> usize {
        for _ in 0..AROUND_BYTES_MAX {
            let value = &text[self.from.min(to)..to];
            let (open, close) = match value.last() {
                Some(b')') if self.quote.is_none() => (b'(', b')'),
                Some(b']') if self.quote.is_none() => (b'[', b']'),
                Some(b'}') if self.quote.is_none() => (b'{', b'}'),
                _ => break,
            };
            let times = |bracket: u8| value.iter().filter(|byte| **byte == bracket).count();
            if times(open) >= times(close) {
                break;
            }
            to -= 1;
        }
        to
    }
}

fn count(text: &[u8], from: usize, counted: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.iter()
        .take(AROUND_BYTES_MAX)
        .take_while(|byte| counted(**byte))
        .count()
}
