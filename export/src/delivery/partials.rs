//! What backends take in part is logged once a minute, not for each request: one client with bad data would fill the log. Counters have all.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::outcome::Accepted;

const EVERY: Duration = Duration::from_secs(60);

/// What wasn't logged yet.
#[derive(Debug, Default)]
pub struct Partials(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    logged_at: Option<Instant>,
    since: Partial,
}

/// Requests that were taken in part, or with a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    pub requests: u64,
    /// Items of them that weren't taken.
    pub refused: u64,
}

impl Partials {
    /// What is to be logged now, this one and those before it that weren't.
    pub fn note(&self, accepted: &Accepted, now: Instant) -> Option<Partial> {
        if accepted.refused == 0 && accepted.message.is_empty() {
            return None;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.since.requests += 1;
        state.since.refused += accepted.refused;
        if state.logged_at.is_some_and(|at| now - at < EVERY) {
            return None;
        }
        state.logged_at = Some(now);
        Some(std::mem::take(&mut state.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_logged_at_once_and_others_once_a_minute() {
        let partials = Partials::default();
        let partial = |refused| Accepted {
            refused,
            message: "why".into(),
        };
        let start = Instant::now();
        let note = |seconds, refused| {
            let logged = partials.note(&partial(refused), start + Duration::from_secs(seconds));
            logged.map(|partial| (partial.requests, partial.refused))
        };
        assert_eq!(note(0, 3), Some((1, 3)));
        assert_eq!(note(1, 4), None);
        assert_eq!(note(59, 0), None);
        assert_eq!(note(60, 5), Some((3, 9)));
        assert_eq!(partials.note(&Accepted::default(), start), None);
    }
}
