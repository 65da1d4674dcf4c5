//! Telephone numbers: with a country's code, or where it is said that it is one.

use super::super::checks::phone;
use super::super::context::Topic;
use super::super::detector::Detector;
use super::Search;
use super::run::Run;

/// ITU-T E.164: fifteen digits at most.
const DIGITS_MAX: usize = 15;
/// Fewer digits in a row could be anything, even beside the word.
const BARE_MIN: usize = 9;
const GROUPED_MIN: usize = 7;
/// Groups with fewer digits are none of a telephone number, unless parentheses follow.
const FEW: usize = 5;

/// A number as it is written.
struct Written {
    end: usize,
    digits: [u8; DIGITS_MAX],
    count: usize,
    /// Nothing but digits.
    bare: bool,
}

impl Search<'_> {
    /// `+46 (0)8 928 571 38`: what begins with a plus and a country's code says enough.
    pub(super) fn international_phone(&mut self, run: &Run) -> Option<usize> {
        let start = run.start();
        let plus = start
            .checked_sub(1)
            .filter(|before| self.text[*before] == b'+')?;
        if !self.wants_phone() || !self.left_is_clear(plus) {
            return None;
        }
        let written = self.written(start, true)?;
        phone::e164(&written.digits[..written.count]).then(|| {
            let detector = self.phone_or_fax(plus, written.end);
            self.hit(detector, plus, written.end);
            written.end
        })
    }

    /// A national number, where something says that it is one; `(212) 555-0199` says it itself.
    pub(super) fn national_phone(&mut self, run: &Run) -> Option<usize> {
        if !self.wants_phone() {
            return None;
        }
        let first = run.start();
        let opens = first
            .checked_sub(1)
            .filter(|before| self.text[*before] == b'(');
        let groups_end = run.end(run.count());
        let parted = |at: usize| matches!(self.text.get(at), Some(b'(' | b')'));
        let few = run.digits(run.count()).len() < FEW;
        if few && opens.is_none() && !parted(groups_end) && !parted(groups_end + 1)
            || opens.is_none() && self.says_nothing()
        {
            return None;
        }
        let start = opens.unwrap_or(first);
        if !self.left_is_clear(start) {
            return None;
        }
        let written = self.written(start, false)?;
        let digits = &written.digits[..written.count];
        let least = if written.bare { BARE_MIN } else { GROUPED_MIN };
        if written.count < least || is_something_else(run) {
            return None;
        }
        let area = opens.is_some() && digits.len() == 10 && phone::national_us(digits);
        if !area {
            let topics = self.topics_at(start, written.end);
            if !topics.has(Topic::Phone) && !topics.has(Topic::Fax) || !phone::national(digits) {
                return None;
            }
        }
        let detector = self.phone_or_fax(start, written.end);
        self.hit(detector, start, written.end);
        Some(written.end)
    }

    fn wants_phone(&self) -> bool {
        self.wants(Detector::Phone) || self.wants(Detector::Fax)
    }

    fn phone_or_fax(&mut self, start: usize, end: usize) -> Detector {
        let fax = self.wants(Detector::Fax) && self.topics_at(start, end).has(Topic::Fax);
        if fax || !self.wants(Detector::Phone) {
            Detector::Fax
        } else {
            Detector::Phone
        }
    }

    /// Digits with at most two of ` -./()` between, up to fifteen, and an extension.
    fn written(&self, start: usize, international: bool) -> Option<Written> {
        let text = self.text;
        let mut written = Written {
            end: start,
            digits: [0; DIGITS_MAX],
            count: 0,
            bare: true,
        };
        let (mut at, mut between) = (start, 0);
        while let Some(byte) = text.get(at) {
            match byte {
                // `+46 (0)8`: the zero is dialled at home alone.
                b'(' if international && text[at..].starts_with(b"(0)") => at += 2,
                b'0'..=b'9' => {
                    if between > 0 && at > start {
                        written.bare = false;
                    }
                    *written.digits.get_mut(written.count)? = *byte;
                    written.count += 1;
                    written.end = at + 1;
                    between = 0;
                }
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' if between == 0 => between = 1,
                // `(212) 555`, `212 (555)`.
                b' ' | b'-' | b'(' if between == 1 && (*byte == b'(' || text[at - 1] == b')') => {
                    between = 2
                }
                _ => break,
            }
            at += 1;
        }
        let rest = &text[written.end..];
        let extension = rest
            .strip_prefix(b"x")
            .or_else(|| rest.strip_prefix(b" x"))
            .or_else(|| rest.strip_prefix(b" ext. "));
        if let Some(extension) = extension {
            let digits = extension
                .iter()
                .take(6)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if (1..6).contains(&digits) {
                written.end += rest.len() - extension.len() + digits;
            }
        }
        self.right_is_clear(written.end).then_some(written)
    }
}

/// A date, or an address of a machine.
fn is_something_else(run: &Run) -> bool {
    let count = run.count();
    let date = count >= 3
        && matches!(run.lengths(3), [4, 2, 2] | [2, 2, 4])
        && matches!(run.separators(3), b"--" | b"//" | b"..");
    let address = count >= 4
        && run.separators(4) == *b"..."
        && run.lengths(4).iter().all(|len| *len <= 3)
        && run.next_length(4, b'.').is_none();
    date || address
}
