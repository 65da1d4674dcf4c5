//! How far a session has come: the one place where the threads of a sampler meet.
//!
//! The consumer waits here for room, a rebalance waits here for its last commit; the commit thread reports here.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Why a session can't go on.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Partitions belong to somebody else; a new session starts from the log.
    Fenced(String),
    /// The process has to end.
    Fatal(String),
}

#[derive(Debug, Default)]
struct State {
    /// Epochs below this one are committed.
    committed: u64,
    /// An emit cursor was stopped by its budget: the next epoch should not wait for input.
    backlog: bool,
    /// Every partition is decided and emitted to its end.
    at_rest: bool,
    failure: Option<Failure>,
}

/// Epochs committed so far, and the failure that ended it all.
#[derive(Debug, Default)]
pub struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

impl Progress {
    /// Epoch `epoch` is visible.
    pub fn committed(&self, epoch: u64, backlog: bool, at_rest: bool) {
        let mut state = self.lock();
        state.committed = epoch + 1;
        state.backlog = backlog;
        state.at_rest = at_rest;
        self.changed.notify_all();
    }

    /// The first failure stands.
    pub fn failed(&self, failure: Failure) {
        self.lock().failure.get_or_insert(failure);
        self.changed.notify_all();
    }

    pub fn failure(&self) -> Option<Failure> {
        self.lock().failure.clone()
    }

    pub fn backlog(&self) -> bool {
        self.lock().backlog
    }

    /// All epochs below `next` are committed, and the last of them left nothing to do.
    pub fn rests_before(&self, next: u64) -> bool {
        let state = self.lock();
        state.at_rest && state.committed >= next
    }

    /// Waits until all epochs below `epoch` are committed. False: failed, or not within `timeout`.
    pub fn wait_below(&self, epoch: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            if state.failure.is_some() {
                return false;
            }
            if state.committed >= epoch {
                return true;
            }
            let Some(left) = deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return false;
            };
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
