//! A record on its way to the bus: what its acknowledgement means for those who wait for it, and for the counters.

use std::sync::Arc;

use super::completion::{Outcome, Ticket};
use super::counts::Counts;

/// A published record, until the bus has said what became of it.
pub(super) struct Pending {
    counts: Arc<Counts>,
    items: u64,
    bytes: u64,
    waiters: Vec<Ticket>,
}

/// Every record in flight says the same of a bus that is away.
static UNPUBLISHED: bus::Quiet = bus::Quiet::new();

fn log_unpublished(error: &bus::Error, signal: &str) {
    const WHAT: &str = "record not published; its senders are asked to try again";
    match (UNPUBLISHED.admit(), error) {
        // The bus itself says that it is away, and so does readiness.
        (Some(held_back), bus::Error::Unavailable(_)) => {
            tracing::info!(%error, signal, held_back, "{WHAT}");
        }
        (Some(held_back), _) => tracing::warn!(%error, signal, held_back, "{WHAT}"),
        (None, _) => tracing::debug!(%error, signal, "{WHAT}"),
    }
}

impl Pending {
    /// So many items and bytes, and who waits for them.
    pub(super) fn new(counts: Arc<Counts>, items: u64, bytes: usize, waiters: Vec<Ticket>) -> Self {
        Self {
            counts,
            items,
            bytes: bytes as u64,
            waiters,
        }
    }

    pub(super) fn resolve(mut self, result: bus::Result<u64>) {
        let outcome = match result {
            Ok(_) => {
                self.counts.published(self.items, self.bytes);
                self.items = 0;
                Outcome::Durable
            }
            Err(error @ bus::Error::RecordTooLarge { .. }) => {
                tracing::error!(%error, signal = self.counts.signal.name(), "the bus refuses a record");
                self.counts
                    .rejected_record
                    .increment(std::mem::take(&mut self.items));
                Outcome::Refused
            }
            Err(error) => {
                log_unpublished(&error, self.counts.signal.name());
                self.counts
                    .rejected_bus
                    .increment(std::mem::take(&mut self.items));
                Outcome::Unavailable
            }
        };
        for ticket in self.waiters.drain(..) {
            ticket.resolve(outcome);
        }
    }
}

impl Drop for Pending {
    /// Dropped unresolved: the bus's queue was full.
    fn drop(&mut self) {
        self.counts.rejected_bus.increment(self.items);
    }
}
