//! Text that is almost JSON, as clients really send it: half characters, bytes that are not UTF-8, numbers beyond what a double holds.
//!
//! Languages whose strings are UTF-16 cut them in the middle of a character and write the half as an escape. Readers of JSON refuse the whole
//! text for it; here each such place becomes U+FFFD, as in the Collector, and costs its neighbours nothing.

use std::borrow::Cow;

/// The bytes that [`mend`] writes, at most.
pub fn mended_len(json: &[u8]) -> usize {
    let chunks = json.utf8_chunks();
    chunks
        .map(|chunk| chunk.valid().len() + 3 * usize::from(!chunk.invalid().is_empty()))
        .sum()
}

/// The text mended; `None` if nothing is to mend in it.
pub fn mend(json: &[u8]) -> Option<Vec<u8>> {
    let mut text = Cow::Borrowed(json);
    if std::str::from_utf8(json).is_err() {
        text = Cow::Owned(String::from_utf8_lossy(json).into_owned().into_bytes());
    }
    let mut at = 0;
    while let Some(lone) = lone_surrogate(&text, at) {
        text.to_mut()[lone + 2..lone + 6].copy_from_slice(b"fffd");
        at = lone + 6;
    }
    at = 0;
    while let Some((start, end)) = overflow(&text, at) {
        // A string that is no number: wrong for its field, and no longer for the text.
        let number = &mut text.to_mut()[start..end];
        number.fill(b'?');
        number[0] = b'"';
        number[end - start - 1] = b'"';
        at = end;
    }
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(mended) => Some(mended),
    }
}

/// Where the next `\ud800` to `\udfff` begins that is not half of a pair.
fn lone_surrogate(text: &[u8], mut at: usize) -> Option<usize> {
    while let Some(found) = text.get(at..)?.iter().position(|byte| *byte == b'\\') {
        at += found;
        match utf16_escape(text, at) {
            None => at += 2,
            Some(0xd800..0xdc00) if matches!(utf16_escape(text, at + 6), Some(0xdc00..0xe000)) => {
                at += 12;
            }
            Some(0xd800..0xe000) => return Some(at),
            Some(_) => at += 6,
        }
    }
    None
}

/// The value of `\uXXXX` at this place.
fn utf16_escape(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(value << 4 | digit as u16)
    })
}

/// The next number outside of strings that no double can hold.
fn overflow(text: &[u8], mut at: usize) -> Option<(usize, usize)> {
    while let Some(&byte) = text.get(at) {
        let start = at;
        match byte {
            b'"' => at = string_end(text, at + 1),
            b'-' | b'0'..=b'9' => {
                let rest = text[at..].iter();
                at += rest.take_while(|byte| is_of_number(**byte)).count();
                let number = std::str::from_utf8(&text[start..at]).ok()?;
                if number.parse().is_ok_and(f64::is_infinite) {
                    return Some((start, at));
                }
            }
            _ => at += 1,
        }
    }
    None
}

fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mended_and_what_is_not() {
        let check = |text: &[u8], mended: Option<&[u8]>| {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(mend(text).as_deref(), mended, "{shown}");
            assert!(mended.is_none_or(|mended| mended.len() <= mended_len(text)));
        };
        check(b"", None);
        check(
            br#"{"a":"\ud83d\ude00 \\ud83d \u0041 1e999","b":-1e308}"#,
            None,
        );
        check(br#""\ud83d""#, Some(br#""\ufffd""#));
        check(br#""\ude00\uD83D""#, Some(br#""\ufffd\ufffd""#));
        check(br#""\ud83d\ud83d\ude00""#, Some(br#""\ufffd\ud83d\ude00""#));
        check(br#""\\\ud83dx\u00""#, Some(br#""\\\ufffdx\u00""#));
        check(
            b"\"a\xffb\xed\xa0\xbd\"",
            Some("\"a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\"".as_bytes()),
        );
        check(
            br#"{"a\"":[1e999,-1e309,"1e999"]}"#,
            Some(br#"{"a\"":["???","????","1e999"]}"#),
        );
    }
}
