//! Waiting for the bus: a request is done when every record that holds an item of it is acknowledged or failed.
//!
//! Each record holds one [`Ticket`] of each request in it. However many records and partitions a request spans, its task is
//! woken once.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::admission::Permit;
use crate::refusal::Refusal;

/// How a record fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    Durable = 0,
    /// Worth a retry.
    Unavailable = 1,
    /// The bus will never take it.
    Refused = 2,
}

struct Shared {
    tickets: AtomicUsize,
    /// The worst outcome so far.
    outcome: AtomicU8,
    done: Notify,
    /// Held until the last record is through, even if the client has gone; given back before the answer, so that who has his
    /// answer sees his bytes free.
    permit: Mutex<Option<Permit>>,
}

/// A record's duty to say how it fared, to one request. Dropped without a word, it says [`Outcome::Unavailable`].
pub struct Ticket {
    shared: Arc<Shared>,
    outcome: Outcome,
}

/// The request's side.
pub struct Completion {
    shared: Arc<Shared>,
}

/// A completion with its first ticket, which the splitter copies into records and then resolves as durable.
pub fn completion(permit: Permit) -> (Ticket, Completion) {
    let shared = Arc::new(Shared {
        tickets: AtomicUsize::new(1),
        outcome: AtomicU8::new(Outcome::Durable as u8),
        done: Notify::new(),
        permit: Mutex::new(Some(permit)),
    });
    let ticket = Ticket {
        shared: shared.clone(),
        outcome: Outcome::Unavailable,
    };
    (ticket, Completion { shared })
}

impl Ticket {
    pub fn resolve(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Clone for Ticket {
    fn clone(&self) -> Self {
        self.shared.tickets.fetch_add(1, Ordering::Relaxed);
        Self {
            shared: self.shared.clone(),
            outcome: Outcome::Unavailable,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.outcome != Outcome::Durable {
            self.shared
                .outcome
                .fetch_max(self.outcome as u8, Ordering::Relaxed);
        }
        // Release: who sees zero sees all outcomes.
        if self.shared.tickets.fetch_sub(1, Ordering::AcqRel) == 1 {
            let permit = &self.shared.permit;
            drop(permit.lock().unwrap_or_else(PoisonError::into_inner).take());
            self.shared.done.notify_one();
        }
    }
}

impl Completion {
    /// Returns when no ticket is left.
    ///
    /// # Errors
    /// At least one record did not get onto the bus; others may have.
    pub async fn wait(self) -> Result<(), Refusal> {
        // Told once, by the last ticket; a word that came before is kept.
        self.shared.done.notified().await;
        match self.shared.outcome.load(Ordering::Relaxed) {
            outcome if outcome == Outcome::Durable as u8 => Ok(()),
            outcome if outcome == Outcome::Refused as u8 => Err(Refusal::Record),
            _ => Err(Refusal::Bus),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use metrics::Gauge;

    use super::*;
    use crate::admission::Budget;

    /// The worst outcome is the request's; its bytes come back with its last ticket.
    #[tokio::test]
    async fn outcomes_add_up() {
        use Outcome::{Durable, Refused, Unavailable};
        for (outcomes, expected) in [
            (&[][..], None),
            (&[Durable, Durable], None),
            (&[Durable, Unavailable], Some("bus")),
            (&[Refused, Durable, Unavailable], Some("record")),
        ] {
            let budget = Budget::new(10, Gauge::noop());
            let mut permit = budget.permit();
            permit.grow(10).unwrap();
            let (first, completion) = completion(permit);
            let tickets: Vec<_> = outcomes
                .iter()
                .map(|outcome| (first.clone(), *outcome))
                .collect();
            first.resolve(Durable);
            let waiting = tokio::spawn(completion.wait());
            for (ticket, outcome) in tickets {
                assert!(!waiting.is_finished());
                ticket.resolve(outcome);
            }
            let result = waiting.await.unwrap();
            assert_eq!(
                result.err().map(|refusal| refusal.reason()),
                expected,
                "{outcomes:?}"
            );
            assert_eq!(budget.taken(), 0);
        }
    }

    /// Who has his answer sees his bytes free: they come back with the last ticket, whoever still holds the request.
    #[tokio::test]
    async fn bytes_come_back_before_the_answer() {
        let budget = Budget::new(10, Gauge::noop());
        let mut permit = budget.permit();
        permit.grow(10).unwrap();
        let (ticket, completion) = completion(permit);
        ticket.resolve(Outcome::Durable);
        assert_eq!(budget.taken(), 0);
        completion.wait().await.unwrap();
    }

    /// A bus that drops an acknowledgement has not acknowledged.
    #[tokio::test]
    async fn a_dropped_ticket_is_a_failure() {
        let (ticket, completion) = completion(Budget::new(0, Gauge::noop()).permit());
        drop(ticket);
        assert_eq!(completion.wait().await.unwrap_err().reason(), "bus");
    }
}
