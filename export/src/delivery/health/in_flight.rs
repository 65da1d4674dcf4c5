//! Requests that the backend has not answered, and for how long it has answered none.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A backend that answers none of the requests in flight for this long takes nothing.
const SILENT_AFTER: Duration = Duration::from_secs(6);

#[derive(Debug, Default)]
pub struct InFlight {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: usize,
    /// Since when there are some and none was answered.
    silent_since: Option<Instant>,
}

impl InFlight {
    pub fn begin(&self, now: Instant) {
        let mut state = self.state();
        state.requests += 1;
        state.silent_since.get_or_insert(now);
    }

    /// One was answered.
    pub fn end(&self, now: Instant) {
        let mut state = self.state();
        state.requests -= 1;
        state.silent_since = (state.requests > 0).then_some(now);
    }

    /// For how long nothing was answered, when that is too long.
    pub fn silent_for(&self) -> Option<Duration> {
        let silent = self.state().silent_since?.elapsed();
        (silent >= SILENT_AFTER).then_some(silent)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
