//! What the group says: partitions that come and go. Called inside `poll`, on the polling thread.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::{Assigned, Rebalance, Topic, TopicPartition};

use crate::commit::intent::Intent;
use crate::commit::ledger::Ledger;
use crate::delivery::deliver::Delivery;

/// How long giving up partitions may take: what is in flight may finish within most of it.
pub const REVOKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A change of ownership, in the order in which it came.
pub enum Event {
    Assigned(Vec<Given>),
    Gone(Vec<TopicPartition>),
}

/// A partition that was given to this process.
pub struct Given {
    pub at: TopicPartition,
    /// The batch that may have been sent already.
    pub intent: Option<Intent>,
    /// The group has never committed a position here.
    pub is_new: bool,
}

pub struct Membership {
    ledger: Arc<Ledger>,
    /// One for each signal.
    deliveries: Vec<(Topic, Arc<Delivery>)>,
    events: Mutex<Vec<Event>>,
}

impl Membership {
    pub fn new(ledger: Arc<Ledger>, deliveries: Vec<(Topic, Arc<Delivery>)>) -> Self {
        Self {
            ledger,
            deliveries,
            events: Mutex::new(Vec::new()),
        }
    }

    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(
            &mut *self
                .events
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner()),
        )
    }

    fn push(&self, event: Event) {
        let mut events = self
            .events
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        events.push(event);
    }
}

impl Rebalance for Membership {
    fn assigned(&self, partitions: Vec<Assigned>) {
        let with_intent = |assigned: Assigned| {
            self.ledger.own(assigned.at.clone());
            let committed = assigned.committed.as_ref();
            Given {
                intent: committed.and_then(|position| Intent::parse(&position.metadata)),
                is_new: committed.is_none(),
                at: assigned.at,
            }
        };
        let partitions = partitions.into_iter().map(with_intent).collect();
        self.push(Event::Assigned(partitions));
    }

    /// What is in flight may finish and be committed. A backend that takes nothing isn't waited for: the next owner
    /// offers the same records again.
    fn revoked(&self, partitions: Vec<TopicPartition>) {
        let deadline = Instant::now() + REVOKE_TIMEOUT.mul_f64(0.8);
        for (topic, delivery) in &self.deliveries {
            let own = partitions.iter().filter(|at| at.topic == *topic);
            let own: Vec<_> = own.cloned().collect();
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.ledger.settle(&own, left, || delivery.is_failing()) {
                tracing::info!(
                    topic = &**topic,
                    partitions = own.len(),
                    "partitions go while records are in flight; their next owner repeats those"
                );
            }
        }
        self.ledger.forget(&partitions);
        self.push(Event::Gone(partitions));
    }

    fn lost(&self, partitions: Vec<TopicPartition>) {
        self.ledger.forget(&partitions);
        self.push(Event::Gone(partitions));
    }

    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        let mut deliveries = self.deliveries.iter();
        if let Some((_, delivery)) = deliveries.find(|(topic, _)| *topic == at.topic) {
            delivery.truncated(&at, from, to);
        }
    }
}
