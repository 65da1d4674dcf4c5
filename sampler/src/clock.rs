//! The clock of one partition: the largest bus timestamp seen, guarded against a record from the future.
//!
//! It is a function of the log alone: the same records in the same order give the same times, from any start whose state
//! (`now_ms`, `jump_ms`) was written down. Ticks by the wall clock are kept apart from it, see `partition`.
//!
//! A timestamp more than `limit` ahead of the clock is a *jump*. One record cannot make it: the jump is held back until the
//! next record confirms it, by being at most `limit` behind it, or refutes it. A gap in the traffic is a jump that the next
//! record confirms; a lone record from the future is refuted by the next. Two in a row are believed: on topics with
//! `LogAppendTime`, which Tailwater creates, there are none, and Kafka rejects timestamps more than an hour ahead by default.

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogClock {
    now_ms: u64,
    /// The timestamp of the last record, when it was a jump that is held back; 0: none.
    jump_ms: u64,
}

/// What a record's timestamp did to a jump that was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    /// There was none, or it was confirmed.
    Settled,
    /// What was observed at the jump's time has to be moved back to [`LogClock::observed_ms`].
    Refuted,
}

impl LogClock {
    pub(crate) fn new(now_ms: u64, jump_ms: u64) -> Self {
        Self { now_ms, jump_ms }
    }

    /// Time that has passed for sure: deadlines up to it have come.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The jump that is held back; 0: none.
    pub(crate) fn jump_ms(&self) -> u64 {
        self.jump_ms
    }

    /// The time at which the last record was observed: that of the jump while it is held back.
    pub(crate) fn observed_ms(&self) -> u64 {
        self.now_ms.max(self.jump_ms)
    }

    /// The next record's timestamp.
    pub(crate) fn advance(&mut self, timestamp_ms: u64, limit_ms: u64) -> Jump {
        let mut jump = Jump::Settled;
        if self.jump_ms > 0 {
            if timestamp_ms.saturating_add(limit_ms) >= self.jump_ms {
                self.now_ms = self.jump_ms;
            } else {
                jump = Jump::Refuted;
            }
            self.jump_ms = 0;
        }
        if timestamp_ms > self.now_ms.saturating_add(limit_ms) {
            self.jump_ms = timestamp_ms;
        } else {
            self.now_ms = self.now_ms.max(timestamp_ms);
        }
        jump
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds timestamps (limit 100) and compares the clock after each.
    #[track_caller]
    fn check(timestamps: &[u64], expected: &[u64]) {
        let mut clock = LogClock::new(0, 0);
        let times: Vec<_> = timestamps
            .iter()
            .map(|&timestamp| {
                clock.advance(timestamp, 100);
                clock.now_ms()
            })
            .collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn time_never_goes_back() {
        check(&[1000, 1010, 1005, 1020], &[0, 1010, 1010, 1020]);
    }

    #[test]
    fn a_lone_record_from_the_future_moves_nothing() {
        check(
            &[1000, 1000, 9_000_000, 1010, 1020],
            &[0, 1000, 1000, 1010, 1020],
        );
    }

    #[test]
    fn a_gap_is_confirmed_by_the_next_record() {
        check(
            &[1000, 1000, 50_000, 49_990, 50_010],
            &[0, 1000, 1000, 50_000, 50_010],
        );
    }

    #[test]
    fn sparse_traffic_follows_one_record_behind() {
        check(&[1000, 2000, 3000, 4000], &[0, 1000, 2000, 3000]);
    }

    #[test]
    fn a_first_record_from_the_future_is_refuted_too() {
        check(&[9_000_000, 1000, 1001], &[0, 0, 1001]);
    }
}
