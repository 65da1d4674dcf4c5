//! Other backends while the stage runs.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Config;

/// What the stage waits for.
#[derive(Debug)]
pub(super) enum Event {
    /// There is another configuration.
    Changed,
    /// The stage is to end.
    Drain,
    /// A backend has ended.
    Ended {
        name: String,
        outcome: anyhow::Result<()>,
    },
}

/// The way from whoever reads the configuration again to the stage.
#[derive(Clone, Debug, Default)]
pub struct Reload {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Not taken by the stage yet.
    newest: Option<Config>,
    stage: Option<Sender<Event>>,
}

impl Reload {
    /// Backends that changed are drained and started anew, those that are gone are drained, new ones are started; the others go on.
    pub fn apply(&self, config: Config) {
        let mut state = self.state();
        state.newest = Some(config);
        if let Some(stage) = &state.stage {
            // A stage that has ended needs no configuration.
            let _ = stage.send(Event::Changed);
        }
    }

    /// The stage runs, and is to be told of changes.
    pub(super) fn follow(&self, stage: Sender<Event>) {
        let mut state = self.state();
        if state.newest.is_some() {
            let _ = stage.send(Event::Changed);
        }
        state.stage = Some(stage);
    }

    /// The stage has ended.
    pub(super) fn leave(&self) {
        self.state().stage = None;
    }

    pub(super) fn take(&self) -> Option<Config> {
        self.state().newest.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
