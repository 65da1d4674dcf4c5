//! E-mail addresses, from their `@` (or `%40`) to both sides.
//!
//! Of RFC 5321 a mailbox of plain atoms, with the letters of RFC 6531. Quoted local parts and address literals
//! (`a@[192.0.2.1]`) are not looked for: in telemetry they are rarer than what they would be mistaken for. Of the
//! atoms' characters those are left out that stand beside addresses far more often than in them: `= / ? & { } | * `
//! and the backtick; an apostrophe counts between letters only.

#[cfg(test)]
mod tests;

use std::ops::Range;

/// RFC 5321, section 4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
/// RFC 5321, section 4.5.3.1.2, less what frames it.
const DOMAIN_BYTES_MAX: usize = 253;
/// RFC 1035, section 2.3.4.
const LABEL_BYTES_MAX: usize = 63;
/// The longest of the root zone, `xn--vermgensberatung-pwb`.
const TOP_LEVEL_BYTES_MAX: usize = 24;
/// Suffixes of files and of systemd's units, none of which is a top level domain: `logo@2x.png`, `user@1000.service`.
#[rustfmt::skip]
const NO_TLD: &[&str] = &[
    "service", "socket", "device", "mount", "automount", "swap", "path", "timer", "slice", "scope", "png", "jpg", "jpeg", "gif", "svg",
    "webp", "pdf", "js", "css", "html", "json", "yaml", "yml", "xml", "txt", "log", "jar", "exe", "dll", "class",
];

/// The address whose `@` stands at `at`.
///
/// Chance: none of digits. `git@github.com` passes, as it has the form of an address.
pub(crate) fn email(text: &[u8], at: usize) -> Option<Range<usize>> {
    (text.get(at) == Some(&b'@')).then_some(())?;
    around(text, at, at + 1, false)
}

/// The address whose `@` is written `%40`, as in a URL, given where that begins.
pub(crate) fn email_encoded(text: &[u8], at: usize) -> Option<Range<usize>> {
    text.get(at..)?.starts_with(b"%40").then_some(())?;
    around(text, at, at + 3, true)
}

fn around(
    text: &[u8],
    local_end: usize,
    domain_start: usize,
    encoded: bool,
) -> Option<Range<usize>> {
    let start = local_start(text, local_end, encoded)?;
    let end = domain_start + domain_bytes(&text[domain_start..])?;
    Some(start..end)
}

/// Where the local part that ends at `end` begins.
fn local_start(text: &[u8], end: usize, encoded: bool) -> Option<usize> {
    let mut start = end;
    // What is beside the `@` decides of what scripts it is: before ASCII, `联系ann@example.org` has a word that isn't
    // of the address.
    let latin = text[..end].last()?.is_ascii();
    while let Some(bytes) = local_character(text, start, end, encoded, latin) {
        start -= bytes;
        if end - start > LOCAL_BYTES_MAX {
            return None;
        }
    }
    // Of `see...ann@` and `.ann@` the atom next to the `@`.
    let atoms = &text[start..end];
    let double = atoms
        .windows(2)
        .rposition(|two| two == b"..")
        .map_or(0, |dots| dots + 2);
    let leading = atoms[double..]
        .iter()
        .take_while(|byte| matches!(byte, b'.' | b'\''))
        .count();
    let local = &atoms[double + leading..];
    let local = &local[escape_bytes(&text[..end - local.len()], local)..];
    (!local.is_empty() && !local.ends_with(b".")).then(|| end - local.len())
}

/// How much of a local part belongs to an escape that begins before it: of `\nann@` a letter, of `\u003cann@` five.
/// Without its letters the backslash would escape something else.
fn escape_bytes(before: &[u8], local: &[u8]) -> usize {
    match local {
        [b'n' | b'r' | b't', ..] if before.ends_with(b"\\") => 1,
        [b'u', code @ ..]
            if before.ends_with(b"\\")
                && code.len() >= 4
                && code[..4].iter().all(u8::is_ascii_hexdigit) =>
        {
            5
        }
        _ => 0,
    }
}

/// The bytes of the character of a local part that ends at `to`.
fn local_character(
    text: &[u8],
    to: usize,
    end: usize,
    encoded: bool,
    latin: bool,
) -> Option<usize> {
    let byte = *text[..to].last()?;
    match byte {
        // The last two of an escaped `+`, `.`, `-` or `_`; other escapes end it.
        _ if escape(&text[..to]) => Some(3),
        _ if encoded
            && text[..to].len() >= 3
            && text[to - 3] == b'%'
            && text[to - 2..to].iter().all(u8::is_ascii_hexdigit) =>
        {
            None
        }
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'_' | b'-' => Some(1),
        b'+' | b'%' | b'!' | b'#' | b'$' | b'^' | b'~' if !encoded => Some(1),
        b'\'' => {
            let before = text[..to - 1].last().is_some_and(u8::is_ascii_alphabetic);
            (before && to < end && text[to].is_ascii_alphabetic()).then_some(1)
        }
        0x80.. => letter_before(&text[..to])
            .filter(|letter| !latin || *letter < '\u{250}')
            .map(char::len_utf8),
        _ => None,
    }
}

fn escape(text: &[u8]) -> bool {
    matches!(
        text,
        [.., b'%', b'2', b'B' | b'b' | b'E' | b'e' | b'D' | b'd'] | [.., b'%', b'5', b'F' | b'f']
    )
}

/// The letter of more than one byte that ends the text.
fn letter_before(text: &[u8]) -> Option<char> {
    let bytes = text
        .iter()
        .rev()
        .take(4)
        .position(|byte| byte & 0xc0 != 0x80)?
        + 1;
    let written = std::str::from_utf8(&text[text.len() - bytes..]).ok()?;
    written
        .chars()
        .next()
        .filter(|letter| letter.is_alphabetic())
}

/// The letter of more than one byte that begins the text.
fn letter_after(text: &[u8]) -> Option<char> {
    let bytes = match text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let written = std::str::from_utf8(text.get(..bytes)?).ok()?;
    written
        .chars()
        .next()
        .filter(|letter| letter.is_alphabetic())
}

/// The length of the longest domain that the text begins with.
fn domain_bytes(text: &[u8]) -> Option<usize> {
    let (mut longest, mut start, mut first) = (None, 0, true);
    while start < DOMAIN_BYTES_MAX {
        let length = label_bytes(&text[start..], !first);
        let label = &text[start..start + length];
        // A hyphen at the end is the sentence's; no label can follow it.
        let hyphens = label.iter().rev().take_while(|byte| **byte == b'-').count();
        let name = &label[..length - hyphens];
        if name.is_empty() || name.starts_with(b"-") || length > LABEL_BYTES_MAX {
            break;
        }
        let end = start + name.len();
        // What follows the last label that can be a top level domain is something else: `example.org.2024`.
        if !first && top_level(name) && end <= DOMAIN_BYTES_MAX {
            longest = Some(end);
        }
        if hyphens > 0 || text.get(end) != Some(&b'.') {
            break;
        }
        (start, first) = (end + 1, false);
    }
    longest
}

/// The length of the label that the text begins with; not looked at much further than a label may reach.
fn label_bytes(text: &[u8], may_be_last: bool) -> usize {
    let mut length = 0;
    while length <= LABEL_BYTES_MAX {
        length += match text.get(length) {
            Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-') => 1,
            Some(0x80..) => match letter_after(&text[length..]) {
                // `example.org谢谢`: a top level domain is of one script, and here it has ended.
                Some(other)
                    if may_be_last
                        && other >= '\u{250}'
                        && text[..length].is_ascii()
                        && top_level(&text[..length]) =>
                {
                    break;
                }
                Some(letter) => letter.len_utf8(),
                None => break,
            },
            _ => break,
        };
    }
    length
}

/// Whether this can be a top level domain: two letters or more, or an encoded one.
fn top_level(label: &[u8]) -> bool {
    let letters =
        label.iter().all(u8::is_ascii_alphabetic) || label.iter().all(|byte| *byte >= 0x80);
    let encoded =
        label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--") && !label.ends_with(b"-");
    let suffix = || {
        NO_TLD
            .iter()
            .any(|suffix| label.eq_ignore_ascii_case(suffix.as_bytes()))
    };
    (2..=TOP_LEVEL_BYTES_MAX).contains(&label.len()) && (letters || encoded) && !suffix()
}
