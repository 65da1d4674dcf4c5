//! When a credential is asked for again. Pure: time is given.

use std::time::{Duration, Instant};

/// Of what doesn't expire: files may have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// However short a life is.
const REFRESH_MIN: Duration = Duration::from_millis(200);
/// After a first failure; doubled up to the second with each that follows.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Schedule {
    next: Instant,
    failures: u32,
}

impl Schedule {
    /// At once.
    pub fn new(now: Instant) -> Self {
        Self {
            next: now,
            failures: 0,
        }
    }

    pub fn is_due(&self, now: Instant) -> bool {
        now >= self.next
    }

    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// How long there is nothing to do.
    pub fn wait(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }

    /// There is one, with so much of its life left; `None`: it doesn't expire. How often it had failed before.
    ///
    /// The next one is asked for at 80 % of that. A server that hands out the same token until shortly before its end is asked again at 80 % of
    /// what is left then, and so on.
    pub fn taken(&mut self, left: Option<Duration>, now: Instant) -> u32 {
        let wait = left.map_or(LOOK_AGAIN, |left| left.mul_f64(0.8));
        self.next = now + wait.max(REFRESH_MIN);
        std::mem::take(&mut self.failures)
    }

    /// There is none. Whether that is new.
    pub fn failed(&mut self, now: Instant) -> bool {
        let wait = AGAIN_AFTER.saturating_mul(1 << self.failures.min(6));
        self.next = now + wait.min(AGAIN_AFTER_MAX);
        self.failures = self.failures.saturating_add(1);
        self.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_is_asked_for_at_four_fifths_of_a_life() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now);
        assert!(schedule.is_due(now));
        schedule.taken(Some(Duration::from_secs(3600)), now);
        assert_eq!(schedule.wait(now), Duration::from_secs(2880));
        assert!(!schedule.is_due(now + Duration::from_secs(2879)));
        // Handed out again shortly before its end.
        schedule.taken(Some(Duration::from_secs(720)), now);
        assert_eq!(schedule.wait(now), Duration::from_secs(576));
        schedule.taken(None, now);
        assert_eq!(schedule.wait(now), LOOK_AGAIN);
        schedule.taken(Some(Duration::ZERO), now);
        assert_eq!(schedule.wait(now), REFRESH_MIN);
    }

    #[test]
    fn failures_are_further_and_further_apart() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now);
        let waits: Vec<_> = (0..8)
            .map(|times| {
                assert_eq!(schedule.failed(now), times == 0);
                schedule.wait(now).as_secs()
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(schedule.taken(None, now), 8);
        assert!(!schedule.is_failing());
    }
}
