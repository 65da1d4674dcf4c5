//! Other steps while the stage runs.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::steps::Steps;

/// The way from whoever reads the configuration again to the stage, which follows it through all of its memberships.
#[derive(Clone, Debug, Default)]
pub struct Reload {
    newest: Arc<Mutex<Option<Arc<Steps>>>>,
}

impl Reload {
    /// The steps take effect with the next batch; everything else in the section waits for a restart.
    pub fn apply(&self, config: &Config) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(config.steps.clone());
    }

    /// The newest steps, once everything that they need is there; `None`: those of the start.
    pub(super) fn complete(&self) -> Option<Arc<Steps>> {
        let newest = self.newest()?;
        let is_complete = newest.tables().all(|table| table.is_loaded());
        is_complete.then_some(newest)
    }

    /// The newest steps; `None`: those of the start.
    pub(super) fn newest(&self) -> Option<Arc<Steps>> {
        self.newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
