//! A time out of a text, piece by piece of a format.

use super::piece::{DAYS, MONTHS, Piece};
use crate::value::{Civil, Time};

/// What has been read of a time so far.
struct Reading<'t> {
    rest: &'t str,
    civil: Civil,
    has_year: bool,
    hour_of_12: bool,
    afternoon: Option<bool>,
    nanos: u32,
    offset: i32,
}

/// `None`: the text is not of that format.
pub(super) fn time(pieces: &[Piece], text: &str) -> Option<Time> {
    let mut reading = Reading {
        rest: text,
        civil: Civil {
            year: 0,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
        },
        has_year: false,
        hour_of_12: false,
        afternoon: None,
        nanos: 0,
        offset: 0,
    };
    for piece in pieces {
        match piece {
            Piece::Text(text) => reading.literal(text)?,
            Piece::Directive(directive) => reading.directive(*directive)?,
        }
    }
    reading.finish()
}

impl<'t> Reading<'t> {
    /// Blanks of a format stand for any blanks.
    fn literal(&mut self, text: &str) -> Option<()> {
        for character in text.chars() {
            if character == ' ' {
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                self.rest = self.rest.strip_prefix(character)?;
            }
        }
        Some(())
    }

    fn directive(&mut self, directive: char) -> Option<()> {
        match directive {
            'Y' => {
                self.civil.year = self.digits(4, 4)?.into();
                self.has_year = true;
            }
            'y' => {
                let year = self.digits(2, 2)?;
                self.civil.year = i64::from(year) + if year >= 69 { 1900 } else { 2000 };
                self.has_year = true;
            }
            'm' | 'o' | 'q' => self.civil.month = self.number(1, 12)?,
            'b' | 'h' => self.civil.month = self.named(&MONTHS, 3)? + 1,
            'B' => self.civil.month = self.named(&MONTHS, 9)? + 1,
            'd' | 'e' | 'g' => self.civil.day = self.number(1, 31)?,
            'a' => drop(self.named(&DAYS, 3)?),
            'A' => drop(self.named(&DAYS, 9)?),
            'H' => self.civil.hour = self.number(0, 23)?,
            'l' | 'I' => {
                self.civil.hour = self.number(0, 12)?;
                self.hour_of_12 = true;
            }
            'p' | 'P' => self.afternoon = Some(self.named(&["am", "pm"], 2)? == 1),
            'M' => self.civil.minute = self.number(0, 59)?,
            'S' => {
                self.civil.second = self.number(0, 59)?;
                // As in Go, a fraction may follow seconds though the format has none.
            }
            'L' | 'f' | 's' => self.fraction()?,
            'Z' => self.zone_name()?,
            'z' | 'w' | 'i' | 'j' | 'k' => self.zone_offset(directive == 'z')?,
            'n' => self.literal("\n")?,
            't' => self.literal("\t")?,
            _ => self.literal("%")?,
        }
        Some(())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let length = self
            .rest
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if length < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok()
    }

    /// One or two digits, after blanks if there are any.
    fn number(&mut self, least: u32, most: u32) -> Option<u32> {
        self.rest = self.rest.trim_start_matches(' ');
        self.digits(1, 2)
            .filter(|number| (least..=most).contains(number))
    }

    /// The number of a name, of which `length` letters count, in any case.
    fn named(&mut self, names: &[&str], length: usize) -> Option<u32> {
        for (index, name) in names.iter().enumerate() {
            let name = &name[..length.min(name.len())];
            if let Some(found) = self.rest.get(..name.len())
                && found.eq_ignore_ascii_case(name)
            {
                self.rest = &self.rest[name.len()..];
                return Some(index as u32);
            }
        }
        None
    }

    /// Up to nine digits count, whatever the directive.
    fn fraction(&mut self) -> Option<()> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let digits = format!("{:0<9}", digits.get(..9).unwrap_or(digits));
        self.nanos = digits.parse().ok()?;
        Some(())
    }

    fn zone_name(&mut self) -> Option<()> {
        for name in ["UTC", "GMT", "Z"] {
            if let Some(rest) = self.rest.strip_prefix(name) {
                self.rest = rest;
                return Some(());
            }
        }
        self.zone_offset(false)
    }

    /// `Z`, `+07`, `+0700`, `+07:00`, each with seconds.
    fn zone_offset(&mut self, zulu: bool) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix('Z').filter(|_| zulu) {
            self.rest = rest;
            return Some(());
        }
        let sign = match self.rest.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let mut seconds = self.digits(2, 2).filter(|hours| *hours <= 24)? * 3600;
        for unit in [60, 1] {
            let before = self.rest;
            self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
            match self.digits(2, 2).filter(|number| *number < 60) {
                Some(number) => seconds += number * unit,
                None => {
                    self.rest = before;
                    break;
                }
            }
        }
        self.offset = sign * seconds as i32;
        Some(())
    }

    /// A day that its month doesn't have is none; a text without a year would depend on today.
    fn finish(mut self) -> Option<Time> {
        if !self.rest.is_empty() || !self.has_year {
            return None;
        }
        match self.afternoon {
            Some(true) if self.civil.hour < 12 => self.civil.hour += 12,
            Some(false) if self.civil.hour == 12 => self.civil.hour = 0,
            _ if self.hour_of_12 && self.civil.hour > 12 => return None,
            _ => {}
        }
        let time = self.civil.at(self.nanos, self.offset);
        (time.civil() == self.civil).then_some(time)
    }
}
