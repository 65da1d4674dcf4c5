//! Admission by bytes: what all requests in flight may hold together.
//!
//! A request takes its bytes *before* it reads or inflates them, and gives them back when the bus has acknowledged its
//! items. Nothing waits here: who can't have its bytes at once is refused and told to come back, because a request that waits
//! holds memory too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::Gauge;

use crate::refusal::Refusal;

/// A number of bytes that permits are taken from.
#[derive(Clone)]
pub struct Budget {
    inner: Arc<Inner>,
}

struct Inner {
    limit: usize,
    taken: AtomicUsize,
    gauge: Gauge,
}

impl Budget {
    /// `gauge` shows the bytes that are taken.
    pub fn new(limit: usize, gauge: Gauge) -> Self {
        let inner = Inner {
            limit,
            taken: AtomicUsize::new(0),
            gauge,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A permit for no bytes yet.
    pub fn permit(&self) -> Permit {
        Permit {
            budget: self.clone(),
            bytes: 0,
        }
    }

    /// Bytes that are taken now.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.inner.taken.load(Ordering::Relaxed)
    }

    fn try_take(&self, bytes: usize) -> bool {
        let limit = self.inner.limit;
        let fits = |taken: usize| taken.checked_add(bytes).filter(|&sum| sum <= limit);
        let taken = self
            .inner
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        if taken.is_ok() {
            self.inner.gauge.increment(bytes as f64);
        }
        taken.is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.inner.taken.fetch_sub(bytes, Ordering::Relaxed);
        self.inner.gauge.decrement(bytes as f64);
    }
}

/// Bytes that belong to one request; given back when dropped.
pub struct Permit {
    budget: Budget,
    bytes: usize,
}

impl Permit {
    /// Takes more bytes.
    ///
    /// # Errors
    /// [`Refusal::Overload`] when the budget has not enough left; the permit is unchanged.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        if !self.budget.try_take(bytes) {
            return Err(Refusal::Overload);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back everything above `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        if let Some(surplus) = self.bytes.checked_sub(bytes) {
            self.bytes = bytes;
            self.budget.give_back(surplus);
        }
    }

    /// Bytes that the permit stands for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// No more than the limit is ever taken, and everything comes back.
    #[test]
    fn bytes_are_taken_and_given_back() {
        let budget = Budget::new(100, Gauge::noop());
        let mut first = budget.permit();
        first.grow(60).unwrap();
        let mut second = budget.permit();
        assert!(second.grow(41).is_err());
        assert!(second.grow(usize::MAX).is_err());
        second.grow(40).unwrap();
        first.shrink_to(10);
        assert_eq!((first.bytes(), budget.taken()), (10, 50));
        drop((first, second));
        assert_eq!(budget.taken(), 0);
    }
}
