//! The pods that are known: an index that one thread fills from the bus, and that steps read.

mod follower;
mod lookups;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use k8s::{Entry, Index, Kind};

pub(crate) use follower::Follower;
pub(crate) use lookups::{Lookups, Outcome};

/// Shared by whoever fills it and whoever reads it.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    index: RwLock<Index>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Counts changes.
    generation: u64,
    /// Somebody fills it.
    is_followed: bool,
    /// Some cluster has told all of its pods.
    is_listed: bool,
    /// All that was on the bus at the start was read.
    is_read: bool,
}

impl Pods {
    /// Takes over what a record says.
    pub fn apply(&self, entries: Vec<Entry>) {
        let mut index = self
            .shared
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut is_listed = false;
        for entry in entries {
            is_listed |= matches!(
                entry,
                Entry::Listed {
                    kind: Kind::Pod,
                    ..
                }
            );
            index.apply(entry);
        }
        drop(index);
        self.change(|state| state.is_listed |= is_listed);
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.shared
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn expire(&self, now_ms: u64) {
        let mut index = self
            .shared
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        index.expire(now_ms);
    }

    /// Whether all is known that clusters had when this process started.
    fn is_complete(&self) -> bool {
        let state = self.state();
        state.is_listed && state.is_read
    }

    /// All that was on the bus at the start was read.
    fn read_all(&self) {
        if !self.state().is_read {
            self.change(|state| state.is_read = true);
        }
    }

    fn is_followed(&self) -> bool {
        self.state().is_followed
    }

    fn generation(&self) -> u64 {
        self.state().generation
    }

    /// Blocks until anything has changed since then; `false`: not within that time.
    fn wait(&self, generation: u64, until: Instant) -> bool {
        let timeout = until.saturating_duration_since(Instant::now());
        let same = |state: &mut State| state.generation == generation;
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.state(), timeout, same);
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        state.generation += 1;
        change(&mut state);
        drop(state);
        self.shared.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
