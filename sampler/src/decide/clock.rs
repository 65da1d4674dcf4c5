//! The clock of one partition: the largest bus timestamp seen, guarded against a record from the future.
//!
//! It is a function of the log alone: the same records in the same order give the same times, from any start whose state
//! (`now_ms`, `jump_ms`) was written down. While no record comes, [`Silence`] says how late it is at least; that is kept apart, see `partition_clock`.
//!
//! A timestamp more than `limit` ahead of the clock is a *jump*. One record cannot make it: record and jump are held back until the
//! next record confirms the jump, by being at most `limit` behind it, or refutes it. A gap in the traffic is a jump that the next
//! record confirms; a lone record from the future is refuted by the next. Two in a row are believed: Kafka rejects timestamps more than
//! an hour ahead by default. On topics with `LogAppendTime`, which Tailwater creates, the broker's clock is the only one, and nothing is held back.

/// The clock of a log.
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

    /// A jump that nothing confirms and nothing refutes, where nothing else is known of the time.
    pub(crate) fn believe(&mut self) {
        self.now_ms = self.now_ms.max(self.jump_ms);
        self.jump_ms = 0;
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

/// What the bus's clock shows at least while no record comes: a bus time that is known, and the monotonic time that has passed since.
///
/// No clock of this host says what time it is, only how much has passed. A record is stamped before it is read, so the bus's clock is never
/// behind this. "Monotonic" is milliseconds of the process's monotonic clock since some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    bus_ms: u64,
    /// A moment at which it was at least so late. `None`: there has been none yet.
    monotonic_ms: Option<u64>,
}

impl Silence {
    /// A time that was reached before this process began.
    pub(crate) fn new(bus_ms: u64) -> Self {
        Self {
            bus_ms,
            monotonic_ms: None,
        }
    }

    /// A record with this timestamp was read.
    pub(crate) fn since(bus_ms: u64, monotonic_ms: u64) -> Self {
        Self {
            bus_ms,
            monotonic_ms: Some(monotonic_ms),
        }
    }

    /// The bus's clock showed this much, whatever a producer's showed.
    pub(crate) fn not_before(self, bus_ms: u64) -> Self {
        Self {
            bus_ms: self.bus_ms.max(bus_ms),
            ..self
        }
    }

    /// Counts from this moment on, if it doesn't count yet.
    pub(crate) fn begin(&mut self, monotonic_ms: u64) {
        self.monotonic_ms.get_or_insert(monotonic_ms);
    }

    /// The bus time at a moment of the monotonic clock, at least.
    pub(crate) fn at(&self, monotonic_ms: u64) -> u64 {
        let since_ms = self.monotonic_ms.unwrap_or(monotonic_ms);
        self.bus_ms
            .saturating_add(monotonic_ms.saturating_sub(since_ms))
    }

    /// What says more of the two.
    pub(crate) fn or_later(self, other: Self, monotonic_ms: u64) -> Self {
        if other.at(monotonic_ms) > self.at(monotonic_ms) {
            other
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_lasts_from_the_record_on() {
        let silence = Silence::since(1_000_000, 77_000);
        assert_eq!(silence.at(77_500), 1_000_500);
        // The moments of two threads may come in the wrong order.
        assert_eq!(silence.at(76_000), 1_000_000);
        let mut silence = Silence::new(1_000_000);
        assert_eq!(silence.at(4000), 1_000_000);
        silence.begin(5000);
        silence.begin(9000);
        assert_eq!(silence.at(6000), 1_001_000);
    }

    #[test]
    fn what_says_more_counts() {
        let (old, new) = (Silence::since(1000, 0), Silence::since(1500, 600));
        assert_eq!(old.or_later(new, 600).at(600), 1600);
        let new = Silence::since(1700, 600);
        assert_eq!(old.or_later(new, 600).at(600), 1700);
    }

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
