//! What is written in place of a value.

use schemas::operation;

use super::super::asked::Action;
use super::super::detector::{Form, Id};
use super::canonical::canonical;
use super::plan::{Keyed, Plan};

pub(super) const STARS: &[u8] = b"****";

/// Hexadecimal digits of a hash: 64 bits.
pub(crate) const HASH_DIGITS: usize = 16;

/// Appends what stands for the value. Never the value itself.
pub(super) fn write(id: Id, plan: Plan, keyed: Option<&Keyed>, value: &[u8], out: &mut Vec<u8>) {
    match (plan.action, keyed) {
        (
            Action::Partial {
                keep_first,
                keep_last,
            },
            _,
        ) => partial(value, keep_first, keep_last, out),
        (Action::Hash, Some(keyed)) => hash(id, keyed, value, out),
        (Action::Tokenise, Some(keyed)) => match keyed.tokens.token(&[id.0], value) {
            Some(token) if token != value => out.extend_from_slice(&token),
            _ => out.extend_from_slice(STARS),
        },
        (Action::Mask, _) => mask(plan.form, value, out),
        _ => out.extend_from_slice(STARS),
    }
}

fn hash(id: Id, keyed: &Keyed, value: &[u8], out: &mut Vec<u8>) {
    let digest = keyed.hasher.digest(&canonical(id, value));
    out.extend_from_slice(keyed.id.as_bytes());
    out.push(b':');
    out.extend_from_slice(&digest[..HASH_DIGITS]);
}

/// The first and last letters and digits; of the others nothing but that they are there.
fn partial(value: &[u8], keep_first: usize, keep_last: usize, out: &mut Vec<u8>) {
    // A byte within a character of UTF-8 belongs to its first one.
    let counts = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0xC0;
    let total = value.iter().filter(|byte| counts(byte)).count();
    let keeps = keep_first + keep_last < total;
    let (mut number, mut shown) = (0, false);
    for byte in value {
        if counts(byte) {
            shown = keeps && (number < keep_first || number >= total - keep_last);
            number += 1;
            out.push(if shown { *byte } else { b'*' });
        } else if byte.is_ascii() || shown {
            out.push(*byte);
        }
    }
}

fn mask(form: Form, value: &[u8], out: &mut Vec<u8>) {
    match form {
        Form::Zip => zip(value, out),
        Form::Year => out.extend_from_slice(year(value).unwrap_or(STARS)),
        Form::Url => url(value, out),
        Form::Stars | Form::Gone => out.extend_from_slice(STARS),
    }
}

/// Areas of three digits in which 20,000 people or fewer live, by the census of 2000: HHS, "Guidance regarding methods for de-identification", 2012.
const SMALL_AREAS: [&[u8]; 17] = [
    b"036", b"059", b"063", b"102", b"203", b"556", b"692", b"790", b"821", b"823", b"830", b"831",
    b"878", b"879", b"884", b"890", b"893",
];

/// 45 CFR 164.514(b)(2)(i)(B).
fn zip(value: &[u8], out: &mut Vec<u8>) {
    match value.first_chunk::<3>() {
        Some(area) if SMALL_AREAS.contains(&&area[..]) => out.extend_from_slice(b"000**"),
        Some(area) => out.extend_from_slice(&[area, &b"**"[..]].concat()),
        None => out.extend_from_slice(STARS),
    }
}

/// The four digits of a year, at the beginning or the end of a date.
fn year(value: &[u8]) -> Option<&[u8]> {
    let is_year = |digits: &&[u8]| {
        matches!(digits.first_chunk(), Some(b"18" | b"19" | b"20" | b"21"))
            && digits.iter().all(u8::is_ascii_digit)
    };
    let first = value.first_chunk::<4>().map(|year| &year[..]);
    let last = value.last_chunk::<4>().map(|year| &year[..]);
    first.filter(is_year).or(last.filter(is_year))
}

/// Scheme, host and the path's template: without who, with what, and ids.
fn url(value: &[u8], out: &mut Vec<u8>) {
    let Some((scheme, rest)) = std::str::from_utf8(value)
        .ok()
        .and_then(|url| url.split_once("://"))
    else {
        out.extend_from_slice(STARS);
        return;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let mut template = String::new();
    operation::template(path, &mut template);
    // Whatever is left of the template that isn't plain is data.
    let plain = |segment: &&str| {
        segment.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'{' | b'}')
        })
    };
    out.extend_from_slice(format!("{scheme}://{host}").as_bytes());
    for segment in template.split('/').skip(1) {
        out.push(b'/');
        out.extend_from_slice(Some(segment).filter(plain).unwrap_or("{id}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(action: Action, form: Form, value: &str, expected: &str) {
        let mut out = Vec::new();
        let plan = Plan {
            action,
            reports: false,
            form,
        };
        write(Id(0), plan, None, value.as_bytes(), &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn partial_never_shows_all() {
        let partial = |keep_first, keep_last| Action::Partial {
            keep_first,
            keep_last,
        };
        check(
            partial(6, 4),
            Form::Stars,
            "4111 1111 1111 1234",
            "4111 11** **** 1234",
        );
        check(partial(2, 0), Form::Stars, "ann@x.org", "an*@*.***");
        check(partial(3, 3), Form::Stars, "abc-def", "***-***");
        check(partial(1, 1), Form::Stars, "jürgen", "j****n");
        check(partial(2, 1), Form::Stars, "jürgen", "jü***n");
        check(partial(0, 0), Form::Stars, "ab", "**");
    }

    #[test]
    fn masks_keep_what_their_class_may_keep() {
        check(Action::Mask, Form::Stars, "x", "****");
        check(Action::Mask, Form::Zip, "90210", "902**");
        check(Action::Mask, Form::Zip, "82190-1234", "000**");
        check(Action::Mask, Form::Year, "1985-03-12", "1985");
        check(Action::Mask, Form::Year, "12/03/1985", "1985");
        check(Action::Mask, Form::Year, "12/03/85", "****");
        check(
            Action::Mask,
            Form::Url,
            "https://ann:pw@x.org:8080/users/123/a?mail=b#c",
            "https://x.org:8080/users/{id}/a",
        );
        check(Action::Mask, Form::Url, "https://x.org", "https://x.org");
        check(
            Action::Mask,
            Form::Url,
            "https://x.org?q=ann",
            "https://x.org",
        );
        check(
            Action::Mask,
            Form::Url,
            "https://x.org/Ann%20Smith/a",
            "https://x.org/{id}/a",
        );
    }

    #[test]
    fn without_a_key_nothing_is_shown() {
        check(Action::Hash, Form::Stars, "ann", "****");
        check(Action::Tokenise, Form::Stars, "123456", "****");
    }
}
