//! How far a group is on one partition: its cursors, what it has read, and how old what it has not passed is.

use std::collections::VecDeque;
use std::time::Duration;

use super::ends::{Age, Ends};
use crate::{Assigned, Fetched, Position};

/// Bus times of records are kept this far apart, and at most so many: they date what was there before the first look.
const TIMES_EVERY_MS: u64 = 1000;
const TIMES_MAX: usize = 1024;

/// A second cursor that a stage writes into the metadata of its positions.
pub type SecondCursor = fn(&str) -> Option<u64>;

/// How a stage's cursors are called.
#[derive(Clone, Copy)]
pub struct Cursors {
    /// What is committed as the position.
    pub committed: &'static str,
    /// A cursor ahead of it, and how to find it in a position's metadata.
    pub ahead: Option<(&'static str, SecondCursor)>,
}

impl Default for Cursors {
    fn default() -> Self {
        Self {
            committed: "committed",
            ahead: None,
        }
    }
}

/// One owned partition.
#[derive(Debug, Default)]
pub(super) struct Progress {
    committed: Option<u64>,
    ahead: Option<u64>,
    /// One past the last record that was read.
    read: Option<u64>,
    /// The reader said that it had read everything, and has read nothing since.
    is_at_end: bool,
    /// The end at the first look after it said so.
    end_then: Option<u64>,
    /// Offset and bus time of records that were read, about a second apart.
    times: VecDeque<(u64, u64)>,
    start: u64,
    ends: Ends,
}

/// What a cursor has not passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lag {
    pub records: u64,
    pub age: Duration,
}

impl Progress {
    pub(super) fn new(assigned: &Assigned, cursors: &Cursors) -> Self {
        let mut progress = Self::default();
        if let Some(position) = &assigned.committed {
            progress.committed(position, cursors);
        }
        progress
    }

    pub(super) fn committed(&mut self, position: &Position, cursors: &Cursors) {
        self.committed = Some(position.offset);
        if let Some((_, parse)) = cursors.ahead {
            self.ahead = parse(&position.metadata).or(self.ahead);
        }
        while (self.times.get(1)).is_some_and(|(offset, _)| *offset <= position.offset) {
            self.times.pop_front();
        }
    }

    pub(super) fn read(&mut self, record: &Fetched) {
        self.read = Some(record.offset + 1);
        (self.is_at_end, self.end_then) = (false, None);
        let apart = self.times.back().is_none_or(|(offset, time)| {
            record.offset > *offset && record.timestamp_ms >= time + TIMES_EVERY_MS
        });
        if apart && self.times.len() < TIMES_MAX {
            self.times.push_back((record.offset, record.timestamp_ms));
        }
    }

    pub(super) fn caught_up(&mut self) {
        self.is_at_end = true;
    }

    pub(super) fn look(&mut self, now: Duration, range: &std::ops::Range<u64>) {
        self.start = range.start;
        self.ends.note(now, range.end);
        if self.is_at_end && *self.end_then.get_or_insert(range.end) < range.end {
            // More came, which it has not read: it may be that it never will.
            (self.is_at_end, self.end_then) = (false, None);
        }
    }

    /// Of the committed cursor, and of the one ahead of it; `None` before the first look.
    pub(super) fn lags(
        &self,
        cursors: &Cursors,
        now: Duration,
        wall_ms: u64,
    ) -> Option<Vec<(&'static str, Lag)>> {
        let end = self.ends.last()?;
        let committed = self.committed.unwrap_or(self.start);
        let mut lags = vec![(cursors.committed, self.lag(committed, end, now, wall_ms))];
        if let Some((name, _)) = cursors.ahead {
            let ahead = self.ahead.unwrap_or(0).max(committed);
            lags.push((name, self.lag(ahead, end, now, wall_ms)));
        }
        Some(lags)
    }

    fn lag(&self, cursor: u64, end: u64, now: Duration, wall_ms: u64) -> Lag {
        let cursor = cursor.max(self.start);
        // What lies between the last record and the end is nothing that a reader ever sees, such as the marks of transactions.
        let passed_all = self.is_at_end && cursor >= self.read.unwrap_or(0);
        if passed_all || cursor >= end {
            return Lag {
                records: 0,
                age: Duration::ZERO,
            };
        }
        let age = match self.ends.age(cursor, now) {
            None => Duration::ZERO,
            Some(Age::About(age)) => age,
            Some(Age::AtLeast(age)) => {
                let written_ms = self.time_ms(cursor);
                let by_clocks = written_ms.map_or(0, |time_ms| wall_ms.saturating_sub(time_ms));
                age.max(Duration::from_millis(by_clocks))
            }
        };
        Lag {
            records: end - cursor,
            age,
        }
    }

    /// The bus time of the record at `offset`, to a second, if it was read.
    fn time_ms(&self, offset: u64) -> Option<u64> {
        let after = (self.times).partition_point(|(at, _)| *at <= offset);
        let near = self.times.get(after.saturating_sub(1))?;
        Some(near.1)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::TopicPartition;

    const NOW_MS: u64 = 1_000_000;

    fn at() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    fn position(offset: u64, metadata: &str) -> Position {
        Position {
            at: at(),
            offset,
            metadata: metadata.to_owned(),
        }
    }

    fn record(offset: u64, timestamp_ms: u64) -> Fetched {
        Fetched {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp_ms,
            headers: Vec::new(),
            value: Bytes::new(),
        }
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn only(progress: &Progress, now: u64) -> (u64, u64) {
        let lags = progress.lags(&Cursors::default(), secs(now), NOW_MS);
        let lag = lags.expect("there was a look")[0].1;
        (lag.records, lag.age.as_secs())
    }

    #[test]
    fn nothing_is_said_before_the_bus_was_asked() {
        let progress = Progress::default();
        assert!(
            progress
                .lags(&Cursors::default(), secs(1), NOW_MS)
                .is_none()
        );
    }

    #[test]
    fn a_cursor_that_stands_still_grows_old() {
        let cursors = Cursors::default();
        let mut progress = Progress::default();
        progress.look(secs(0), &(0..10));
        progress.committed(&position(10, ""), &cursors);
        assert_eq!(only(&progress, 0), (0, 0));
        progress.look(secs(2), &(0..12));
        progress.look(secs(4), &(0..15));
        assert_eq!(only(&progress, 62), (5, 60));
        progress.committed(&position(12, ""), &cursors);
        assert_eq!(only(&progress, 62), (3, 58));
        progress.committed(&position(15, ""), &cursors);
        assert_eq!(only(&progress, 62), (0, 0));
        // Retention has moved the beginning past the cursor.
        progress.look(secs(64), &(18..20));
        assert_eq!(only(&progress, 64), (2, 0));
    }

    /// An hour of records lay there before this process came.
    #[test]
    fn what_was_there_before_is_dated_by_the_bus() {
        let mut progress = Progress::default();
        progress.look(secs(0), &(0..10));
        progress.read(&record(0, NOW_MS - 500_000));
        progress.read(&record(1, NOW_MS - 400_000));
        assert_eq!(only(&progress, 3), (10, 500));
        progress.committed(&position(1, ""), &Cursors::default());
        assert_eq!(only(&progress, 3), (9, 400));
    }

    /// On Kafka a transaction leaves a mark behind the last record, which nobody can pass.
    #[test]
    fn marks_of_transactions_are_no_lag() {
        let mut progress = Progress::default();
        progress.look(secs(0), &(0..4));
        progress.read(&record(2, 7));
        progress.committed(&position(3, ""), &Cursors::default());
        assert_eq!(only(&progress, 9).0, 1);
        progress.caught_up();
        assert_eq!(only(&progress, 9), (0, 0));
        progress.committed(&position(2, ""), &Cursors::default());
        assert_eq!(only(&progress, 9).0, 2);
    }

    #[test]
    fn the_sampler_has_two_cursors() {
        let cursors = Cursors {
            committed: "emit",
            ahead: Some(("decide", |metadata| metadata.parse().ok())),
        };
        let assigned = Assigned {
            at: at(),
            committed: Some(position(3, "8")),
        };
        let mut progress = Progress::new(&assigned, &cursors);
        progress.look(secs(0), &(0..10));
        let lags = progress.lags(&cursors, secs(5), NOW_MS).expect("a look");
        let records: Vec<_> = lags
            .iter()
            .map(|(name, lag)| (*name, lag.records))
            .collect();
        assert_eq!(records, [("emit", 7), ("decide", 2)]);
    }
}
