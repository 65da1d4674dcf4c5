//! The clock of one partition: the largest bus timestamp seen, guarded against a record from the future.
//!
//! It is a function of the log alone: the same records in the same order give the same times, from any start whose state
//! (`now_ms`, `jump_ms`) was written down. Ticks by the wall clock are kept apart from it, see `partition`.
//!
//! A timestamp more than `limit` ahead of the clock is a *jump*. One record cannot make it: record and jump are held back until the
//! next record confirms the jump, by being at most `limit` behind it, or refutes it. A gap in the traffic is a jump that the next
//! record confirms; a lone record from the future is refuted by the next. Two in a row are believed: on topics with
//! `LogAppendTime`, which Tailwater creates, there are none, and Kafka rejects timestamps more than an hour ahead by default.

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogClock {
    now_ms: u64,
    /// The timestamp of the last record, when it was a jump that is held back; 0: none.
    jump_ms: u64,
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

    /// What the next record's timestamp says of a jump that is held back: afterwards there is none, and the clock stands where
    /// the record that made it is to be applied.
    pub(crate) fn resolve(&mut self, timestamp_ms: u64, limit_ms: u64) {
        if self.confirms(timestamp_ms, limit_ms) {
            self.now_ms = self.jump_ms;
        }
        self.jump_ms = 0;
    }

    pub(crate) fn confirms(&self, timestamp_ms: u64, limit_ms: u64) -> bool {
        self.jump_ms > self.now_ms && timestamp_ms.saturating_add(limit_ms) >= self.jump_ms
    }

    /// The next record's timestamp, after [`LogClock::resolve`]. `false`: it is a jump, the record is to be held back.
    pub(crate) fn advance(&mut self, timestamp_ms: u64, limit_ms: u64) -> bool {
        if timestamp_ms > self.now_ms.saturating_add(limit_ms) {
            self.jump_ms = timestamp_ms;
            return false;
        }
        self.now_ms = self.now_ms.max(timestamp_ms);
        true
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
                clock.resolve(timestamp, 100);
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
