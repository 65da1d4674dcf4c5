//! One batch's way to the backend: offered until it is accepted, split when that may help, set aside when nothing does.
//!
//! When it may be offered, and what a refusal means, says the `gate` that the batches of a signal share; what is left to offer
//! is in `pieces`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::TopicPartition;
use metrics::{counter, histogram};
use runtime::Drain;
use schemas::Signal;

use crate::backends::kind::Order;
use crate::commit::ledger::{Finished, Ledger};
use crate::config::{Backend, Credentials, OnRefused, RetryPolicy};
use crate::delivery::backoff::Backoff;
use crate::delivery::dead_letters::DeadLetters;
use crate::delivery::health::breaker::{Action, BreakerTimes, Refusal};
use crate::delivery::health::gate::Gate;
use crate::delivery::health::in_flight::InFlight;
use crate::delivery::partials::Partials;
use crate::delivery::pieces::{Piece, Pieces, Refused, Settled};
use crate::delivery::queue::slots::Slot;
use crate::delivery::speed::pace::Pace;
use crate::delivery::standby::failover::Fared;
use crate::delivery::standby::sinks::{Ready, Sinks};
use crate::names;
use crate::outcome::{self, Accepted, Failure, FailureKind};
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::grouping::Grouping;

/// Delivers batches of one signal to one backend.
pub struct Delivery {
    backend: Arc<str>,
    signal: Signal,
    ledger: Arc<Ledger>,
    order: Order,
    grouping: Grouping,
    sinks: Sinks,
    pace: Pace,
    dead_letters: Arc<DeadLetters>,
    drain: Drain,
    retry: RetryPolicy,
    credentials: Credentials,
    gate: Gate,
    in_flight: InFlight,
    partials: Partials,
}

/// What became of an offer.
enum Outcome {
    Accepted(Accepted),
    /// Refused for good, for this reason.
    DeadLetter(String),
    /// Refused as a whole, for this reason; its halves may be accepted.
    Split(String),
    Retry,
    /// Draining: the batch stays on the bus, uncommitted.
    Abandoned,
}

impl Delivery {
    pub fn new(
        backend: &Backend,
        signal: Signal,
        sinks: Sinks,
        pace: Pace,
        dead_letters: Arc<DeadLetters>,
        ledger: Arc<Ledger>,
        drain: Drain,
    ) -> Self {
        let name: Arc<str> = backend.name.as_str().into();
        let times = BreakerTimes {
            probe: backend.credentials.probe,
            poison_after: backend.retry.poison_after,
        };
        Self {
            gate: Gate::new(name.clone(), signal, times, drain.clone()),
            backend: name,
            signal,
            ledger,
            order: backend.order(signal),
            grouping: backend.grouping(),
            sinks,
            pace,
            dead_letters,
            drain,
            retry: backend.retry,
            credentials: backend.credentials,
            in_flight: InFlight::default(),
            partials: Partials::default(),
        }
    }

    pub fn order(&self) -> Order {
        self.order
    }

    /// As many batches are on their way as may be just now, and `extra` more.
    pub fn is_used_up(&self, extra: usize) -> bool {
        self.pace.is_used_up(extra)
    }

    /// What the records of a batch have in common.
    pub fn grouping(&self) -> Grouping {
        self.grouping
    }

    /// These partitions are another process's from now on.
    pub fn forget(&self, gone: &[TopicPartition]) {
        self.sinks.forget(gone);
    }

    /// From now on its records are in flight. They were given to [`Ledger::read`] before. Before [`Delivery::run`].
    pub fn begin(&self, batch: &Batch) {
        self.pace.begin();
        self.ledger.begin(batch);
    }

    /// Delivers a batch that was begun, to its end.
    pub async fn run(&self, batch: Batch, slot: &Slot) {
        self.deliver(batch, slot).await;
        self.pace.end();
    }

    async fn deliver(&self, batch: Batch, slot: &Slot) {
        if self.grouping == Grouping::Partition && !self.ledger.intend(&batch).await {
            return;
        }
        if !self.wait_for_commits().await {
            return;
        }
        let id = self.gate.enter();
        let mut pieces = Pieces::new(self.signal, batch, Backoff::new(self.retry));
        while let Some(mut piece) = pieces.next() {
            let outcome = match piece.batch.defect() {
                Some(defect) => Outcome::DeadLetter(defect.to_owned()),
                None => self.offer(id, &pieces, &mut piece).await,
            };
            let settled = match outcome {
                Outcome::Accepted(accepted) => {
                    self.note_partial(&accepted);
                    pieces.done(piece, None)
                }
                Outcome::Retry => {
                    let overtaken = self.order == Order::None && piece.suspicion.is_any();
                    pieces.put_back(piece);
                    slot.step_aside(overtaken || pieces.is_stuck());
                    continue;
                }
                Outcome::Split(reason) => match pieces.split(piece) {
                    Ok(()) => continue,
                    Err(piece) => pieces.done(*piece, Some(&reason)),
                },
                Outcome::DeadLetter(reason) => pieces.done(piece, Some(&reason)),
                Outcome::Abandoned => return,
            };
            slot.step_aside(pieces.is_stuck());
            if !self.settle(settled).await {
                return;
            }
        }
    }

    /// The backend takes nothing now.
    pub fn is_failing(&self) -> bool {
        self.gate.is_failing()
    }

    /// Why the backend takes nothing just now.
    pub fn trouble(&self) -> Option<String> {
        let signal = self.signal.name();
        if let Some(reason) = self.gate.refusal() {
            return Some(format!(
                "the backend refuses all {signal}: {reason}; check its credentials and its address, or leave {signal} out of `signals`; \
                 data stays on the bus while that retains it"
            ));
        }
        if let Some((failing_for, reason)) = self.gate.failure() {
            let for_s = failing_for.as_secs();
            return Some(format!("{signal} are not taken since {for_s} s: {reason}"));
        }
        let silent = self.in_flight.silent_for()?;
        Some(format!("no answer to {signal} for {} s", silent.as_secs()))
    }

    /// Offers a piece once, when it is its turn.
    async fn offer(&self, id: u64, pieces: &Pieces, piece: &mut Piece) -> Outcome {
        if !self.gate.wait(id, piece.not_before).await || !self.wait_for_rate(&piece.batch).await {
            return Outcome::Abandoned;
        }
        let ready = match self.sinks.ready(&piece.batch, piece.ready.take()) {
            Ok(ready) => ready,
            Err(reason) => {
                // It says nothing about the backend, and a probe is another's turn.
                self.gate.unsent(id);
                return Outcome::Split(reason);
            }
        };
        let began = Instant::now();
        piece.first_offer.get_or_insert(began);
        self.in_flight.begin(began);
        let answer = ready.prepared.send().await;
        self.in_flight.end(Instant::now());
        self.note_answer(
            began.elapsed(),
            answer.as_ref().err().map(|failure| failure.kind),
        );
        match answer {
            Ok(accepted) => {
                piece.output = ready.prepared.output();
                self.gate.accepted(id, began);
                self.sinks.fared(&ready, Fared::Works);
                let bytes = ready.prepared.bytes();
                counter!(names::DELIVERED_BYTES, &self.labels()).increment(bytes);
                Outcome::Accepted(accepted)
            }
            Err(failure) => {
                let outcome = self.refused(id, pieces.is_divisible(piece), piece, &ready, failure);
                piece.ready = Some(ready);
                outcome
            }
        }
    }

    /// What waits to be committed with positions is in memory, and bounded. False: draining came first.
    async fn wait_for_commits(&self) -> bool {
        tokio::select! {
            () = self.ledger.room() => true,
            () = self.drain.requested() => self.ledger.has_room(),
        }
    }

    /// `refused`: what was made of it.
    fn note_answer(&self, took: Duration, refused: Option<FailureKind>) {
        let [backend, signal] = self.labels();
        histogram!(names::REQUEST_SECONDS, &[backend.clone(), signal.clone()]).record(took);
        let answer = refused.map_or(outcome::ACCEPTED, FailureKind::name);
        let labels = [backend, signal, ("answer", answer.to_owned())];
        counter!(names::RESPONSES, &labels).increment(1);
        let pushed_back = matches!(refused, Some(FailureKind::Retry { .. }));
        self.pace.answered(took, pushed_back);
    }

    /// False: draining came first.
    async fn wait_for_rate(&self, batch: &Batch) -> bool {
        while let Err(wait) = self.pace.take(batch) {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.drain.requested() => return false,
            }
        }
        true
    }

    fn refused(
        &self,
        id: u64,
        divisible: bool,
        piece: &mut Piece,
        ready: &Ready,
        failure: Failure,
    ) -> Outcome {
        let Failure { kind, reason } = failure;
        if self.is_anothers(id, ready, kind) {
            counter!(names::RETRIES, &self.labels()).increment(1);
            return Outcome::Retry;
        }
        let mut refusal = Refusal {
            batch: id,
            kind,
            reason: &reason,
            divisible,
            pause: Duration::ZERO,
        };
        let denied = matches!(kind, FailureKind::Denied { .. });
        if denied && self.credentials.on_refused == OnRefused::DeadLetters {
            // As if it were about the batch.
            refusal.kind = FailureKind::Split;
            self.gate.refused(refusal, &mut piece.suspicion);
            return Outcome::DeadLetter(reason);
        }
        let retry_after = match kind {
            FailureKind::Retry { after } => after,
            _ => None,
        };
        let now = Instant::now();
        refusal.pause = piece.backoff.next(retry_after, f64::from(fastrand::f32()));
        match self.gate.refused(refusal, &mut piece.suspicion) {
            Action::Split => return Outcome::Split(reason),
            Action::DeadLetter => return Outcome::DeadLetter(reason),
            Action::Retry => counter!(names::RETRIES, &self.labels()).increment(1),
        }
        let tried_for = piece
            .first_offer
            .map_or(Duration::ZERO, |first| now - first);
        let limit = self.retry.max_elapsed_time.filter(|_| !denied);
        if limit.is_some_and(|limit| tried_for + refusal.pause > limit) {
            return Outcome::DeadLetter(format!(
                "gave up after {} s: {reason}",
                tried_for.as_secs()
            ));
        }
        // While everything is refused, the gate says when to probe.
        let backend_holds = denied && self.gate.refusal().is_some();
        piece.not_before = (!backend_holds).then(|| now + refusal.pause);
        Outcome::Retry
    }

    /// What a refusal means for the choice of the sink. True: the batch is another's now, and nothing is held against it or the backend.
    fn is_anothers(&self, id: u64, ready: &Ready, kind: FailureKind) -> bool {
        let is_probe = self.sinks.is_probe(ready);
        let fared = match kind {
            FailureKind::Split | FailureKind::Refused => Fared::Works,
            FailureKind::Denied { certain: true } => Fared::Denies,
            FailureKind::Denied { certain: false } if self.gate.refusal().is_some() => {
                Fared::Denies
            }
            FailureKind::Denied { .. } | FailureKind::Retry { .. } | FailureKind::Fault => {
                Fared::Fails
            }
        };
        let turns = self.sinks.fared(ready, fared);
        if fared == Fared::Works {
            return false;
        }
        match (turns, is_probe) {
            (true, _) => self.gate.begin_anew(),
            // It says nothing of the standby, which is in use.
            (false, true) => self.gate.unsent(id),
            (false, false) => return false,
        }
        true
    }

    fn note_partial(&self, accepted: &Accepted) {
        if accepted.refused > 0 {
            counter!(names::REFUSED, &self.labels()).increment(accepted.refused);
        }
        if let Some(partial) = self.partials.note(accepted, Instant::now()) {
            tracing::warn!(
                backend = &*self.backend,
                signal = self.signal.name(),
                requests = partial.requests,
                refused = partial.refused,
                message = accepted.message,
                "the backend took requests in part, or with a warning"
            );
        }
    }

    /// Records of which nothing is left: what was refused of them goes to the dead letters. False when draining came first.
    async fn settle(&self, settled: Vec<Settled>) -> bool {
        let (mut done, mut letters, mut dead, mut why) = (Vec::new(), 0, 0, String::new());
        let mut is_drained = false;
        for Settled {
            entry,
            refused,
            output,
        } in settled
        {
            let mut dead_of_it = 0;
            if let Some(refused) = refused {
                if !self.set_aside(&entry, &refused).await {
                    is_drained = true;
                    break;
                }
                dead_of_it = refused.items.min(entry.items_of_record());
                dead += dead_of_it;
                (letters, why) = (letters + 1, refused.reason);
            }
            done.push(Finished {
                entry,
                dead: dead_of_it,
                output,
            });
        }
        self.ledger.finish(done);
        if letters > 0 {
            tracing::error!(
                backend = &*self.backend,
                signal = self.signal.name(),
                records = letters,
                items = dead,
                reason = why,
                "the backend will never take these; they are in the dead letters, see `tailwater dead-letters list`"
            );
        }
        !is_drained
    }

    /// Publishes a dead letter, again and again until the bus has acknowledged it. False when draining came first.
    async fn set_aside(&self, entry: &Entry, refused: &Refused) -> bool {
        let mut backoff = Backoff::new(self.retry);
        while let Err(error) = self.dead_letters.publish(entry, refused).await {
            if !matches!(error, bus::Error::QueueFull) {
                tracing::warn!(backend = &*self.backend, %error, "can't write a dead letter; trying again");
            }
            let pause = backoff.next(None, f64::from(fastrand::f32()));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.drain.requested() => return false,
            }
        }
        true
    }

    /// Retention deleted records that were never read.
    pub fn truncated(&self, at: &TopicPartition, from: u64, to: u64) {
        counter!(names::TRUNCATED, &self.labels()).increment(to.saturating_sub(from));
        tracing::error!(
            backend = &*self.backend,
            %at,
            from,
            to,
            "retention deleted records before this backend took them"
        );
    }

    fn labels(&self) -> [(&'static str, String); 2] {
        [
            ("backend", self.backend.to_string()),
            ("signal", self.signal.name().to_owned()),
        ]
    }
}
