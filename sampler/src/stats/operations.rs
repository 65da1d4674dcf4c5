//! What is usual for each operation: the quantile of its traces' durations, interval by interval.
//!
//! A trace is compared with the quantile of the interval before; until there is one, with that of the present interval so far. So what is known is
//! a function of the entries of two intervals. Bounded in bytes: beyond, the operations that were not seen for longest make room (second chance).

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::sketch::Sketch;

/// Sketches of durations by operation, bounded in bytes.
#[derive(Debug)]
pub(crate) struct Operations {
    quantile: f64,
    samples_min: u32,
    interval_ms: u64,
    interval: u64,
    known: HashMap<u64, Operation>,
    /// Candidates for eviction, oldest first.
    queue: VecDeque<u64>,
    /// Of all sketches.
    sketch_bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Operation {
    /// Of the present interval.
    sketch: Sketch,
    /// The quantile of the interval before; `u64::MAX`: too few samples.
    usual_us: u64,
    seen_again: bool,
}

/// What an operation takes at most besides its sketch: in a table that has doubled, and once more for the places that operations which went have left
/// in it (it is tidied in place only while half empty); and in a queue that has doubled.
const OPERATION_BYTES: usize =
    (size_of::<(u64, Operation)>() + 1) * 4 * 8 / 7 + 2 * size_of::<u64>();

impl Operations {
    pub(crate) fn new(quantile: f64, samples_min: u32, interval_ms: u64, bytes_max: usize) -> Self {
        Self {
            quantile,
            samples_min,
            interval_ms: interval_ms.max(1),
            interval: 0,
            known: HashMap::new(),
            queue: VecDeque::new(),
            sketch_bytes: 0,
            bytes_max,
        }
    }

    /// What is above it goes.
    pub(crate) fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
        if self.is_too_large() {
            while self.is_too_large() && !self.known.is_empty() {
                self.evict();
            }
            self.known.shrink_to_fit();
            self.queue.shrink_to_fit();
        }
    }

    fn is_too_large(&self) -> bool {
        self.sketch_bytes + self.known.len() * OPERATION_BYTES > self.bytes_max
    }

    /// What another one of the same interval and keys knows.
    pub(crate) fn adopt(&mut self, before: Self) {
        *self = Self {
            quantile: self.quantile,
            samples_min: self.samples_min,
            bytes_max: self.bytes_max,
            ..before
        };
    }

    /// The duration, in microseconds, that only few of the operation's traces exceed; `None`: not enough is known.
    pub(crate) fn usual_us(&self, key: u64, time_ms: u64) -> Option<u64> {
        let operation = self.known.get(&key)?;
        let ahead = (time_ms / self.interval_ms).saturating_sub(self.interval);
        let present = || {
            (operation.sketch.count() >= self.samples_min)
                .then(|| operation.sketch.quantile(self.quantile))
                .flatten()
        };
        match ahead {
            0 if operation.usual_us != u64::MAX => Some(operation.usual_us),
            // The present interval, or the one that has just ended and was not put away yet.
            0 | 1 => present(),
            _ => None,
        }
    }

    pub(crate) fn observe(&mut self, key: u64, duration_us: u64, time_ms: u64) {
        let interval = time_ms / self.interval_ms;
        if interval > self.interval {
            self.turn(interval);
        }
        if let Some(operation) = self.known.get_mut(&key) {
            let before = operation.sketch.bytes();
            operation.sketch.add(duration_us);
            operation.seen_again = true;
            self.sketch_bytes += operation.sketch.bytes() - before;
        } else {
            let mut sketch = Sketch::default();
            sketch.add(duration_us);
            self.sketch_bytes += sketch.bytes();
            let operation = Operation {
                sketch,
                usual_us: u64::MAX,
                seen_again: false,
            };
            self.known.insert(key, operation);
            self.queue.push_back(key);
        }
        while self.is_too_large() {
            self.evict();
        }
    }

    /// A new interval: what the last one said is kept as one number, and its operations that were not seen go.
    fn turn(&mut self, interval: u64) {
        let follows = interval == self.interval + 1;
        self.interval = interval;
        let (quantile, samples_min) = (self.quantile, self.samples_min);
        self.known.retain(|_, operation| {
            let sketch = &mut operation.sketch;
            let seen = sketch.count() > 0;
            operation.usual_us = match sketch.quantile(quantile) {
                Some(usual_us) if sketch.count() >= samples_min => usual_us,
                _ => u64::MAX,
            };
            sketch.clear();
            seen && follows
        });
        let known = &self.known;
        self.queue.retain(|key| known.contains_key(key));
        self.sketch_bytes = self
            .known
            .values()
            .map(|operation| operation.sketch.bytes())
            .sum();
        if self.known.len() < self.known.capacity() / 8 {
            self.known.shrink_to(self.known.len() * 2);
            self.queue.shrink_to(self.queue.len() * 2);
        }
    }

    fn evict(&mut self) {
        while let Some(key) = self.queue.pop_front() {
            let Some(operation) = self.known.get_mut(&key) else {
                continue;
            };
            if std::mem::take(&mut operation.seen_again) {
                self.queue.push_back(key);
                continue;
            }
            self.sketch_bytes -= operation.sketch.bytes();
            self.known.remove(&key);
            return;
        }
        // Nothing is left: the bound is below the size of one operation.
        self.sketch_bytes = 0;
        self.bytes_max = self.bytes_max.max(2 * OPERATION_BYTES);
    }

    pub(crate) fn keys(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.known.allocation_size() + self.queue.capacity() * size_of::<u64>() + self.sketch_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.9 quantile, at least 10 samples, intervals of a second.
    fn operations() -> Operations {
        Operations::new(0.9, 10, 1000, 1 << 20)
    }

    #[test]
    fn the_interval_before_says_what_is_usual() {
        let mut operations = operations();
        for duration_us in 1..=10 {
            assert_eq!(operations.usual_us(1, 1500), None);
            operations.observe(1, duration_us, 1500);
        }
        // Enough in the present interval, then in the one that ended.
        assert_eq!(operations.usual_us(1, 1600), Some(9));
        assert_eq!(operations.usual_us(1, 2600), Some(9));
        assert_eq!(operations.usual_us(1, 3600), None);
        operations.observe(1, 5000, 2600);
        assert_eq!(operations.usual_us(1, 2700), Some(9));
        // Then there were too few.
        operations.observe(1, 5000, 3600);
        assert_eq!(operations.usual_us(1, 3700), None);
        assert_eq!(operations.usual_us(2, 3700), None);
    }

    #[test]
    fn an_operation_that_is_not_seen_for_an_interval_is_forgotten() {
        let mut operations = operations();
        operations.observe(1, 5, 1000);
        operations.observe(2, 5, 1000);
        operations.observe(2, 5, 2000);
        assert_eq!(operations.keys(), 2);
        operations.observe(2, 5, 3000);
        assert_eq!(operations.keys(), 1);
        operations.observe(3, 5, 9000);
        assert_eq!(operations.keys(), 1);
    }

    #[test]
    fn a_hundred_thousand_operations_fit_and_beyond_the_bound_the_stale_ones_go() {
        let mut operations = Operations::new(0.99, 100, 1000, 48 << 20);
        let mut rng = fastrand::Rng::with_seed(1);
        for round in 0..100 {
            for key in 0..100_000 {
                // Durations over a factor of ten.
                let duration_us = 1000 + rng.u64(0..100) * rng.u64(0..100);
                operations.observe(key, duration_us, 1000 + round);
            }
        }
        assert_eq!(operations.keys(), 100_000);
        println!("100,000 operations: {} bytes", operations.bytes());
        assert!(operations.bytes() < 48 << 20, "{}", operations.bytes());
        for key in 100_000..1_000_000 {
            operations.observe(key, 1000, 1200);
            operations.observe(5, 1000, 1200);
            assert!(operations.bytes() <= 48 << 20);
        }
        assert!(operations.known.contains_key(&5));
        assert!(!operations.known.contains_key(&6));
        assert!(operations.known.contains_key(&999_999));
    }

    #[test]
    fn a_bound_too_small_for_anything_still_works() {
        let mut operations = Operations::new(0.9, 1, 1000, 0);
        operations.observe(1, 5, 1000);
        operations.observe(2, 5, 1000);
        assert!(operations.keys() <= 2);
    }
}
