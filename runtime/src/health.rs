//! What the process knows of its parts.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::names;

/// Shared by the stages, which write it, and the admin endpoint, which shows it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<Vec<Part>>>,
}

/// One part as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Or why it isn't ready.
    pub state: Result<(), String>,
    /// The process isn't ready without it.
    pub is_needed: bool,
    /// It no longer runs.
    is_retired: bool,
}

impl Health {
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a part that the process needs, not ready for the reason `starting`.
    pub fn part(&self, name: &str) -> Readiness {
        self.register(name, true)
    }

    /// Registers a part that is shown, but whose trouble is somebody else's: a backend that is away must not take the process out of service.
    pub fn shown(&self, name: &str) -> Readiness {
        self.register(name, false)
    }

    fn register(&self, name: &str, is_needed: bool) -> Readiness {
        let mut parts = self.lock();
        let part = Part {
            name: name.to_owned(),
            state: Err("starting".to_owned()),
            is_needed,
            is_retired: false,
        };
        // One that comes again is the same part.
        let known = parts.iter().position(|part| part.name == name);
        let index = known.unwrap_or(parts.len());
        match parts.get_mut(index) {
            Some(known) => *known = part,
            None => parts.push(part),
        }
        Readiness {
            health: self.clone(),
            index,
        }
    }

    pub fn parts(&self) -> Vec<Part> {
        let parts = self.lock();
        let parts = parts.iter().filter(|part| !part.is_retired);
        parts.cloned().collect()
    }

    /// All needed parts are ready. A process whose parts have not registered yet isn't.
    pub fn is_ready(&self) -> bool {
        let parts = self.lock();
        !parts.is_empty() && (parts.iter().filter(|part| part.is_needed)).all(Part::is_ready)
    }

    /// Appends `tailwater_part_ready` in Prometheus's text format.
    pub fn render(&self, out: &mut String) {
        let name = names::PART_READY;
        let _ = writeln!(
            out,
            "# HELP {name} 1 when the part is ready, 0 when it isn't.\n# TYPE {name} gauge"
        );
        for part in self.parts() {
            let ready = u8::from(part.is_ready());
            let _ = writeln!(out, "{name}{{part=\"{}\"}} {ready}", part.name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Part>> {
        self.parts
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Part {
    pub fn is_ready(&self) -> bool {
        self.state.is_ok()
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

    /// Whether all parts of the process are ready, this one among them: what `/readyz` says.
    pub fn process_is_ready(&self) -> bool {
        self.health.is_ready()
    }

    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Err(reason.into()));
    }

    /// The part is no longer there: it isn't shown.
    pub fn retire(&self) {
        self.health.lock()[self.index].is_retired = true;
    }

    /// Ready, or not for this reason.
    pub fn set(&self, state: Result<(), String>) {
        self.health.lock()[self.index].state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_only_shown_does_not_count() {
        let health = Health::new();
        assert!(!health.is_ready(), "nothing has registered");
        let (bus, backend) = (health.part("bus"), health.shown("export/a"));
        bus.ready();
        backend.not_ready("no answer");
        assert!(health.is_ready());
        let mut text = String::new();
        health.render(&mut text);
        assert!(
            text.contains("tailwater_part_ready{part=\"bus\"} 1\n"),
            "{text}"
        );
        assert!(
            text.contains("tailwater_part_ready{part=\"export/a\"} 0\n"),
            "{text}"
        );
        bus.not_ready("away");
        assert!(!health.is_ready());
    }
}
