//! The breaker of one signal as its batches meet it: they wait until they are admitted and report what became of them. Failures are logged
//! for the person on call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use metrics::gauge;
use runtime::Drain;
use schemas::Signal;
use tokio::sync::Notify;

use crate::delivery::health::breaker::{
    Action, Admission, Breaker, BreakerTimes, Refusal, Suspicion,
};
use crate::names;

/// While a backend fails, that is logged this often.
const REMIND: Duration = Duration::from_secs(60);

pub struct Gate {
    backend: Arc<str>,
    signal: Signal,
    times: BreakerTimes,
    drain: Drain,
    state: Mutex<State>,
    changed: Notify,
    batches: AtomicU64,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// When it was last logged that the backend fails, or refuses everything.
    failure_logged: Option<Instant>,
    refusal_logged: Option<Instant>,
    /// Of the last refusal.
    reason: String,
    /// One of them was logged since the backend last took something.
    is_logged: bool,
}

impl Gate {
    pub fn new(backend: Arc<str>, signal: Signal, times: BreakerTimes, drain: Drain) -> Self {
        let gate = Self {
            backend,
            signal,
            times,
            drain,
            state: Mutex::default(),
            changed: Notify::new(),
            batches: AtomicU64::new(0),
        };
        gate.show(0);
        gate
    }

    /// A number for a batch, by which the breaker knows it.
    pub fn enter(&self) -> u64 {
        self.batches.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until the batch may be offered. False when draining was requested while the backend takes nothing.
    pub async fn wait(&self, batch: u64, not_before: Option<Instant>) -> bool {
        if let Some(until) = not_before
            && !self.sleep_until(until).await
        {
            return false;
        }
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            let admission = self.state().breaker.admit(batch, Instant::now());
            let goes_on = match admission {
                Admission::Now => return true,
                Admission::NotBefore(until) => tokio::select! {
                    () = changed => true,
                    goes_on = self.sleep_until(until) => goes_on,
                },
                Admission::OnChange => tokio::select! {
                    () = changed => true,
                    () = self.drain.requested() => false,
                },
            };
            if !goes_on {
                self.state().breaker.leave(batch);
                return false;
            }
        }
    }

    async fn sleep_until(&self, until: Instant) -> bool {
        tokio::select! {
            () = tokio::time::sleep_until(until.into()) => true,
            () = self.drain.requested() => false,
        }
    }

    /// A request that began then was accepted.
    pub fn accepted(&self, batch: u64, began: Instant) {
        let mut state = self.state();
        let failed_for = state.breaker.accepted(batch, began, Instant::now());
        let was_logged = std::mem::take(&mut state.is_logged);
        drop(state);
        if was_logged {
            tracing::info!(
                backend = &*self.backend,
                signal = self.signal.name(),
                failed_for_s = failed_for.map(|time| time.as_secs()),
                "the backend takes data again"
            );
        }
        self.announce();
    }

    pub fn refused(&self, refusal: Refusal<'_>, suspicion: &mut Suspicion) -> Action {
        let now = Instant::now();
        let mut state = self.state();
        let ruling = state.breaker.refused(refusal, suspicion, self.times, now);
        if ruling == Action::Retry {
            refusal.reason.clone_into(&mut state.reason);
            self.log(&mut state, refusal, now);
        }
        drop(state);
        self.announce();
        ruling
    }

    /// Logs once a minute that the backend doesn't take data.
    fn log(&self, state: &mut State, refusal: Refusal<'_>, now: Instant) {
        let due = |logged: Option<Instant>| logged.is_none_or(|at| now - at >= REMIND);
        let failing_since = state.breaker.failing_since();
        let failing_for_s = failing_since.map(|since| (now - since).as_secs());
        let (backend, signal) = (&*self.backend, self.signal.name());
        let reason = refusal.reason;
        if state.breaker.refusal().is_some() {
            if due(state.refusal_logged) {
                (state.refusal_logged, state.is_logged) = (Some(now), true);
                tracing::error!(
                    backend,
                    signal,
                    reason,
                    probe_every_s = self.times.probe.as_secs(),
                    failing_for_s,
                    "the backend refuses everything: its credentials or its address are wrong; data stays on the bus while that retains it"
                );
            }
        } else if due(state.failure_logged) {
            (state.failure_logged, state.is_logged) = (Some(now), true);
            tracing::warn!(
                backend,
                signal,
                reason,
                retry_in_ms = refusal.pause.as_millis() as u64,
                failing_for_s,
                "the backend did not take a request; its data stays on the bus"
            );
        }
    }

    /// A batch that was admitted was not sent after all.
    pub fn unsent(&self, batch: u64) {
        self.state().breaker.unsent(batch);
        self.changed.notify_waiters();
    }

    /// Another sink is in use, of which nothing is known.
    pub fn begin_anew(&self) {
        self.state().breaker.begin_anew();
        self.announce();
    }

    /// Nothing is accepted now.
    pub fn is_failing(&self) -> bool {
        self.state().breaker.is_failing(Instant::now())
    }

    /// What the backend said when it refused everything, while it does.
    pub fn refusal(&self) -> Option<String> {
        self.state().breaker.refusal().map(str::to_owned)
    }

    /// For how long nothing was accepted after a failure, and what that was.
    pub fn failure(&self) -> Option<(Duration, String)> {
        let state = self.state();
        let since = state.breaker.failing_since()?;
        Some((since.elapsed(), state.reason.clone()))
    }

    fn announce(&self) {
        let state = self.state().breaker.state();
        self.show(state);
        self.changed.notify_waiters();
    }

    fn show(&self, state: u8) {
        let labels = [
            ("backend", self.backend.to_string()),
            ("signal", self.signal.name().to_owned()),
        ];
        gauge!(names::BREAKER_STATE, &labels).set(f64::from(state));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
