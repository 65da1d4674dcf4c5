//! Finds personal data and secrets in one text, in one pass.
//!
//! The pass knows bytes by their class and stops only where a candidate can begin: at a word with a digit in it, at `@`, `:`, `=`, `%`. A
//! candidate is cut by hand and handed to a check ([`super::checks`]); literals of tokens are looked for where a word begins, by its first two bytes
//! ([`super::secrets`]). Each candidate is looked at once and within fixed bounds, so that the time grows with the text and not faster.

mod anchored;
mod blob;
mod class;
mod digits;
mod formats;
mod keyed;
mod network;
mod own;
mod phone;
mod run;
mod words;

use super::context::{REACH, Topics};
use super::detector::{Detector, Id, Ids};
use super::engine::Engine;
use super::{checks, secrets};
use class::{CLASS, Class};

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) id: Id,
}

/// One text that is searched.
struct Search<'a> {
    engine: &'a Engine,
    text: &'a [u8],
    /// What the key of the attribute leaves of the detectors that are on.
    wanted: Ids,
    /// What the key is about.
    key: Topics,
    /// What any word of the text is about: read when it is first asked.
    anywhere: Option<Topics>,
    /// Where the last URL ends, and the last value that was named a secret: neither is looked for within itself, or the time would grow faster than
    /// the text.
    url_end: usize,
    secret_end: usize,
    found: &'a mut Vec<Found>,
}

/// Finds all there is in a text, given what its key leaves of the detectors and is about. What is found may overlap, and comes in no order.
pub(crate) fn find(engine: &Engine, text: &[u8], wanted: Ids, key: Topics, found: &mut Vec<Found>) {
    if !wanted.is_empty() {
        Search::new(engine, text, wanted, key, found).run();
    }
}

/// As [`find`], for bytes, which may be a picture or a recording as well.
pub(crate) fn find_in_bytes(
    engine: &Engine,
    bytes: &[u8],
    wanted: Ids,
    key: Topics,
    found: &mut Vec<Found>,
) {
    if wanted.has(Detector::Biometric) && blob::is_picture_or_sound(bytes) {
        let (start, end, id) = (0, bytes.len(), Detector::Biometric.into());
        found.push(Found { start, end, id });
    } else {
        find(engine, bytes, wanted, key, found);
    }
}

/// Longer texts are asked for words beside each candidate alone: most have some word somewhere.
const WHOLE_MAX: usize = 1024;

impl<'a> Search<'a> {
    fn new(
        engine: &'a Engine,
        text: &'a [u8],
        wanted: Ids,
        key: Topics,
        found: &'a mut Vec<Found>,
    ) -> Self {
        Self {
            engine,
            text,
            wanted,
            key,
            anywhere: None,
            url_end: 0,
            secret_end: 0,
            found,
        }
    }

    /// Finds everything. What is found may overlap, and comes in no order.
    fn run(&mut self) {
        self.keyed();
        self.own();
        let text = self.text;
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            at = match CLASS[usize::from(*byte)] {
                Class::Other => at + 1,
                Class::Digit | Class::Letter | Class::Joint => self.word(at),
                Class::At => self.at_sign(at),
                Class::Colon => self.colon(at),
                Class::Equals => self.assignment(at),
                Class::Percent => self.percent(at),
                // `\n4111…` in text that is quoted once more.
                Class::Backslash => at + 2,
                Class::Semicolon => self.track(at),
            };
        }
    }

    #[inline]
    fn wants(&self, detector: Detector) -> bool {
        self.wanted.has(detector)
    }

    fn hit(&mut self, id: impl Into<Id>, start: usize, end: usize) {
        let id = id.into();
        self.found.push(Found { start, end, id });
    }

    /// What the key and the words beside a candidate are about.
    fn topics_at(&mut self, start: usize, end: usize) -> Topics {
        let len = self.text.len();
        if end - start == len || self.says_nothing() {
            return self.key;
        }
        let vocabulary = self.engine.vocabulary();
        self.key
            | vocabulary.topics(self.text, start.saturating_sub(REACH), start)
            | vocabulary.topics(self.text, end, (end + REACH).min(len))
    }

    /// Whether neither the key nor any word of the text says what something is: of most texts.
    fn says_nothing(&mut self) -> bool {
        if !self.key.is_empty() {
            return false;
        }
        let (text, vocabulary) = (self.text, self.engine.vocabulary());
        let whole = || match text.len() <= WHOLE_MAX {
            true => vocabulary.topics(text, 0, text.len()),
            false => Topics::ALL,
        };
        self.anywhere.get_or_insert_with(whole).is_empty()
    }

    /// Whether nothing before the candidate makes it a part of something longer: a word, a decimal number, a UUID.
    fn left_is_clear(&self, start: usize) -> bool {
        let byte = |back: usize| start.checked_sub(back).map(|at| self.text[at]);
        match byte(1) {
            Some(before) if before.is_ascii_alphanumeric() => {
                let hex = |back| byte(back).is_some_and(|byte| byte.is_ascii_hexdigit());
                byte(2) == Some(b'\\') || byte(3) == Some(b'%') && hex(2) && hex(1)
            }
            Some(b'_') => false,
            Some(b'.' | b'-') => !byte(2).is_some_and(is_of_word),
            _ => true,
        }
    }

    /// As [`Search::left_is_clear`], behind it.
    fn right_is_clear(&self, end: usize) -> bool {
        let byte = |on: usize| self.text.get(end + on);
        match byte(0) {
            Some(next) if next.is_ascii_alphanumeric() => false,
            Some(b'_') => false,
            Some(b'.' | b'-') => !byte(1).copied().is_some_and(is_of_word),
            _ => true,
        }
    }

    fn is_clear(&self, start: usize, end: usize) -> bool {
        self.left_is_clear(start) && self.right_is_clear(end)
    }

    fn at_sign(&mut self, at: usize) -> usize {
        if self.wants(Detector::Email)
            && let Some(range) = checks::email::email(self.text, at)
        {
            self.hit(Detector::Email, range.start, range.end);
        }
        at + 1
    }

    /// `%40` in an address, `%20` before a number, `%B` before the first track of a card.
    fn percent(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        if rest.starts_with(b"%40")
            && self.wants(Detector::Email)
            && let Some(range) = checks::email::email_encoded(self.text, at)
        {
            self.hit(Detector::Email, range.start, range.end);
        }
        let escapes = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
        if rest.len() > 2 && matches!(rest[1], b'B' | b'b') && rest.get(2..6).is_some_and(digits) {
            return self.track(at);
        }
        match rest.get(1..3) {
            Some(escaped) if escapes(escaped) => at + 3,
            _ => at + 1,
        }
    }

    fn track(&mut self, at: usize) -> usize {
        if self.wants(Detector::CardTrack)
            && let Some(range) = checks::cards::track::track(self.text, at)
        {
            self.hit(Detector::CardTrack, range.start, range.end);
            return range.end;
        }
        at + 1
    }

    fn assignment(&mut self, at: usize) -> usize {
        if self.wants(Detector::Password)
            && at >= self.secret_end
            && may_name_a_secret(&self.text[..at])
            && let Some(range) = secrets::assigned(self.text, at)
        {
            self.secret_end = range.end;
            self.hit(Detector::Password, range.start, range.end);
        }
        at + 1
    }

    fn colon(&mut self, at: usize) -> usize {
        if self.text[at..].starts_with(b"://") {
            self.url_password(at);
            return self.url(at);
        }
        self.assignment(at);
        self.colons(at)
    }
}

/// Whether a name before `=` or `:` ends as the names of secrets do: a cheap look before [`secrets::assigned`] reads it.
fn may_name_a_secret(before: &[u8]) -> bool {
    let beside = |byte: &u8| matches!(byte, b'"' | b'\'' | b' ' | b'\\' | b']' | b'`');
    let (Some(last), mut rest) = (before.iter().rposition(|byte| !beside(byte)), before) else {
        return false;
    };
    rest = &rest[..=last];
    match rest {
        // `password2`, `api_key_1`.
        [.., digit] if !digit.is_ascii_alphabetic() => {
            digit.is_ascii_digit() || matches!(digit, b'_' | b'-' | b'.')
        }
        [.., a, b] => matches!(
            [a | 0x20, b | 0x20],
            // password, passwd, passphrase, passcode, pass, secret, token, key, credential, credentials, creds
            [b'r' | b'w', b'd']
                | [b's' | b'd', b'e']
                | [b's' | b'l' | b'd', b's']
                | [b'e', b't' | b'n' | b'y']
                | [b'a', b'l']
        ),
        _ => false,
    }
}

/// Of a word or a name.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever `secrets::named` takes for the name of a secret, the cheap look lets through.
    #[test]
    fn no_name_of_a_secret_is_passed_over() {
        let names = [
            "password",
            "passwd",
            "passphrase",
            "passcode",
            "pwd",
            "pass",
            "secret",
            "token",
            "apikey",
            "api_key",
            "secretkey",
            "accesskey",
            "privatekey",
            "signingkey",
            "encryptionkey",
            "authkey",
            "accountkey",
            "credential",
            "credentials",
            "creds",
        ];
        for name in names {
            for written in [
                name.to_owned(),
                name.to_uppercase(),
                format!("{name}1"),
                format!("{name}_2"),
                format!("\"{name}\" "),
            ] {
                let plain = written.trim_matches(['"', ' ']);
                assert!(secrets::named(plain.as_bytes()).is_some(), "{plain}");
                assert!(may_name_a_secret(written.as_bytes()), "{written}");
            }
        }
        assert!(!may_name_a_secret(b"page"));
        assert!(!may_name_a_secret(b"\"size\" "));
    }
}
