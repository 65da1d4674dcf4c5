//! What becomes of the requests of all connections: counted, and reported as it happens.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use serde::Serialize;

/// What is worth a line while sending goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many items are accepted by now.
    Accepted(u64),
    /// The endpoint takes nothing, for this reason; said once, until it takes something again.
    Away(String),
    /// It takes something again.
    Back,
    /// It refused a request for good: so many items, and its reason.
    Refused(u64, String),
}

/// What became of what was sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub requests: u64,
    /// Items that the endpoint answered success for.
    pub accepted_items: u64,
    /// Items refused by `partial_success`.
    pub rejected_items: u64,
    /// Items of requests that failed for good.
    pub failed_items: u64,
    pub retries: u64,
    pub bytes: u64,
    pub seconds: f64,
    pub items_per_second: f64,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

/// What all connections share.
pub struct Progress {
    counts: Counts,
    started: Instant,
    /// The endpoint answered something, at some time.
    answered: AtomicBool,
    /// It was said that it takes nothing.
    away: AtomicBool,
    listener: Box<dyn Fn(Event) + Send + Sync>,
}

impl Progress {
    pub fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self {
            counts: Counts::default(),
            started: Instant::now(),
            answered: AtomicBool::new(false),
            away: AtomicBool::new(false),
            listener: Box::new(listener),
        }
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    /// A request of so many bytes is on its way.
    pub fn begin(&self, bytes: usize) {
        self.counts.requests.fetch_add(1, Relaxed);
        self.counts.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// An attempt was answered, whatever the answer.
    pub fn answered(&self) {
        self.answered.store(true, Relaxed);
    }

    pub fn was_ever_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    pub fn accepted(&self, items: u64, rejected: u64) {
        self.counts.rejected.fetch_add(rejected, Relaxed);
        self.counts
            .accepted
            .fetch_add(items.saturating_sub(rejected), Relaxed);
    }

    /// For good.
    pub fn refused(&self, items: u64, reason: String) {
        (self.listener)(Event::Refused(items, reason));
        self.counts.failed.fetch_add(items, Relaxed);
    }

    pub fn retried(&self) {
        self.counts.retries.fetch_add(1, Relaxed);
    }

    /// The endpoint takes nothing.
    pub fn away(&self, reason: &str) {
        if !self.away.swap(true, Relaxed) {
            (self.listener)(Event::Away(reason.to_owned()));
        }
    }

    /// A request has its answer, so the endpoint isn't away.
    pub fn settled(&self) {
        if self.away.swap(false, Relaxed) {
            (self.listener)(Event::Back);
        }
        (self.listener)(Event::Accepted(self.counts.accepted.load(Relaxed)));
    }

    pub fn report(&self) -> Report {
        let seconds = self.started.elapsed().as_secs_f64();
        let load = |count: &AtomicU64| count.load(Relaxed);
        Report {
            requests: load(&self.counts.requests),
            accepted_items: load(&self.counts.accepted),
            rejected_items: load(&self.counts.rejected),
            failed_items: load(&self.counts.failed),
            retries: load(&self.counts.retries),
            bytes: load(&self.counts.bytes),
            seconds,
            items_per_second: load(&self.counts.accepted) as f64 / seconds,
        }
    }
}
