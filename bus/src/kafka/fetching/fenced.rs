//! How often this process was fenced by its own instance name.
//!
//! Once in a while that is nobody else: when brokers hang or restart, a request to join may be answered twice, and the broker takes the second
//! for another process. The member joins anew with a new client. Again and again it is another process of the same name: each
//! puts the other out for ever, so this one ends.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// More than so many within so long, and it is another process.
const TIMES_MAX: usize = 3;
const WITHIN: Duration = Duration::from_secs(60);

/// Of all members of a process: they have one name.
#[derive(Debug, Default)]
pub(in crate::kafka) struct Fencings {
    recent: Mutex<Vec<Instant>>,
}

impl Fencings {
    /// It happened again; true when it happens too often.
    pub fn again(&self) -> bool {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|then| now.duration_since(*then) < WITHIN);
        recent.push(now);
        recent.len() > TIMES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seldom_is_nobody_and_often_is_somebody_else() {
        let fencings = Fencings::default();
        let begin = Instant::now();
        for minute in 0..10 {
            assert!(!fencings.at(begin + WITHIN * minute));
        }
        let late = begin + WITHIN * 20;
        assert!((0..3).all(|_| !fencings.at(late)));
        assert!(fencings.at(late + Duration::from_secs(1)));
    }
}
