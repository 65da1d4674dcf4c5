//! The clock that stamps records. It never stands still and never jumps, whatever the host's clock does.
//!
//! Verdicts depend on the time between two records. So between two records the host's monotonic clock counts, and the wall clock only
//! says where to begin. A wall clock that is set back changes nothing until the log is opened again, and then the stamps go on from
//! the newest one in it. One that is set forward is caught up with slowly: a window of 60 s never closes more than 3 s early.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The most by which stamps run faster than time while they catch up with the wall clock: one part in so many.
const CATCH_UP: u32 = 20;

/// The present, as this machine has it.
pub(in crate::embedded) fn steady() -> Clock {
    // In this order: what passes in between is caught up with, whereas it would never be given back.
    let steady = Mutex::new(Steady::new(wall()));
    let began = Instant::now();
    Arc::new(move || {
        let mut steady = steady.lock().unwrap_or_else(PoisonError::into_inner);
        let now = steady.at(began.elapsed(), wall());
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    })
}

/// The only wall clock in the bus.
fn wall() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A clock that goes by a monotonic one.
#[derive(Debug)]
struct Steady {
    now: Duration,
    monotonic: Duration,
}

impl Steady {
    /// It begins with the wall clock.
    fn new(wall: Duration) -> Self {
        Self {
            now: wall,
            monotonic: Duration::ZERO,
        }
    }

    fn at(&mut self, monotonic: Duration, wall: Duration) -> Duration {
        let passed = monotonic.saturating_sub(self.monotonic);
        self.monotonic = self.monotonic.max(monotonic);
        self.now += passed;
        let behind = wall.saturating_sub(self.now);
        self.now += behind.min(passed / CATCH_UP);
        self.now
    }
}

/// What a log is stamped with: a clock that goes on where the log ends.
pub(in crate::embedded) struct Stamps {
    clock: Clock,
    /// Added to the clock, which was behind the log when it was opened, or was set back since.
    ahead_ms: u64,
    last_ms: u64,
}

impl Stamps {
    /// `last_ms`: the newest stamp in the log.
    pub(in crate::embedded) fn new(clock: Clock, last_ms: u64) -> Self {
        Self {
            clock,
            ahead_ms: 0,
            last_ms,
        }
    }

    pub(in crate::embedded) fn now_ms(&mut self) -> u64 {
        let now_ms = (self.clock)().saturating_add(self.ahead_ms);
        let behind_ms = self.last_ms.saturating_sub(now_ms);
        self.ahead_ms += behind_ms;
        self.last_ms = now_ms + behind_ms;
        self.last_ms
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const HOUR: u64 = 3_600_000;

    /// A second passes at a time while the wall clock shows these milliseconds; what the steady clock makes of it.
    #[track_caller]
    fn check(walls: &[u64], expected: &[u64]) {
        let millis = Duration::from_millis;
        let mut steady = Steady::new(millis(walls[0]));
        let seconds = (0..).map(|second| millis(1000 * second));
        let shown: Vec<_> = seconds
            .zip(walls)
            .map(|(monotonic, wall)| steady.at(monotonic, millis(*wall)).as_millis() as u64)
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn it_goes_with_a_wall_clock_that_is_right() {
        check(&[5000, 6000, 7000], &[5000, 6000, 7000]);
    }

    #[test]
    fn a_wall_clock_that_is_set_back_changes_nothing() {
        check(
            &[HOUR, HOUR + 1000, 7, 1007, 2007],
            &[HOUR, HOUR + 1000, HOUR + 2000, HOUR + 3000, HOUR + 4000],
        );
    }

    #[test]
    fn one_that_is_set_forward_is_caught_up_with_slowly() {
        check(
            &[0, 1000, HOUR, HOUR + 1000, 4090],
            &[0, 1000, 2050, 3100, 4100],
        );
    }

    /// Time goes on where it stood, at the pace of the clock.
    #[test]
    fn stamps_go_on_from_the_newest_in_the_log() {
        let shown = Arc::new(AtomicU64::new(7));
        let clock = shown.clone();
        let mut stamps = Stamps::new(Arc::new(move || clock.load(Ordering::Relaxed)), HOUR);
        let mut at = |ms: u64| {
            shown.store(ms, Ordering::Relaxed);
            stamps.now_ms()
        };
        assert_eq!(at(7), HOUR);
        assert_eq!(at(1007), HOUR + 1000);
        // Set back once more, and forward.
        assert_eq!(at(20), HOUR + 1000);
        assert_eq!(at(520), HOUR + 1500);
        assert_eq!(at(2 * HOUR), 3 * HOUR + 980);
    }
}
