//! Waking a waiting reader or member: a flag with a condition variable, one per waiter.
//!
//! Each waiter registers with the topics it reads, so that a write wakes only those whom it concerns.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Set by the writer and the groups, consumed by one waiter.
#[derive(Default)]
pub(in crate::embedded) struct Signal {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub(in crate::embedded) fn notify(&self) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if !*set {
            *set = true;
            self.changed.notify_all();
        }
    }

    /// Forgets earlier notifications: whoever clears, and then looks, misses nothing.
    pub(in crate::embedded) fn clear(&self) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until notified or until `deadline`; returns whether it was notified.
    pub(in crate::embedded) fn wait_until(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        self.wait(left)
    }

    fn wait(&self, timeout: Duration) -> bool {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, _) = self
            .changed
            .wait_timeout_while(set, timeout, |set| !*set)
            .unwrap_or_else(PoisonError::into_inner);
        *set
    }
}
