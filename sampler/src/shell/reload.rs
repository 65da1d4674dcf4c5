//! The way to give a running sampler another configuration.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;

/// Where the next configuration waits for the end of an epoch. The latest counts.
#[derive(Clone, Default)]
pub struct Reload {
    next: Arc<Mutex<Option<Config>>>,
}

impl Reload {
    /// Policies and options take effect with the next epoch, in all workers at once; what only counts at the start, such as `workers`, doesn't.
    pub fn apply(&self, config: Config) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(config);
    }

    pub(crate) fn is_pending(&self) -> bool {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.is_some()
    }

    pub(crate) fn take(&self) -> Option<Config> {
        self.next
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}
