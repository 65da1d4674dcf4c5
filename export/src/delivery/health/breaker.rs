//! When batches of one signal may be offered, and whether a refusal is about us or about a batch. Pure: time is given.
//!
//! A request for time (`Retry-After`) holds everything until that time, whatever else succeeds. Failures in a row, or an
//! answer that says that nothing will be taken from us, open the breaker: then one batch at a time is offered, as a probe, and
//! each probe is another batch's turn, so that one that is bad itself can't keep the breaker open.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::outcome::FailureKind;

/// Failures without a success in between that open the breaker.
const FAILURES_MAX: u32 = 5;
/// An acceptance this long ago speaks for our credentials.
const RECENT: Duration = Duration::from_secs(60);

/// How the backend does, as seen by the batches of one signal.
#[derive(Debug, Default)]
pub struct Breaker {
    throttled_until: Option<Instant>,
    failures: u32,
    open: Option<Open>,
    /// Who waits to be offered, in the order of arrival.
    queue: VecDeque<u64>,
    probing: Option<u64>,
    /// When the last request that was accepted began, and when it was.
    accepted: Option<(Instant, Instant)>,
    /// Refusals that may be about a batch, since the last acceptance.
    suspect: Option<Suspect>,
    failing_since: Option<Instant>,
}

#[derive(Debug)]
struct Open {
    probe_at: Instant,
    /// What the backend said when it refused everything; `None`: it fails.
    refusal: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Suspect {
    batch: u64,
    /// Of single items.
    singles: u32,
}

/// May a batch be offered now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Now,
    NotBefore(Instant),
    /// When another one's probe has its answer.
    OnChange,
}

/// What is known against a batch, or a part of one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Suspicion {
    /// Since when it is refused, or what it is a part of.
    since: Option<Instant>,
    /// When this very part was refused for the first time.
    refused_at: Option<Instant>,
    /// Since when it is known that others are accepted meanwhile.
    others_since: Option<Instant>,
}

impl Suspicion {
    /// For the parts of what is divided: they have yet to be refused themselves.
    pub fn inherited(self) -> Self {
        Self {
            refused_at: None,
            ..self
        }
    }

    pub fn is_any(&self) -> bool {
        self.since.is_some()
    }

    /// Something is known.
    #[cfg(test)]
    pub fn known() -> Self {
        Self {
            since: Some(Instant::now()),
            ..Self::default()
        }
    }
}

/// One offer that was not accepted.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    pub batch: u64,
    pub kind: FailureKind,
    pub reason: &'a str,
    /// It has more than one item.
    pub divisible: bool,
    /// Its own pause until the next offer.
    pub pause: Duration,
}

/// What becomes of what was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Offered again.
    Retry,
    /// Its halves are offered.
    Split,
    /// It goes to the dead letters.
    DeadLetter,
}

/// The times that the configuration gives.
#[derive(Clone, Copy, Debug)]
pub struct BreakerTimes {
    pub probe: Duration,
    pub poison_after: Duration,
}

impl Breaker {
    /// May a batch be offered? One that may not is queued, until it is admitted or [`Breaker::leave`]s.
    pub fn admit(&mut self, batch: u64, now: Instant) -> Admission {
        if !self.queue.contains(&batch) {
            self.queue.push_back(batch);
        }
        if let Some(until) = self.throttled_until.filter(|until| *until > now) {
            return Admission::NotBefore(until);
        }
        if let Some(open) = &self.open {
            if open.probe_at > now {
                return Admission::NotBefore(open.probe_at);
            }
            if self.probing.is_some() || self.queue.front() != Some(&batch) {
                return Admission::OnChange;
            }
            self.probing = Some(batch);
        }
        self.leave(batch);
        Admission::Now
    }

    /// A batch that was admitted was not sent after all: if it was a probe, another one's turn comes.
    pub fn unsent(&mut self, batch: u64) {
        self.end_probe(batch);
    }

    /// Another sink is in use, of which nothing is known.
    pub fn begin_anew(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        *self = Self {
            queue,
            ..Self::default()
        };
    }

    /// The batch no longer waits.
    pub fn leave(&mut self, batch: u64) {
        self.queue.retain(|waiting| *waiting != batch);
    }

    /// A request was accepted. For how long the backend had failed, if it had.
    pub fn accepted(&mut self, batch: u64, began: Instant, now: Instant) -> Option<Duration> {
        self.end_probe(batch);
        self.failures = 0;
        self.open = None;
        self.suspect = None;
        let began = self.accepted.map_or(began, |(other, _)| other.max(began));
        self.accepted = Some((began, now));
        self.failing_since.take().map(|since| now - since)
    }

    /// A request was not accepted: what becomes of it, and when others may be offered.
    pub fn refused(
        &mut self,
        refusal: Refusal<'_>,
        suspicion: &mut Suspicion,
        times: BreakerTimes,
        now: Instant,
    ) -> Action {
        self.end_probe(refusal.batch);
        match refusal.kind {
            FailureKind::Split => {
                self.answered(now);
                return match refusal.divisible {
                    true => Action::Split,
                    false => Action::DeadLetter,
                };
            }
            FailureKind::Refused => {
                self.answered(now);
                return Action::DeadLetter;
            }
            FailureKind::Retry { after } => {
                let until = now + refusal.pause;
                if after.is_some() {
                    self.throttled_until = self.throttled_until.max(Some(until));
                }
                self.failed(until, now);
                return Action::Retry;
            }
            FailureKind::Fault => self.failed(now + refusal.pause, now),
            FailureKind::Denied { certain } => self.denied(&refusal, certain, times, now),
        }
        self.judge(refusal, suspicion, times, now)
    }

    /// The backend works, whatever it says of this batch.
    fn answered(&mut self, now: Instant) {
        self.failures = 0;
        match &mut self.open {
            Some(open) if open.refusal.is_some() => open.probe_at = now,
            _ => {
                self.open = None;
                self.failing_since = None;
            }
        }
    }

    fn failed(&mut self, until: Instant, now: Instant) {
        self.failures += 1;
        self.failing_since.get_or_insert(now);
        match &mut self.open {
            Some(open) => open.probe_at = until,
            None if self.failures >= FAILURES_MAX => {
                self.open = Some(Open {
                    probe_at: until,
                    refusal: None,
                });
            }
            None => {}
        }
    }

    fn denied(&mut self, refusal: &Refusal<'_>, certain: bool, times: BreakerTimes, now: Instant) {
        let before = self.suspect;
        let singles = before.map_or(0, |before| before.singles) + u32::from(!refusal.divisible);
        self.suspect = Some(Suspect {
            batch: refusal.batch,
            singles,
        });
        let another = before.is_some_and(|before| before.batch != refusal.batch);
        let is_ours = certain || another || singles > 1 || !self.accepted_recently(now);
        if !is_ours && self.open.is_none() {
            return;
        }
        // The first probe comes soon where it may be about a batch after all.
        let wait = match certain || self.refusal().is_some() {
            true => times.probe,
            false => refusal.pause.min(times.probe),
        };
        self.failing_since.get_or_insert(now);
        self.open = Some(Open {
            probe_at: now + wait,
            refusal: Some(refusal.reason.to_owned()),
        });
    }

    /// Is the refusal about the batch? Dividing costs requests and no more, so a guess is enough for it. Only a single item
    /// is ever set aside, and only when, after it was refused, another request was sent and accepted, and it was refused again.
    fn judge(
        &self,
        refusal: Refusal<'_>,
        suspicion: &mut Suspicion,
        times: BreakerTimes,
        now: Instant,
    ) -> Action {
        let since = *suspicion.since.get_or_insert(now);
        let refused_at = *suspicion.refused_at.get_or_insert(now);
        let others = (self.accepted).is_some_and(|(began, _)| began > refused_at);
        if others {
            suspicion.others_since.get_or_insert(now);
        }
        let poisoned = (suspicion.others_since).is_some_and(|at| now - at >= times.poison_after);
        let (split, set_aside) = match refusal.kind {
            FailureKind::Denied { certain: true } => (poisoned, poisoned && others),
            FailureKind::Denied { certain: false } => (
                others || (self.open.is_none() && self.accepted_recently(now)),
                others,
            ),
            _ => (
                poisoned || now - since >= times.poison_after,
                poisoned && others,
            ),
        };
        match refusal.divisible {
            true if split => Action::Split,
            false if set_aside => Action::DeadLetter,
            _ => Action::Retry,
        }
    }

    fn accepted_recently(&self, now: Instant) -> bool {
        (self.accepted).is_some_and(|(_, at)| now.saturating_duration_since(at) < RECENT)
    }

    fn end_probe(&mut self, batch: u64) {
        if self.probing == Some(batch) {
            self.probing = None;
        }
    }

    /// What the backend said when it refused everything that we send, while it does.
    pub fn refusal(&self) -> Option<&str> {
        self.open.as_ref()?.refusal.as_deref()
    }

    /// Since when it has taken nothing, and said so.
    pub fn failing_since(&self) -> Option<Instant> {
        self.failing_since
    }

    /// It takes nothing now.
    pub fn is_failing(&self, now: Instant) -> bool {
        self.failing_since.is_some() || self.throttled_until.is_some_and(|until| until > now)
    }

    /// For the gauge: 0 closed, 1 open after failures, 2 open since everything is refused.
    pub fn state(&self) -> u8 {
        match &self.open {
            None => 0,
            Some(Open { refusal: None, .. }) => 1,
            Some(_) => 2,
        }
    }
}

#[cfg(test)]
mod tests;
