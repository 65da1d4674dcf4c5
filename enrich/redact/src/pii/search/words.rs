//! Candidates that are words of letters and digits.

use super::super::checks::{bank, europe, us, world};
use super::super::context::Topic;
use super::super::detector::Detector;
use super::super::secrets;
use super::Search;
use super::class::{DIGIT, LETTER, WORD};

/// The longest IBAN.
const IBAN_MAX: usize = 34;
const AWS_SECRET: usize = 40;

type Check = fn(&[u8]) -> bool;

/// Words that their own form tells: length, check, whether they are written with capitals alone.
const TELLING: &[(Detector, usize, Check)] = &[
    (Detector::UkNino, 9, europe::uk::nino),
    (Detector::EsDni, 9, europe::es::dni),
    (Detector::EsNie, 9, europe::es::nie),
    (Detector::InPan, 10, world::pan_card),
    (Detector::UsMbi, 11, us::mbi),
    (Detector::ItCodiceFiscale, 16, europe::it::codice_fiscale),
    (Detector::Vin, 17, us::vin),
];

/// The same in small letters, and others that are too much like ids: what they are has to be said.
const TOLD: &[(Detector, Topic, std::ops::RangeInclusive<usize>, Check)] = &[
    (Detector::UsDea, Topic::Dea, 9..=9, us::dea),
    (Detector::UkNino, Topic::UkNino, 9..=9, europe::uk::nino),
    (Detector::EsDni, Topic::EsDni, 9..=9, europe::es::dni),
    (Detector::EsNie, Topic::EsDni, 9..=9, europe::es::nie),
    (Detector::InPan, Topic::InPan, 10..=10, world::pan_card),
    (Detector::UsMbi, Topic::Mbi, 11..=11, us::mbi),
    (
        Detector::FiHetu,
        Topic::FiHetu,
        11..=11,
        europe::nordic::hetu,
    ),
    (Detector::FrNir, Topic::FrNir, 15..=15, europe::fr::nir),
    (Detector::BrCnpj, Topic::BrCnpj, 14..=14, world::cnpj),
    (
        Detector::ItCodiceFiscale,
        Topic::ItCodiceFiscale,
        16..=16,
        europe::it::codice_fiscale,
    ),
    (Detector::Vin, Topic::Vin, 17..=17, us::vin),
    (Detector::Passport, Topic::Passport, 6..=9, any),
    (Detector::MedicalRecord, Topic::MedicalRecord, 5..=14, any),
    (Detector::HealthPlan, Topic::HealthPlan, 6..=16, any),
    (Detector::DriverLicense, Topic::DriverLicense, 5..=18, any),
    (Detector::LicensePlate, Topic::LicensePlate, 4..=8, any),
];

fn any(_: &[u8]) -> bool {
    true
}

impl Search<'_> {
    /// A word that begins here. Where to go on.
    #[inline]
    pub(super) fn word(&mut self, start: usize) -> usize {
        if let Some(end) = self.token(start) {
            return end;
        }
        let text = self.text;
        let mut bits = 0;
        let mut length = 0;
        for byte in &text[start..] {
            let bit = WORD[usize::from(*byte)];
            if bit == 0 {
                break;
            }
            bits |= bit;
            length += 1;
        }
        let end = start + length;
        if bits == DIGIT {
            return self.digits(start, end);
        }
        if bits != DIGIT | LETTER {
            if length == 2 {
                self.mac_in_hyphens(start, end);
            }
            return self.long_word(start, end);
        }
        self.mixed(start, end)
            .unwrap_or_else(|| self.long_word(start, end))
    }

    /// Letters and digits.
    fn mixed(&mut self, start: usize, end: usize) -> Option<usize> {
        let (text, len) = (self.text, end - start);
        if len > IBAN_MAX || !self.left_is_clear(start) {
            return None;
        }
        let word = &text[start..end];
        if let Some(end) = self.iban(start, end) {
            return Some(end);
        }
        if len == 2 {
            self.mac_in_hyphens(start, end);
        }
        if len == 4 && text.get(end) == Some(&b'-') {
            return self.mbi_in_groups(start);
        }
        if !self.right_is_clear(end) {
            return None;
        }
        let capital = !word.iter().any(u8::is_ascii_lowercase);
        if capital {
            for (detector, length, check) in TELLING {
                if *length == len && self.wants(*detector) && check(word) {
                    self.hit(*detector, start, end);
                    return Some(end);
                }
            }
        }
        if len < 4 {
            return None;
        }
        if self.says_nothing() {
            return None;
        }
        let topics = self.topics_at(start, end);
        if topics.is_empty() {
            return None;
        }
        for (detector, topic, lengths, check) in TOLD {
            if topics.has(*topic) && lengths.contains(&len) && self.wants(*detector) && check(word)
            {
                self.hit(*detector, start, end);
                return Some(end);
            }
        }
        None
    }

    /// An IBAN, in one or in groups of four. In small letters it could be an id: then it has to be said.
    fn iban(&mut self, start: usize, end: usize) -> Option<usize> {
        let text = self.text;
        let [a, b, c, d, ..] = text[start..end] else {
            return None;
        };
        let begins = a.is_ascii_alphabetic()
            && b.is_ascii_alphabetic()
            && c.is_ascii_digit()
            && d.is_ascii_digit();
        if !begins || !self.wants(Detector::Iban) {
            return None;
        }
        let mut candidate = [0; IBAN_MAX];
        let (mut len, mut at, mut ends) = (0, start, end);
        // Groups of four with one space between; the last may be shorter.
        loop {
            let group = &text[at..ends];
            candidate
                .get_mut(len..len + group.len())?
                .copy_from_slice(group);
            len += group.len();
            if bank::iban(&candidate[..len]) && self.right_is_clear(ends) {
                let capital = !candidate[..len].iter().any(u8::is_ascii_lowercase);
                if capital || self.topics_at(start, ends).has(Topic::Iban) {
                    self.hit(Detector::Iban, start, ends);
                    return Some(ends);
                }
            }
            if ends - at != 4 || !matches!(text.get(ends), Some(b' ' | b'-')) {
                return None;
            }
            at = ends + 1;
            let more = text[at..]
                .iter()
                .take(5)
                .take_while(|byte| byte.is_ascii_alphanumeric());
            ends = at + more.count();
            if ends == at {
                return None;
            }
        }
    }

    /// `1EG4-TE5-MK73`.
    fn mbi_in_groups(&mut self, start: usize) -> Option<usize> {
        let end = start + 13;
        let text = self.text.get(start..end)?;
        if text[8] != b'-' || !self.wants(Detector::UsMbi) || !self.right_is_clear(end) {
            return None;
        }
        let mut candidate = [0; 11];
        candidate[..4].copy_from_slice(&text[..4]);
        candidate[4..7].copy_from_slice(&text[5..8]);
        candidate[7..].copy_from_slice(&text[9..]);
        us::mbi(&candidate).then(|| {
            self.hit(Detector::UsMbi, start, end);
            end
        })
    }

    /// A word that is long enough to be a part of an AWS secret key, whose alphabet has `/` and `+`, too.
    #[inline]
    fn long_word(&mut self, start: usize, end: usize) -> usize {
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
        let text = self.text;
        // Nearly no word has a byte of the alphabet this far on.
        if !text.get(start + AWS_SECRET - 1).is_some_and(inside)
            || text.get(start + AWS_SECRET).is_some_and(inside)
            || end - start > AWS_SECRET
            || !self.wants(Detector::AwsSecretKey)
            || start
                .checked_sub(1)
                .is_some_and(|before| inside(&text[before]))
        {
            return end;
        }
        let word = &text[start..];
        let len = word
            .iter()
            .take(AWS_SECRET)
            .take_while(|byte| inside(byte))
            .count();
        if len == AWS_SECRET
            && secrets::aws_secret(&text[start..start + len])
            && self.topics_at(start, start + len).has(Topic::AwsSecret)
        {
            self.hit(Detector::AwsSecretKey, start, start + len);
            return start + len;
        }
        end
    }
}
