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
    doubtful: Option<Doubtful>,
    failing_since: Option<Instant>,
}

#[derive(Debug)]
struct Open {
    probe_at: Instant,
    /// What the backend said when it refused everything; `None`: it fails.
    refusal: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Doubtful {
    batch: u64,
    /// Of single items.
    singles: u32,
}

/// May a batch be offered now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Now,
    Until(Instant),
    /// Until another one's probe has its answer.
    Changed,
}

/// What is known against a batch, or a part of one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Doubt {
    /// Since when it is refused, or what it is a part of.
    since: Option<Instant>,
    /// When this very part was refused for the first time.
    refused_at: Option<Instant>,
    /// Since when it is known that others are accepted meanwhile.
    others_since: Option<Instant>,
}

impl Doubt {
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
pub enum Ruling {
    Again,
    Divide,
    SetAside,
}

/// The times that the configuration gives.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub probe: Duration,
    pub poison_after: Duration,
}

impl Breaker {
    /// A batch asks for its turn; it asks again until it gets it, or [`Breaker::leave`]s.
    pub fn turn(&mut self, batch: u64, now: Instant) -> Turn {
        if !self.queue.contains(&batch) {
            self.queue.push_back(batch);
        }
        if let Some(until) = self.throttled_until.filter(|until| *until > now) {
            return Turn::Until(until);
        }
        if let Some(open) = &self.open {
            if open.probe_at > now {
                return Turn::Until(open.probe_at);
            }
            if self.probing.is_some() || self.queue.front() != Some(&batch) {
                return Turn::Changed;
            }
            self.probing = Some(batch);
        }
        self.leave(batch);
        Turn::Now
    }

    /// The batch no longer waits.
    pub fn leave(&mut self, batch: u64) {
        self.queue.retain(|waiting| *waiting != batch);
    }

    /// A request was accepted. True if the backend had failed before.
    pub fn accepted(&mut self, batch: u64, began: Instant, now: Instant) -> Option<Duration> {
        self.end_probe(batch);
        self.failures = 0;
        self.open = None;
        self.doubtful = None;
        let began = self.accepted.map_or(began, |(other, _)| other.max(began));
        self.accepted = Some((began, now));
        self.failing_since.take().map(|since| now - since)
    }

    /// A request was not accepted: what becomes of it, and when others may be offered.
    pub fn refused(
        &mut self,
        refusal: Refusal<'_>,
        doubt: &mut Doubt,
        patience: Patience,
        now: Instant,
    ) -> Ruling {
        self.end_probe(refusal.batch);
        match refusal.kind {
            FailureKind::Split => {
                self.answered(now);
                return match refusal.divisible {
                    true => Ruling::Divide,
                    false => Ruling::SetAside,
                };
            }
            FailureKind::Retry { after } => {
                let until = now + refusal.pause;
                if after.is_some() {
                    self.throttled_until = self.throttled_until.max(Some(until));
                }
                self.failed(until, now);
                return Ruling::Again;
            }
            FailureKind::Fault => self.failed(now + refusal.pause, now),
            FailureKind::Denied { certain } => self.denied(&refusal, certain, patience, now),
        }
        self.judge(refusal, doubt, patience, now)
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

    fn denied(&mut self, refusal: &Refusal<'_>, certain: bool, patience: Patience, now: Instant) {
        let before = self.doubtful;
        let singles = before.map_or(0, |before| before.singles) + u32::from(!refusal.divisible);
        self.doubtful = Some(Doubtful {
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
            true => patience.probe,
            false => refusal.pause.min(patience.probe),
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
        doubt: &mut Doubt,
        patience: Patience,
        now: Instant,
    ) -> Ruling {
        let since = *doubt.since.get_or_insert(now);
        let refused_at = *doubt.refused_at.get_or_insert(now);
        let others = (self.accepted).is_some_and(|(began, _)| began > refused_at);
        if others {
            doubt.others_since.get_or_insert(now);
        }
        let poisoned = (doubt.others_since).is_some_and(|at| now - at >= patience.poison_after);
        let (divide, set_aside) = match refusal.kind {
            FailureKind::Denied { certain: true } => (poisoned, poisoned && others),
            FailureKind::Denied { certain: false } => (
                others || (self.open.is_none() && self.accepted_recently(now)),
                others,
            ),
            _ => (
                poisoned || now - since >= patience.poison_after,
                poisoned && others,
            ),
        };
        match refusal.divisible {
            true if divide => Ruling::Divide,
            false if set_aside => Ruling::SetAside,
            _ => Ruling::Again,
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
