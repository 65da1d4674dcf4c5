//! What the process knows of its parts.

use std::sync::{Arc, Mutex, MutexGuard};

/// Shared by the stages, which write it, and the admin endpoint, which shows it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<Vec<Part>>>,
}

type Part = (String, Result<(), String>);

impl Health {
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a part, not ready for the reason `starting`.
    pub fn part(&self, name: &str) -> Readiness {
        let mut parts = self.lock();
        parts.push((name.to_owned(), Err("starting".to_owned())));
        Readiness {
            health: self.clone(),
            index: parts.len() - 1,
        }
    }

    /// Each part with the reason why it is not ready, if it isn't.
    pub fn parts(&self) -> Vec<Part> {
        self.lock().clone()
    }

    /// All parts are ready. A process whose parts have not registered yet isn't.
    pub fn is_ready(&self) -> bool {
        let parts = self.lock();
        !parts.is_empty() && parts.iter().all(|(_, state)| state.is_ok())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Part>> {
        self.parts
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// One part's voice in the process's readiness.
#[derive(Clone, Debug)]
pub struct Readiness {
    health: Health,
    index: usize,
}

impl Readiness {
    pub fn ready(&self) {
        self.set(Ok(()));
    }

    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Err(reason.into()));
    }

    fn set(&self, state: Result<(), String>) {
        self.health.lock()[self.index].1 = state;
    }
}
