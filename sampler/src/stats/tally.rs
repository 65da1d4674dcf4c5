//! How often each key occurred in the present interval. Intervals tile the partition's clock, so what is counted is a function of the
//! entries of one interval: nothing older has to be read to rebuild it.
//!
//! Bounded in bytes: beyond, the keys that were not seen for longest make room (second chance). Which these are follows from the same entries in
//! the same order, so a replay forgets the same ones.

use std::collections::VecDeque;

use hashbrown::HashMap;

/// How often each key was counted in the last interval, bounded in bytes.
#[derive(Debug)]
pub(crate) struct Tally {
    interval_ms: u64,
    /// Number of the interval that is counted: time / length.
    interval: u64,
    counts: HashMap<u64, Count>,
    /// Candidates for eviction, oldest first: every key once.
    queue: VecDeque<u64>,
    keys_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    times: u32,
    seen_again: bool,
}

/// What a key may take at most: entry and control byte of a table that has doubled, and once more for the places that keys which went have left in it
/// (it is tidied in place only while half empty); and a queue that has doubled.
const KEY_BYTES: usize = (size_of::<(u64, Count)>() + 1) * 4 * 8 / 7 + 2 * size_of::<u64>();

impl Tally {
    /// Holds at most `bytes_max`.
    pub(crate) fn new(interval_ms: u64, bytes_max: usize) -> Self {
        Self {
            interval_ms: interval_ms.max(1),
            interval: 0,
            counts: HashMap::new(),
            queue: VecDeque::new(),
            keys_max: bytes_max / KEY_BYTES,
        }
    }

    /// What is above it goes.
    pub(crate) fn set_bytes_max(&mut self, bytes_max: usize) {
        self.keys_max = bytes_max / KEY_BYTES;
        if self.counts.len() > self.keys_max {
            while self.counts.len() > self.keys_max {
                self.evict();
            }
            self.counts.shrink_to_fit();
            self.queue.shrink_to_fit();
        }
    }

    /// What another one of the same interval and keys has counted.
    pub(crate) fn adopt(&mut self, before: Self) {
        let bytes_max = self.keys_max * KEY_BYTES;
        *self = before;
        self.set_bytes_max(bytes_max);
    }

    /// The interval that a time is counted in: never one that is over.
    pub(crate) fn interval_of(&self, time_ms: u64) -> u64 {
        (time_ms / self.interval_ms).max(self.interval)
    }

    /// How often the key occurred in the interval of that time, as far as it is remembered.
    pub(crate) fn count(&self, key: u64, time_ms: u64) -> u32 {
        self.count_in(key, self.interval_of(time_ms))
    }

    /// Likewise by the number of the interval; 0 when it is not the one that is counted.
    pub(crate) fn count_in(&self, key: u64, interval: u64) -> u32 {
        let counted = (interval == self.interval).then(|| self.counts.get(&key));
        counted.flatten().map_or(0, |count| count.times)
    }

    /// Counts a key in an interval; what is over is not counted any more.
    pub(crate) fn add(&mut self, key: u64, interval: u64, amount: u32) {
        if interval > self.interval {
            self.turn(interval);
        }
        if interval < self.interval || self.keys_max == 0 {
            return;
        }
        if let Some(count) = self.counts.get_mut(&key) {
            count.times = count.times.saturating_add(amount);
            count.seen_again = true;
            return;
        }
        while self.counts.len() >= self.keys_max {
            self.evict();
        }
        let count = Count {
            times: amount,
            seen_again: false,
        };
        self.counts.insert(key, count);
        self.queue.push_back(key);
    }

    /// The key is still in use, though there is nothing to count.
    pub(crate) fn touch(&mut self, key: u64) {
        if let Some(count) = self.counts.get_mut(&key) {
            count.seen_again = true;
        }
    }

    fn turn(&mut self, interval: u64) {
        self.interval = interval;
        let held = self.counts.len();
        self.counts.clear();
        self.queue.clear();
        // A burst of keys must not hold its memory for ever.
        if held < self.counts.capacity() / 8 {
            self.counts.shrink_to(held * 2);
            self.queue.shrink_to(held * 2);
        }
    }

    fn evict(&mut self) {
        while let Some(key) = self.queue.pop_front() {
            let seen_again = self.counts.get_mut(&key);
            if seen_again.is_some_and(|count| std::mem::take(&mut count.seen_again)) {
                self.queue.push_back(key);
                continue;
            }
            self.counts.remove(&key);
            return;
        }
    }

    pub(crate) fn keys(&self) -> usize {
        self.counts.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.counts.allocation_size() + self.queue.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_counts_its_own() {
        let mut tally = Tally::new(1000, 1 << 20);
        assert_eq!(tally.count(7, 5500), 0);
        tally.add(7, 5, 2);
        tally.add(7, 5, 1);
        assert_eq!(tally.count(7, 5999), 3);
        assert_eq!(tally.count(8, 5999), 0);
        assert_eq!(tally.count(7, 6000), 0);
        tally.add(8, 6, 1);
        assert_eq!(tally.count(7, 6001), 0);
        // Time that goes back counts where the clock stood.
        assert_eq!(tally.interval_of(5999), 6);
        tally.add(9, 5, 1);
        assert_eq!(tally.count(9, 6001), 0);
    }

    #[test]
    fn beyond_its_bytes_what_was_not_seen_for_longest_makes_room() {
        let mut tally = Tally::new(1000, 64 << 10);
        for key in 0..100_000 {
            tally.add(key, 1, 1);
            tally.add(5, 1, 1);
            tally.touch(6);
            assert!(tally.bytes() <= 64 << 10, "{}", tally.bytes());
        }
        assert_eq!(tally.count(99_999, 1000), 1);
        assert_eq!(tally.count(5, 1000), 100_001);
        assert_eq!(tally.count(6, 1000), 1);
        assert_eq!(tally.count(7, 1000), 0);
        assert_eq!(tally.queue.len(), tally.keys());
        // Less room, and a new interval.
        tally.set_bytes_max(1 << 10);
        assert!(tally.bytes() <= 1 << 10, "{}", tally.bytes());
        assert_eq!(tally.count(99_999, 1000), 1);
        tally.add(1, 2, 1);
        assert_eq!(tally.keys(), 1);
    }

    #[test]
    fn no_room_is_no_count_and_no_panic() {
        let mut tally = Tally::new(1000, 0);
        tally.add(1, 1, 1);
        assert_eq!((tally.count(1, 1000), tally.keys()), (0, 0));
    }

    /// What is forgotten follows from the order of the entries alone.
    #[test]
    fn a_replay_forgets_the_same_keys() {
        let run = || {
            let mut tally = Tally::new(1000, 8 << 10);
            let mut rng = fastrand::Rng::with_seed(9);
            for _ in 0..20_000 {
                tally.add(rng.u64(1..500), 1, 1);
            }
            (1..500)
                .map(|key| tally.count(key, 1000))
                .collect::<Vec<_>>()
        };
        let first = run();
        assert!(first.contains(&0));
        assert_eq!(first, run());
    }
}
