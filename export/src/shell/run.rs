//! All backends side by side, a thread each, while their configuration may change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::Scope;
use std::time::Duration;

use anyhow::anyhow;
use bus::Bus;
use runtime::{Drain, Health, Readiness};
use schemas::Topics;

use crate::config::{Backend, Config};
use crate::shell::backend::BackendRun;
use crate::shell::reload::{Event, Reload};

/// Runs all backends side by side until they are drained. Blocks. When one can't go on, the others are drained,
/// and its error is returned; but one that can't be set up as a changed configuration wants it is only said not to be ready.
///
/// The topics `clean` of all signals and `dead_letters` must exist.
///
/// # Errors
/// A backend that can't be set up (certificates, a file), or a bus that can't be used any more. A backend that is down is none.
pub fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    topics: &Topics,
    instance: &str,
    reload: &Reload,
    health: &Health,
    drain: &Drain,
) -> anyhow::Result<()> {
    let (events, received) = channel();
    let common = Common {
        bus,
        topics,
        instance,
        health,
        events: events.clone(),
    };
    std::thread::scope(|scope| {
        let asked = drain.clone();
        scope.spawn(move || {
            while !asked.wait(Duration::from_secs(3600)) {}
            // It may have ended by itself.
            let _ = events.send(Event::Drain);
        });
        let mut running = Running {
            scope,
            common: &common,
            backends: BTreeMap::new(),
            is_draining: false,
            first_error: Ok(()),
        };
        running.start_all(config.backends);
        reload.follow(common.events.clone());
        while !(running.backends.is_empty() && running.is_draining)
            && let Ok(event) = received.recv()
        {
            match event {
                Event::Changed => running.change(reload.take()),
                Event::Drain => running.drain(),
                Event::Ended { name, outcome } => running.ended(&name, outcome),
            }
        }
        reload.leave();
        // For who waits above.
        drain.request();
        running.first_error
    })
}

/// What all backends are run with.
struct Common<'a> {
    bus: Arc<dyn Bus>,
    topics: &'a Topics,
    instance: &'a str,
    health: &'a Health,
    events: Sender<Event>,
}

struct Running<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    common: &'env Common<'env>,
    backends: BTreeMap<String, One>,
    is_draining: bool,
    first_error: anyhow::Result<()>,
}

/// A backend that runs.
struct One {
    fingerprint: u64,
    drain: Drain,
    ready: Readiness,
    /// What becomes of it when it has ended, where the configuration has changed.
    next: Option<Next>,
    /// It was started by a change.
    is_changed: bool,
}

enum Next {
    Start(Box<Backend>),
    Nothing,
}

impl Running<'_, '_> {
    fn start_all(&mut self, backends: Vec<Backend>) {
        for backend in backends {
            self.start(backend, false);
        }
    }

    fn start(&mut self, backend: Backend, is_changed: bool) {
        let name = backend.name.clone();
        let one = One {
            fingerprint: backend.fingerprint,
            drain: Drain::new(),
            ready: self.common.health.shown(&format!("export/{name}")),
            next: None,
            is_changed,
        };
        let run = BackendRun {
            backend,
            bus: self.common.bus.clone(),
            topics: self.common.topics.clone(),
            instance: self.common.instance.to_owned(),
            ready: one.ready.clone(),
            drain: one.drain.clone(),
        };
        let (events, own) = (self.common.events.clone(), name.clone());
        let work = move || {
            let run = std::panic::AssertUnwindSafe(|| run.run());
            let outcome = std::panic::catch_unwind(run);
            let outcome = outcome.unwrap_or_else(|_| Err(anyhow!("the exporter panicked")));
            // Who waits for it waits for all.
            let _ = events.send(Event::Ended { name: own, outcome });
        };
        let thread = std::thread::Builder::new().name(format!("poll-{name}"));
        match thread.spawn_scoped(self.scope, work) {
            Ok(_) => drop(self.backends.insert(name, one)),
            Err(error) => self.fail(anyhow!(error).context("can't start the exporter's thread")),
        }
    }

    /// Drains what changed or is gone, and starts what is new.
    fn change(&mut self, config: Option<Config>) {
        let Some(config) = config.filter(|_| !self.is_draining) else {
            return;
        };
        let mut wanted: BTreeMap<_, _> = (config.backends.into_iter())
            .map(|backend| (backend.name.clone(), backend))
            .collect();
        for (name, one) in &mut self.backends {
            match wanted.remove(name) {
                Some(backend) if backend.fingerprint == one.fingerprint && one.next.is_none() => {}
                Some(backend) => {
                    one.next = Some(Next::Start(Box::new(backend)));
                    one.drain.request();
                }
                None => {
                    one.next = Some(Next::Nothing);
                    one.drain.request();
                }
            }
        }
        for backend in wanted.into_values() {
            tracing::info!(
                backend = backend.name,
                "a backend is new in the configuration"
            );
            self.start(backend, true);
        }
    }

    fn ended(&mut self, name: &str, outcome: anyhow::Result<()>) {
        let Some(one) = self.backends.remove(name) else {
            return;
        };
        match (one.next, outcome) {
            (_, outcome) if self.is_draining => drop(outcome.map_err(|error| self.fail(error))),
            (Some(Next::Start(backend)), _) => {
                tracing::info!(
                    backend = name,
                    "a backend is started anew, since its configuration has changed"
                );
                self.start(*backend, true);
            }
            (Some(Next::Nothing), _) => {
                tracing::info!(
                    backend = name,
                    "a backend is no longer in the configuration"
                );
                one.ready.retire();
            }
            // The others go on as they are; the next change may mend it.
            (None, Err(error)) if one.is_changed => {
                tracing::error!(
                    backend = name,
                    "a backend whose configuration has changed can't run: {error:#}"
                );
                one.ready.not_ready(format!("{error:#}"));
            }
            (None, Err(error)) => self.fail(error),
            (None, Ok(())) => {}
        }
    }

    fn fail(&mut self, error: anyhow::Error) {
        tracing::error!("{error:#}");
        self.drain();
        if self.first_error.is_ok() {
            self.first_error = Err(error);
        }
    }

    fn drain(&mut self) {
        self.is_draining = true;
        self.backends.values().for_each(|one| one.drain.request());
    }
}
