//! What a magnetic stripe holds: tracks 1 and 2 of ISO/IEC 7813.

use std::ops::Range;

use super::pan;

/// ISO/IEC 7811-2: characters of track 1 with its sentinels.
const TRACK1_BYTES_MAX: usize = 79;
/// ISO/IEC 7811-2: characters of track 2 with its sentinels.
const TRACK2_BYTES_MAX: usize = 40;
const NAME_BYTES_MAX: usize = 26;

/// The track whose start sentinel (`%` of track 1, `;` of track 2) stands at `at`, to its end sentinel, or as far as
/// its characters go if that was cut off: `%B` account number `^` name `^` YYMM …, or `;` account number `=` YYMM ….
///
/// Chance: as good as none. An account number, its frame and a month have to hold.
pub(crate) fn track(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let length = match rest {
        [b'%', b'B' | b'b', ..] => track1(&rest[..rest.len().min(TRACK1_BYTES_MAX)]),
        [b';', ..] => track2(&rest[..rest.len().min(TRACK2_BYTES_MAX)]),
        _ => None,
    }?;
    Some(at..at + length)
}

fn track1(rest: &[u8]) -> Option<usize> {
    let name = account_number(rest, 2, b'^')?;
    let name_bytes = rest[name..]
        .iter()
        .take(NAME_BYTES_MAX + 1)
        .position(|byte| *byte == b'^')?;
    let graphic = |byte: &u8| (b' '..=b'_').contains(byte) || byte.is_ascii_lowercase();
    if name_bytes == 0 || !rest[name..name + name_bytes].iter().all(graphic) {
        return None;
    }
    end(rest, name + name_bytes + 1, |byte| {
        graphic(&byte) && byte != b'"'
    })
}

fn track2(rest: &[u8]) -> Option<usize> {
    let expiry = account_number(rest, 1, b'=')?;
    end(rest, expiry, |byte| matches!(byte, b'0'..=b'9' | b'='))
}

/// Where what follows a card number and its separator begins.
fn account_number(rest: &[u8], from: usize, separator: u8) -> Option<usize> {
    let digits = rest
        .get(from..)?
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let to = from + digits;
    (rest.get(to) == Some(&separator) && pan(&rest[from..to])).then_some(to + 1)
}

/// The length of a track whose expiry date (YYMM) stands at `expiry`.
fn end(rest: &[u8], expiry: usize, allowed: impl Fn(u8) -> bool) -> Option<usize> {
    let date = rest.get(expiry..expiry + 4)?;
    let month = matches!(date, [_, _, b'0', b'1'..=b'9'] | [_, _, b'1', b'0'..=b'2']);
    if !month || !date.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let data = rest[expiry..]
        .iter()
        .take_while(|byte| **byte != b'?' && allowed(**byte))
        .count();
    let to = expiry + data;
    Some(if rest.get(to) == Some(&b'?') {
        to + 1
    } else {
        to
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let at = text.find(['%', ';']).unwrap_or(0);
        let found = track(text.as_bytes(), at).map(|range| &text[range]);
        assert_eq!(found, expected);
    }

    #[test]
    fn both_tracks_are_found_whole() {
        check(
            "swipe %B4111111111111111^DOE/JANE^29121010000000000? ok",
            Some("%B4111111111111111^DOE/JANE^29121010000000000?"),
        );
        check(
            "swipe ;4111111111111111=29121010000000000? ok",
            Some(";4111111111111111=29121010000000000?"),
        );
        check(
            r#"{"t2":";378282246310005=29121010000""#,
            Some(";378282246310005=29121010000"),
        );
        check(
            "%B378282246310005^DOE/JANE A.MR^2901101",
            Some("%B378282246310005^DOE/JANE A.MR^2901101"),
        );
    }

    #[test]
    fn what_only_looks_like_a_track_is_none() {
        for text in [
            ";4111111111111112=29121010000000000?",
            ";4111111111111111=29131010000000000?",
            ";4111111111111111=2912x",
            ";4111111111111111",
            ";a=1;b=2",
            "%B4111111111111111^^29121010000000000?",
            "%B4111111111111111^A NAME THAT IS MUCH TOO LONG FOR IT^2912101?",
            "%B4111111111111111^DOE/JANE",
            "%C4111111111111111^DOE/JANE^2912101?",
            "%",
            "",
        ] {
            let expected = (text == ";4111111111111111=2912x").then_some(";4111111111111111=2912");
            check(text, expected);
        }
        assert_eq!(track(b"x", 7), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "[%;B^=?/0-9A-Z]{0,90}", at in 0_usize..95) {
            if let Some(found) = track(text.as_bytes(), at) {
                assert!(found.start == at && found.end <= text.len() && found.len() <= TRACK1_BYTES_MAX);
            }
        }
    }
}
