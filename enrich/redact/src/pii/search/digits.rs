//! Candidates that begin with a group of digits.

use super::super::checks;
use super::super::context::{Topic, Topics};
use super::super::detector::Detector;
use super::Search;
use super::formats::{BARE, FORMATTED};
use super::run::Run;

/// As long as the ids of many systems, which are random: one in a hundred passes for a card.
const PAN_LIKE_AN_ID: usize = 17;

impl Search<'_> {
    /// A word of digits. Where to go on.
    pub(super) fn digits(&mut self, start: usize, end: usize) -> usize {
        let Some(run) = Run::at(self.text, start, end) else {
            return end;
        };
        let left = self.left_is_clear(start);
        if let Some(end) = self.international_phone(&run) {
            return end;
        }
        if left
            && let Some(end) = self
                .ipv4(&run)
                .or_else(|| self.card(&run))
                .or_else(|| self.formatted(&run))
                .or_else(|| self.bare(&run))
                .or_else(|| self.hetu(&run))
                .or_else(|| self.nino_in_groups(&run))
        {
            return end;
        }
        self.mac_in_hyphens(start, end);
        self.national_phone(&run).unwrap_or(end)
    }

    /// A card number, contiguous or in the groups in which it is printed.
    fn card(&mut self, run: &Run) -> Option<usize> {
        if !self.wants(Detector::Pan) {
            return None;
        }
        let (start, text) = (run.start(), self.text);
        for count in [1, 3, 4, 5] {
            if count > run.count() {
                break;
            }
            let (digits, end) = (run.digits(count), run.end(count));
            if !(12..=19).contains(&digits.len()) || !self.right_is_clear(end) {
                continue;
            }
            if count > 1 {
                let Some(separator) = run.separator(count) else {
                    continue;
                };
                // One of many groups, as in a dump of memory.
                let before = text[..start]
                    .strip_suffix(&[separator])
                    .map_or(0, |before| {
                        before
                            .iter()
                            .rev()
                            .take(5)
                            .take_while(|byte| byte.is_ascii_digit())
                            .count()
                    });
                if before == 4 || run.next_length(count, separator) == Some(4) {
                    continue;
                }
            }
            if checks::cards::grouping(run.lengths(count))
                && checks::cards::pan(digits)
                && (count > 1
                    || digits.len() < PAN_LIKE_AN_ID
                    || self.topics_at(start, end).has(Topic::Card))
            {
                self.hit(Detector::Pan, start, end);
                return Some(end);
            }
        }
        None
    }

    /// A number in the groups in which it is written.
    fn formatted(&mut self, run: &Run) -> Option<usize> {
        // The shortest is `12/27`.
        if run.count() < 2 || run.digits(run.count()).len() < 4 {
            return None;
        }
        for format in FORMATTED {
            let count = format.lengths.len();
            if count > run.count()
                || run.lengths(count) != format.lengths
                || run.separators(count) != format.separators
                || !self.wants(format.detector)
            {
                continue;
            }
            let (start, end) = (run.start(), run.end(count));
            if self.right_is_clear(end)
                && (format.check)(run.digits(count))
                && format
                    .topic
                    .is_none_or(|topic| self.topics_at(start, end).has(topic))
            {
                self.hit(format.detector, start, end);
                return Some(end);
            }
        }
        None
    }

    /// Digits and nothing more: what they are has to be said.
    fn bare(&mut self, run: &Run) -> Option<usize> {
        let (start, end) = (run.start(), run.end(1));
        let digits = run.digits(1);
        if !(3..=17).contains(&digits.len()) || !self.right_is_clear(end) || self.says_nothing() {
            return None;
        }
        let topics = self.topics_at(start, end);
        self.bare_about(topics, digits, start, end)
    }

    fn bare_about(
        &mut self,
        topics: Topics,
        digits: &[u8],
        start: usize,
        end: usize,
    ) -> Option<usize> {
        if topics.is_empty() {
            return None;
        }
        for bare in BARE {
            if topics.has(bare.topic)
                && bare.lengths.contains(&digits.len())
                && self.wants(bare.detector)
                && (bare.check)(digits)
            {
                self.hit(bare.detector, start, end);
                return Some(end);
            }
        }
        None
    }

    /// `131052-308T`, a Finnish personal identity code.
    fn hetu(&mut self, run: &Run) -> Option<usize> {
        let start = run.start();
        let candidate = self.text.get(start..start + 11)?;
        let sign = !candidate[6].is_ascii_digit();
        if run.lengths(1) != [6]
            || !sign
            || !self.wants(Detector::FiHetu)
            || !self.right_is_clear(start + 11)
        {
            return None;
        }
        checks::europe::nordic::hetu(candidate).then(|| {
            self.hit(Detector::FiHetu, start, start + 11);
            start + 11
        })
    }

    /// `AB 12 34 56 C`, a British national insurance number.
    fn nino_in_groups(&mut self, run: &Run) -> Option<usize> {
        if run.count() < 3
            || run.lengths(3) != [2, 2, 2]
            || run.separator(3) != Some(b' ')
            || !self.wants(Detector::UkNino)
        {
            return None;
        }
        let (from, to) = (run.start().checked_sub(3)?, run.end(3) + 2);
        let text = self.text.get(from..to)?;
        if text[2] != b' ' || text[text.len() - 2] != b' ' || !self.is_clear(from, to) {
            return None;
        }
        let mut candidate = [0; 9];
        candidate[..2].copy_from_slice(&text[..2]);
        candidate[2..8].copy_from_slice(run.digits(3));
        candidate[8] = text[text.len() - 1];
        checks::europe::uk::nino(&candidate).then(|| {
            self.hit(Detector::UkNino, from, to);
            to
        })
    }
}
