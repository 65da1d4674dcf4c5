//! The lane of one signal to one backend: what waits, and how much is in flight. Signals have lanes of their own, so that
//! a backend that takes traces but just now no logs goes on taking traces.
//!
//! Where the order of a partition matters, a signal has several lanes with one request in flight each, and a partition is always in the
//! same one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bus::{Topic, TopicPartition};
use tokio::runtime::Handle;

use crate::backends::kind::Order;
use crate::delivery::deliver::Delivery;
use crate::delivery::queue::slots::Slots;
use crate::delivery::queue::waiting::Waiting;
use crate::records::entry::Entry;
use crate::records::grouping::Grouping;
use crate::records::limits::BatchLimits;

pub struct Lane {
    topic: Topic,
    /// Which partitions: those that leave this remainder when divided by this number.
    share: (u32, u32),
    grouping: Grouping,
    waiting: Waiting,
    slots: Arc<Slots>,
    /// Of all records in flight.
    bytes_in_flight: Arc<AtomicUsize>,
    delivery: Arc<Delivery>,
    /// Reading its partitions is paused until a batch is gone.
    paused: bool,
}

impl Lane {
    /// The lanes of one signal.
    pub fn of(
        topic: &Topic,
        partitions: u32,
        limits: BatchLimits,
        concurrency: usize,
        delivery: &Arc<Delivery>,
    ) -> Vec<Self> {
        let (lanes, slots) = match delivery.order() {
            Order::ByPartition => (partitions.clamp(1, concurrency as u32), 1),
            Order::None => (1, concurrency),
        };
        let lane = |index| Self {
            topic: topic.clone(),
            share: (index, lanes),
            grouping: delivery.grouping(),
            waiting: Waiting::new(limits, delivery.grouping()),
            slots: Slots::new(slots),
            bytes_in_flight: Arc::default(),
            delivery: delivery.clone(),
            paused: false,
        };
        (0..lanes).map(lane).collect()
    }

    /// Records of this partition go this way.
    pub fn takes(&self, topic: &str, partition: u32) -> bool {
        let (remainder, lanes) = self.share;
        *self.topic == *topic && partition % lanes == remainder
    }

    pub fn push(&mut self, entry: Entry, now: Instant) {
        self.waiting.push(entry, now);
    }

    /// The next batch of a partition is made again: it ends with the record at this offset.
    pub fn remake(&mut self, partition: u32, last: u64) {
        if self.grouping == Grouping::Partition {
            self.waiting.remake(partition, last);
        }
    }

    /// A record was read that isn't for this backend.
    pub fn skip(&mut self, partition: u32, offset: u64) {
        self.waiting.skip(partition, offset);
    }

    pub fn give_up(&mut self, gone: &[TopicPartition]) {
        self.waiting.give_up(gone);
        self.delivery.forget(gone);
        for at in gone {
            if self.takes(&at.topic, at.partition) {
                self.waiting.forget_remaking(at.partition);
            }
        }
    }

    /// Sends on what is due (or, with `all`, whatever waits), as far as there is room in flight; true if anything went.
    pub fn send_due(&mut self, now: Instant, all: bool, on: &Handle) -> bool {
        let mut sent = false;
        while self
            .waiting
            .due_in(now)
            .is_some_and(|due| all || due.is_zero())
        {
            if self.delivery.is_used_up(self.slots.extra()) {
                break;
            }
            let Some(slot) = self.slots.take() else {
                break;
            };
            let Some(batch) = self.waiting.take(now) else {
                break;
            };
            sent = true;
            let delivery = self.delivery.clone();
            delivery.begin(&batch);
            let bytes = InFlightBytes::of(batch.bytes, &self.bytes_in_flight);
            on.spawn(async move {
                delivery.run(batch, &slot).await;
                drop(bytes);
            });
        }
        sent
    }

    /// What waits and could be sent, and what is in flight, in bytes.
    pub fn bytes_held(&self) -> usize {
        self.waiting.bytes_ready() + self.bytes_in_flight()
    }

    pub fn bytes_in_flight(&self) -> usize {
        self.bytes_in_flight.load(Ordering::SeqCst)
    }

    /// What waits of the partition that has most, in bytes; 0 when there is no room in flight for it.
    pub fn largest(&self) -> usize {
        match self.slots.has_room() {
            true => self.waiting.largest(),
            false => 0,
        }
    }

    /// The largest batch is due, to make room.
    pub fn close_largest(&mut self) {
        self.waiting.close_largest();
    }

    /// A batch waits for room in flight, so reading on would only fill memory.
    pub fn is_full(&self) -> bool {
        self.waiting.is_full()
    }

    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        self.waiting.due_in(now)
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    pub fn is_failing(&self) -> bool {
        self.delivery.is_failing()
    }

    /// Why the backend takes nothing of this signal just now.
    pub fn trouble(&self) -> Option<String> {
        self.delivery.trouble()
    }

    pub fn is_in_flight(&self) -> bool {
        self.slots.is_any_taken()
    }
}

/// The bytes of a batch in flight, until it is dropped.
struct InFlightBytes {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl InFlightBytes {
    fn of(bytes: usize, all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(bytes, Ordering::SeqCst);
        Self {
            bytes,
            all: all.clone(),
        }
    }
}

impl Drop for InFlightBytes {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}
