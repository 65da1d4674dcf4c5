//! When a partition's log grew past an offset, as far as anybody looked: the age of a record without reading it, and without anybody's clock.

use std::collections::VecDeque;
use std::time::Duration;

/// Beyond this samples are thinned: the further back, the coarser.
const SAMPLES_MAX: usize = 128;

/// The end of one partition over time. Times are since any fixed moment.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// When each end was first seen; both grow.
    samples: VecDeque<(Duration, u64)>,
}

/// How long a record has been on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// This long, or up to one look longer.
    About(Duration),
    /// It was there at the first look, this long ago.
    AtLeast(Duration),
}

impl Ends {
    pub(super) fn note(&mut self, now: Duration, end: u64) {
        match self.samples.back() {
            Some((_, last)) if end == *last => return,
            // The log went back: what was seen before says nothing about it.
            Some((_, last)) if end < *last => self.samples.clear(),
            _ => {}
        }
        self.samples.push_back((now, end));
        if self.samples.len() > SAMPLES_MAX {
            self.thin(now);
        }
    }

    /// Removes the sample that is missed least: ages that it gave will be told too small by the smallest part of them. The first stays, since it
    /// says since when there was a look, and so does the last.
    fn thin(&mut self, now: Duration) {
        let error = |at: usize| {
            let before = (now - self.samples[at - 1].0).as_secs_f64();
            let after = (now - self.samples[at + 1].0).as_secs_f64();
            (before - after) / before
        };
        let candidates = 1..self.samples.len() - 1;
        if let Some(least) = candidates.min_by(|a, b| error(*a).total_cmp(&error(*b))) {
            self.samples.remove(least);
        }
    }

    pub(super) fn last(&self) -> Option<u64> {
        self.samples.back().map(|(_, end)| *end)
    }

    /// The age of the record at `offset`; `None`: there is no such record, as far as was seen.
    pub(super) fn age(&self, offset: u64, now: Duration) -> Option<Age> {
        let first = (self.samples).partition_point(|(_, end)| *end <= offset);
        let (seen, _) = self.samples.get(first)?;
        let age = now.saturating_sub(*seen);
        Some(match first {
            0 => Age::AtLeast(age),
            _ => Age::About(age),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_record_is_as_old_as_the_look_that_first_saw_it() {
        let mut ends = Ends::default();
        assert_eq!(ends.age(0, s(1)), None);
        for (at, end) in [(10, 5), (12, 5), (14, 9), (16, 9)] {
            ends.note(s(at), end);
        }
        assert_eq!(ends.age(4, s(20)), Some(Age::AtLeast(s(10))));
        assert_eq!(ends.age(5, s(20)), Some(Age::About(s(6))));
        assert_eq!(ends.age(9, s(20)), None);
        ends.note(s(20), 3);
        assert_eq!(ends.age(2, s(21)), Some(Age::AtLeast(s(1))));
    }

    proptest! {
        /// Against all samples: never older than the truth, and younger by a tenth of it at most.
        #[test]
        fn thinned_samples_tell_about_the_same(steps in proptest::collection::vec(1..5u64, 1..2000), back in 0..3000u64) {
            let mut ends = Ends::default();
            let (mut end, mut now) = (0, 0);
            let mut all = Vec::new();
            for step in steps {
                (end, now) = (end + step, now + 2);
                ends.note(s(now), end);
                all.push((now, end));
            }
            prop_assert!(ends.samples.len() <= SAMPLES_MAX);
            let offset = end.saturating_sub(1 + back);
            let (seen, _) = all.iter().find(|(_, end)| *end > offset).copied().unwrap_or_default();
            let truth = now - seen;
            let told = match ends.age(offset, s(now)) {
                Some(Age::About(age) | Age::AtLeast(age)) => age.as_secs(),
                None => 0,
            };
            prop_assert!(told <= truth && told + truth / 10 + 8 >= truth, "{told} s told, {truth} s true");
        }
    }
}
