//! One batch's way to the backend: offered until it is accepted, divided when that may help, set aside when nothing does.
//!
//! Batches of a signal share a *hold*: when the backend asks for time, or can't be reached, none of them is offered before
//! that time has passed, so that a backend in trouble isn't hit by all requests in flight at once.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use runtime::{Drain, names};
use schemas::Signal;
use tokio::time::Instant;

use crate::batch::Batch;
use crate::client::Payload;
use crate::config::RetryPolicy;
use crate::dead_letters::DeadLetters;
use crate::ledger::Ledger;
use crate::retry::{Backoff, Verdict};
use crate::sink::{Accepted, Failure, Sink};

/// A backend that answers none of the requests under way for this long takes nothing.
const SILENT_AFTER: Duration = Duration::from_secs(6);
/// While a backend stays away, it is said this often.
const REMIND: Duration = Duration::from_secs(60);

/// Delivers batches of one signal to one backend.
pub struct Delivery {
    pub backend: Arc<str>,
    pub signal: Signal,
    pub sink: Arc<Sink>,
    pub retry: RetryPolicy,
    pub dead_letters: Arc<DeadLetters>,
    pub ledger: Arc<Ledger>,
    pub drain: Drain,
    pub health: Mutex<Health>,
    pub under_way: Mutex<UnderWay>,
}

/// How the backend does, as seen by the batches of one signal.
#[derive(Debug, Default)]
pub struct Health {
    hold_until: Option<Instant>,
    failing_since: Option<Instant>,
    said_at: Option<Instant>,
    /// The last failure.
    reason: String,
}

/// Requests that the backend has not answered.
#[derive(Debug, Default)]
pub struct UnderWay {
    requests: usize,
    /// Since when there are some and none was answered.
    silent_since: Option<Instant>,
}

/// What became of an offer.
enum Outcome {
    Accepted(Accepted),
    Refused {
        reason: String,
        divisible: bool,
    },
    /// Draining: the batch stays on the bus, uncommitted.
    Abandoned,
}

impl Delivery {
    /// Delivers a batch that the ledger knows, to its end.
    pub async fn run(&self, batch: Batch) {
        counter!(names::EXPORT_CONSUMED, &self.labels()).increment(batch.items as u64);
        gauge!(names::EXPORT_PENDING, &self.labels()).increment(batch.items as f64);
        let mut stack = vec![batch];
        while let Some(batch) = stack.pop() {
            let outcome = match batch.defect() {
                Some(defect) => Outcome::Refused {
                    reason: defect.to_owned(),
                    divisible: false,
                },
                None => self.offer(&batch).await,
            };
            let (batch, reason) = match outcome {
                Outcome::Accepted(accepted) => {
                    self.accepted(&batch, &accepted);
                    continue;
                }
                Outcome::Abandoned => return,
                Outcome::Refused { reason, divisible } if divisible => match batch.split() {
                    Ok((head, tail)) => {
                        stack.extend([tail, head]);
                        continue;
                    }
                    Err(batch) => (batch, reason),
                },
                Outcome::Refused { reason, .. } => (batch, reason),
            };
            if !self.set_aside(&batch, &reason).await {
                return;
            }
        }
    }

    /// The backend has refused to take data for now, and said nothing since.
    pub fn is_failing(&self) -> bool {
        self.health().failing_since.is_some()
    }

    /// Why the backend takes nothing just now.
    pub fn trouble(&self) -> Option<String> {
        let signal = self.signal.name();
        let health = self.health();
        if let Some(since) = health.failing_since {
            let for_s = since.elapsed().as_secs();
            let reason = &health.reason;
            return Some(format!("{signal} are not taken since {for_s} s: {reason}"));
        }
        let silent = lock(&self.under_way).silent_since?.elapsed();
        (silent >= SILENT_AFTER)
            .then(|| format!("no answer to {signal} for {} s", silent.as_secs()))
    }

    /// One request and its answer.
    async fn send(&self, payload: &Payload) -> Result<Accepted, Failure> {
        let begun = Instant::now();
        {
            let mut under_way = lock(&self.under_way);
            under_way.requests += 1;
            under_way.silent_since.get_or_insert(begun);
        }
        let answer = self.sink.send(self.signal, payload).await;
        {
            let mut under_way = lock(&self.under_way);
            under_way.requests -= 1;
            under_way.silent_since = (under_way.requests > 0).then(Instant::now);
        }
        histogram!(names::EXPORT_REQUEST_SECONDS, &self.labels()).record(begun.elapsed());
        answer
    }

    async fn offer(&self, batch: &Batch) -> Outcome {
        let payload = match self.sink.prepare(self.signal, batch) {
            Ok(payload) => payload,
            Err(reason) => {
                return Outcome::Refused {
                    reason,
                    divisible: true,
                };
            }
        };
        let mut backoff = Backoff::new(self.retry);
        let first = Instant::now();
        loop {
            if !self.wait_for_hold().await {
                return Outcome::Abandoned;
            }
            let failure = match self.send(&payload).await {
                Ok(accepted) => return self.taken(&payload, accepted),
                Err(failure) => failure,
            };
            let after = match failure.verdict {
                Verdict::Retry { after } => after,
                verdict => {
                    self.answered();
                    return Outcome::Refused {
                        reason: failure.reason,
                        divisible: verdict == Verdict::Split,
                    };
                }
            };
            counter!(names::EXPORT_RETRIES, &self.labels()).increment(1);
            let Some(pause) = backoff.next(first.elapsed(), after, f64::from(fastrand::f32()))
            else {
                self.answered();
                let reason = format!("gave up after {:?}: {}", first.elapsed(), failure.reason);
                return Outcome::Refused {
                    reason,
                    divisible: false,
                };
            };
            self.hold(pause, &failure.reason);
        }
    }

    fn taken(&self, payload: &Payload, accepted: Accepted) -> Outcome {
        self.answered();
        counter!(names::EXPORT_DELIVERED_BYTES, &self.labels()).increment(payload.bytes());
        Outcome::Accepted(accepted)
    }

    fn accepted(&self, batch: &Batch, accepted: &Accepted) {
        if accepted.refused > 0 {
            counter!(names::EXPORT_REFUSED, &self.labels()).increment(accepted.refused);
        }
        if accepted.refused > 0 || !accepted.message.is_empty() {
            tracing::warn!(
                backend = &*self.backend,
                signal = self.signal.name(),
                refused = accepted.refused,
                message = accepted.message,
                "the backend took a request in part, or with a warning"
            );
        }
        self.finished(batch, names::EXPORT_DELIVERED);
    }

    /// Dead-letters each record of a batch. False when draining came first.
    async fn set_aside(&self, batch: &Batch, reason: &str) -> bool {
        let mut backoff = Backoff::new(RetryPolicy {
            max_elapsed_time: None,
            ..self.retry
        });
        for entry in &batch.entries {
            while let Err(error) = self.dead_letters.publish(entry, reason).await {
                if !matches!(error, bus::Error::QueueFull) {
                    tracing::warn!(backend = &*self.backend, %error, "can't write a dead letter; trying again");
                }
                let chance = f64::from(fastrand::f32());
                let pause = backoff
                    .next(Duration::ZERO, None, chance)
                    .unwrap_or_default();
                if !self.pause(pause).await {
                    return false;
                }
            }
        }
        tracing::error!(
            backend = &*self.backend,
            signal = self.signal.name(),
            records = batch.entries.len(),
            items = batch.items,
            reason,
            "the backend will never take these records; they are in the dead letters"
        );
        self.finished(batch, names::EXPORT_DEAD_LETTERED);
        true
    }

    fn finished(&self, batch: &Batch, outcome: &'static str) {
        counter!(outcome, &self.labels()).increment(batch.items as u64);
        gauge!(names::EXPORT_PENDING, &self.labels()).decrement(batch.items as f64);
        self.ledger.finish(batch);
    }

    /// Holds all batches of the signal for a while, and says so once.
    fn hold(&self, pause: Duration, reason: &str) {
        let now = Instant::now();
        let mut health = self.health();
        let until = now + pause;
        health.hold_until = Some(health.hold_until.map_or(until, |held| held.max(until)));
        let since = *health.failing_since.get_or_insert(now);
        reason.clone_into(&mut health.reason);
        if health.said_at.is_none_or(|said| now - said >= REMIND) {
            health.said_at = Some(now);
            tracing::warn!(
                backend = &*self.backend,
                signal = self.signal.name(),
                reason,
                retry_in = ?pause,
                failing_for = ?(now - since),
                "the backend does not take data; it stays on the bus"
            );
        }
    }

    /// The backend answered, one way or the other.
    fn answered(&self) {
        let mut health = self.health();
        if let Some(since) = health.failing_since {
            let failed_for = since.elapsed();
            tracing::info!(
                backend = &*self.backend,
                signal = self.signal.name(),
                ?failed_for,
                "the backend answers again"
            );
        }
        *health = Health::default();
    }

    /// False when draining was requested while the backend takes nothing.
    async fn wait_for_hold(&self) -> bool {
        loop {
            let held = self.health().hold_until;
            match held.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(left) if !left.is_zero() => {
                    if !self.pause(left).await {
                        return false;
                    }
                }
                _ => return true,
            }
        }
    }

    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.drain.requested() => false,
        }
    }

    fn labels(&self) -> [(&'static str, String); 2] {
        [
            ("backend", self.backend.to_string()),
            ("signal", self.signal.name().to_owned()),
        ]
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
