//! The memory limit of a process, divided over what holds payload: the record caches of all partitions, each with the same share, what is promoted of
//! their traces, likewise, and the spans that late errors bring back, from one pool.
//!
//! A share depends on how many partitions the process owns at the moment, on all of its workers. So it falls when more come and grows when
//! some leave; a worker takes a new share over when it begins an epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::options::Options;
use crate::promote;

/// What is brought back may take one part of so many.
const POOL_PARTS: usize = 4;
/// A reading takes one part of so many of the pool, or [`READING_BYTES_MAX`].
const READING_PARTS: usize = 4;
/// In bytes. A trace that needs more for itself is not brought back.
const READING_BYTES_MAX: usize = 16 << 20;

/// What else the memory limit is for besides the record caches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Besides {
    /// Late errors bring traces back.
    pub(crate) rescues: bool,
    /// Attributes are promoted.
    pub(crate) promotes: bool,
}

impl From<&Options> for Besides {
    fn from(options: &Options) -> Self {
        Self {
            rescues: options.rescue_late_errors,
            promotes: !options.promote.is_empty(),
        }
    }
}

/// The memory limit of a process, and what it is divided into.
#[derive(Debug)]
pub struct Memory {
    limit_bytes: usize,
    /// Those that all workers own.
    partitions: AtomicUsize,
    pool: Arc<Pool>,
}

impl Memory {
    pub fn new(limit_bytes: usize) -> Self {
        let pool = Pool::new(limit_bytes / POOL_PARTS);
        Self {
            limit_bytes,
            partitions: AtomicUsize::new(0),
            pool: Arc::new(pool),
        }
    }

    /// A worker owns so many more partitions.
    pub(crate) fn came(&self, partitions: usize) {
        self.partitions.fetch_add(partitions, Ordering::Relaxed);
    }

    /// A worker owns so many fewer.
    pub(crate) fn gone(&self, partitions: usize) {
        self.partitions.fetch_sub(partitions, Ordering::Relaxed);
    }

    /// The bound of one partition's record cache: its share of what is left.
    pub(crate) fn cache_bytes(&self, besides: Besides) -> usize {
        let mut left = self.limit_bytes;
        if besides.rescues {
            left -= self.pool.bytes_max;
        }
        if besides.promotes {
            left -= self.limit_bytes / promote::MEMORY_PARTS;
        }
        self.share(left)
    }

    /// The bound of what is promoted of one partition's traces.
    pub(crate) fn promoted_bytes(&self) -> usize {
        self.share(self.limit_bytes / promote::MEMORY_PARTS)
    }

    fn share(&self, bytes: usize) -> usize {
        bytes / self.partitions.load(Ordering::Relaxed).max(1)
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
}

/// Bytes for what late errors bring back.
///
/// Readings take theirs before they begin. What they find is let go when the emit cursor passes, which may wait for another reading of its
/// partition. So that partitions never wait for each other in a circle, the part of one reading is spare: it is for all that the emit
/// cursor of one partition is waiting for at one record, and so it always comes back.
#[derive(Debug)]
pub(crate) struct Pool {
    bytes_max: usize,
    reading_bytes_max: usize,
    taken: AtomicUsize,
    spare_taken: AtomicBool,
}

impl Default for Pool {
    /// Of a partition by itself.
    fn default() -> Self {
        Self::new(READING_PARTS * READING_BYTES_MAX)
    }
}

impl Pool {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            reading_bytes_max: READING_BYTES_MAX.min(bytes_max / READING_PARTS),
            taken: AtomicUsize::new(0),
            spare_taken: AtomicBool::new(false),
        }
    }

    /// What one reading may hold.
    pub(crate) fn reading_bytes_max(&self) -> usize {
        self.reading_bytes_max
    }

    /// For a reading; `None`: nothing is left.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Hold> {
        let bytes = self.reading_bytes_max;
        let limit = self.bytes_max - bytes;
        let fits = |taken: usize| taken.checked_add(bytes).filter(|&sum| sum <= limit);
        let taken = (self.taken).fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.is_ok().then(|| self.hold(bytes, false))
    }

    /// For all that an emit cursor waits for at one record; `None`: another partition has it.
    pub(crate) fn take_spare(self: &Arc<Self>) -> Option<Hold> {
        let taken = self.spare_taken.swap(true, Ordering::Relaxed);
        (!taken).then(|| self.hold(self.reading_bytes_max, true))
    }

    /// Bytes that are taken, and whether the spare part is.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> (usize, bool) {
        let spare = self.spare_taken.load(Ordering::Relaxed);
        (self.taken.load(Ordering::Relaxed), spare)
    }

    fn hold(self: &Arc<Self>, bytes: usize, is_spare: bool) -> Hold {
        Hold {
            pool: Arc::clone(self),
            bytes,
            is_spare,
        }
    }
}

/// Bytes of a pool, given back when dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    pool: Arc<Pool>,
    bytes: usize,
    is_spare: bool,
}

impl Hold {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_spare(&self) -> bool {
        self.is_spare
    }

    /// Cuts off what one trace takes. The spare part goes with the first one as a whole: all of a reading come back together.
    pub(crate) fn split(&mut self, bytes: usize) -> Self {
        let bytes = match self.is_spare {
            true => self.bytes,
            false => bytes.min(self.bytes),
        };
        self.bytes -= bytes;
        let part = self.pool.hold(bytes, self.is_spare);
        self.is_spare = false;
        part
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.is_spare {
            self.pool.spare_taken.store(false, Ordering::Relaxed);
        } else {
            self.pool.taken.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_number_of_partitions() {
        let memory = Memory::new(960);
        let alone = Besides::default();
        assert_eq!(memory.cache_bytes(alone), 960);
        memory.came(48);
        assert_eq!(memory.cache_bytes(alone), 20);
        memory.came(48);
        assert_eq!(memory.cache_bytes(alone), 10);
        memory.gone(90);
        assert_eq!(memory.cache_bytes(alone), 160);
        let (rescues, promotes) = (true, true);
        let beside = |rescues, promotes| memory.cache_bytes(Besides { rescues, promotes });
        assert_eq!(
            (beside(rescues, false), beside(false, promotes)),
            (120, 120)
        );
        assert_eq!(
            (beside(rescues, promotes), memory.promoted_bytes()),
            (80, 40)
        );
    }

    #[test]
    fn no_more_than_the_pool_is_held_and_one_may_always_go_on() {
        let pool = Arc::new(Pool::new(400));
        let mut first = pool.take().unwrap();
        assert_eq!(pool.reading_bytes_max(), 100);
        let others = [pool.take().unwrap(), pool.take().unwrap()];
        assert!(pool.take().is_none());
        let part = first.split(50);
        drop(first);
        // Of what is not spare, 250 of 300 are held, and a reading needs 100.
        assert!(pool.take().is_none());
        drop(others);
        let mut spare = pool.take_spare().unwrap();
        assert!(spare.is_spare() && pool.take_spare().is_none());
        let found = [spare.split(10), spare.split(10)];
        drop(spare);
        assert!(pool.take_spare().is_none(), "it goes with what was found");
        drop(found);
        assert!(pool.take_spare().is_some());
        drop(part);
        assert_eq!(pool.taken(), (0, false));
    }
}
