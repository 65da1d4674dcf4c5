//! What is counted, as the polling thread and the exchange see it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::TopicPartition;

use super::rules::Rules;
use super::usage::Usage;

/// The topic can't be read any more when nothing came of it for so long.
const STALE_AFTER: Duration = Duration::from_secs(30);

/// What is counted, as the polling thread and the exchange see it.
#[derive(Debug)]
pub struct Shared {
    pub rules: Rules,
    usage: Mutex<Usage>,
    /// When the topic was last read to its end.
    read_at: Mutex<Option<Instant>>,
    /// Partitions went: their next owner wants to know soon.
    hurry: AtomicBool,
    over: AtomicBool,
}

impl Shared {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            usage: Mutex::default(),
            read_at: Mutex::default(),
            hurry: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    pub fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What others counted is known.
    pub fn is_known(&self) -> bool {
        let read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        read_at.is_some_and(|at| at.elapsed() < STALE_AFTER)
    }

    /// This process no longer counts these.
    pub fn give_up(&self, partitions: &[TopicPartition]) {
        let mut usage = self.usage();
        partitions.iter().for_each(|at| usage.give_up(at));
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// The topic was read to its end just now.
    pub fn set_read(&self) {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        *read_at = Some(Instant::now());
    }

    /// Partitions went since this was last asked: their next owner wants to know soon what they counted.
    pub fn take_hurry(&self) -> bool {
        self.hurry.swap(false, Ordering::Relaxed)
    }

    /// Nobody counts any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}
