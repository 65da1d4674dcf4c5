//! How fast requests leave: the rate that the backend's signals share, and how many of one signal may be in flight.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Gauge, gauge};
use schemas::Signal;

use crate::delivery::speed::adaptive::Adaptive;
use crate::delivery::speed::rate::Rate;
use crate::names;
use crate::records::batch::Batch;

/// The rate of a backend.
pub type SharedRate = Arc<Mutex<Rate>>;

pub struct Pace {
    rate: SharedRate,
    adaptive: Mutex<Adaptive>,
    /// Batches that were handed over for delivery, and aren't done.
    in_flight: AtomicUsize,
    shown_limit: Gauge,
    shown_in_flight: Gauge,
}

impl Pace {
    pub fn new(backend: &str, signal: Signal, rate: SharedRate, adaptive: Adaptive) -> Self {
        let labels = [
            ("backend", backend.to_owned()),
            ("signal", signal.name().to_owned()),
        ];
        let pace = Self {
            rate,
            adaptive: Mutex::new(adaptive),
            in_flight: AtomicUsize::new(0),
            shown_limit: gauge!(names::CONCURRENCY_LIMIT, &labels),
            shown_in_flight: gauge!(names::IN_FLIGHT, &labels),
        };
        pace.shown_limit.set(pace.limit() as f64);
        pace.shown_in_flight.set(0.0);
        pace
    }

    /// No further batch is to be handed over now, where so many more than usual may be.
    pub fn is_used_up(&self, extra: usize) -> bool {
        self.in_flight.load(Ordering::SeqCst) >= self.limit() + extra
    }

    pub fn begin(&self) {
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.adaptive().sent(in_flight);
        self.shown_in_flight.set(in_flight as f64);
    }

    pub fn end(&self) {
        let in_flight = self.in_flight.fetch_sub(1, Ordering::SeqCst) - 1;
        self.shown_in_flight.set(in_flight as f64);
    }

    /// Takes a request's part of the rate, or says how long it has to wait.
    pub fn take(&self, batch: &Batch) -> Result<(), Duration> {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(batch.bytes, batch.items, Instant::now())
    }

    /// A request was answered, or pushed back.
    pub fn answered(&self, took: Duration, pushed_back: bool) {
        let mut adaptive = self.adaptive();
        adaptive.answered(took, pushed_back);
        self.shown_limit.set(adaptive.limit() as f64);
    }

    fn limit(&self) -> usize {
        self.adaptive().limit()
    }

    fn adaptive(&self) -> std::sync::MutexGuard<'_, Adaptive> {
        self.adaptive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
