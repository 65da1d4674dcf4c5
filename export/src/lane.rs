//! The lane of one signal to one backend: what waits, and how much is in flight. Signals have lanes of their own, so that
//! a backend that takes traces but just now no logs goes on taking traces.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Topic, TopicPartition};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::batch::Waiting;
use crate::config::BatchLimits;
use crate::delivery::Delivery;
use crate::entry::Entry;

pub struct Lane {
    pub topic: Topic,
    waiting: Waiting,
    slots: Arc<Semaphore>,
    concurrency: usize,
    delivery: Arc<Delivery>,
    /// Reading its partitions is paused until a batch is gone.
    pub paused: bool,
}

impl Lane {
    pub fn new(topic: Topic, limits: BatchLimits, concurrency: usize, delivery: Delivery) -> Self {
        Self {
            topic,
            waiting: Waiting::new(limits),
            slots: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            delivery: Arc::new(delivery),
            paused: false,
        }
    }

    pub fn push(&mut self, entry: Entry, now: Instant) {
        self.waiting.push(entry, now);
    }

    pub fn give_up(&mut self, gone: &[TopicPartition]) {
        self.waiting.give_up(gone);
    }

    /// Sends on what is due (or, with `all`, whatever waits), as far as there is room in flight; true if anything went.
    pub fn send_due(&mut self, now: Instant, all: bool, on: &Handle) -> bool {
        let mut sent = false;
        while self
            .waiting
            .due_in(now)
            .is_some_and(|due| all || due.is_zero())
        {
            let Ok(slot) = self.slots.clone().try_acquire_owned() else {
                break;
            };
            let Some(batch) = self.waiting.take() else {
                break;
            };
            sent = true;
            let delivery = self.delivery.clone();
            delivery.ledger.begin(&batch);
            on.spawn(async move {
                delivery.run(batch).await;
                drop(slot);
            });
        }
        sent
    }

    /// A batch waits for room in flight, so reading on would only fill memory.
    pub fn is_full(&self) -> bool {
        self.waiting.is_full()
    }

    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        self.waiting.due_in(now)
    }

    pub fn is_failing(&self) -> bool {
        self.delivery.is_failing()
    }

    /// Why the backend takes nothing of this signal just now.
    pub fn trouble(&self) -> Option<String> {
        self.delivery.trouble()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn is_in_flight(&self) -> bool {
        self.slots.available_permits() < self.concurrency
    }

    pub fn delivery(&self) -> Arc<Delivery> {
        self.delivery.clone()
    }
}
