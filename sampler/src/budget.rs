//! Rate budgets: one limit for the whole group. Each process has the part of its partitions, and all of them spend from it.
//!
//! Time is the stream's: see [`bucket`]. A process has owned / all of each limit, the same whoever owns what, so that the limits hold when processes
//! come and go. Pieces by partition would be smaller than a trace, and could neither keep one nor hold at an instant. What a process can't use goes to
//! those that refuse traces for want of it (`fleet/tokens.rs`).
//!
//! A partition whose clock is so far behind the others that the process's bucket knows nothing of its time, or that has left them behind for so
//! long, has a bucket of its own, with its even part of the limit. So a wrong clock neither stops the others nor lifts the limit.

mod bucket;
mod limit;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bucket::Bucket;
pub use limit::{Limit, Refill};
use xxhash_rust::xxh3::xxh3_64;

/// Of the past that buckets know, over all budgets of a process: 1 MiB. One budget knows of at most half an hour with `composite`, and of 256 times
/// its burst else: 8 minutes if `burst` is two seconds' worth.
const SLOTS: usize = 1 << 16;
const SLOTS_MAX: usize = 2048;
const SLOTS_MIN: usize = 64;

/// Little is decided any more of times so far behind: twice the default `idle_allowance`.
const SETTLED_MS: u64 = 4000;

/// The budgets of the partitions of one process.
#[derive(Debug)]
pub(crate) struct Budgets {
    limits: Vec<Limit>,
    /// By limit: what other processes know it by, if they have the same.
    identities: Vec<u64>,
    buckets: Vec<Bucket>,
    owned: u32,
    /// Of the topic.
    partitions: u32,
}

impl Budgets {
    pub(crate) fn new(limits: &[Limit], owned: u32, partitions: u32) -> Self {
        let mut budgets = Self {
            limits: Vec::new(),
            identities: Vec::new(),
            buckets: Vec::new(),
            owned,
            partitions,
        };
        budgets.set_limits(limits);
        budgets
    }

    /// Another configuration: limits that both have go on where they stand. Once is enough, more often does no harm.
    pub(crate) fn set_limits(&mut self, limits: &[Limit]) {
        if self.limits == limits {
            return;
        }
        let (before, buckets) = (
            std::mem::replace(&mut self.limits, limits.to_vec()),
            std::mem::take(&mut self.buckets),
        );
        self.identities = (0..limits.len())
            .map(|at| identity(&limits[..=at]))
            .collect();
        let mut buckets: Vec<_> = buckets.into_iter().map(Some).collect();
        let slots = (SLOTS / limits.len().max(1)).clamp(SLOTS_MIN, SLOTS_MAX);
        let share = self.share();
        self.buckets = (limits.iter())
            .map(|limit| {
                let mut known = before.iter().zip(&mut buckets);
                let same = known.find(|(known, bucket)| *known == limit && bucket.is_some());
                let same = same.and_then(|(_, bucket)| bucket.take());
                same.unwrap_or_else(|| Bucket::new(*limit, share, slots))
            })
            .collect();
    }

    pub(crate) fn assigned(&mut self) {
        self.set_owned(self.owned + 1);
    }

    pub(crate) fn revoked(&mut self) {
        self.set_owned(self.owned.saturating_sub(1));
    }

    fn set_owned(&mut self, owned: u32) {
        self.owned = owned;
        let share = self.share();
        for bucket in &mut self.buckets {
            bucket.set_share(share);
        }
    }

    pub(crate) fn identities(&self) -> &[u64] {
        &self.identities
    }

    /// Tokens that nobody here wanted for those that other processes had too few of. `wanted`: by others, of a budget; `exchange` is told what is to
    /// spare of it and what was wanted here, and says what others gave.
    pub(crate) fn exchange(
        &mut self,
        now_ms: u64,
        wanted: impl Fn(u64) -> f64,
        exchange: impl Fn(u64, f64, f64) -> f64,
    ) {
        let until_ms = now_ms.saturating_sub(SETTLED_MS);
        for (&identity, bucket) in self.identities.iter().zip(&mut self.buckets) {
            let spare = bucket.take_overflow(until_ms, wanted(identity));
            let wanted = bucket.take_wanted();
            bucket.give(exchange(identity, spare, wanted));
        }
    }

    /// The part of each limit that this process has.
    fn share(&self) -> f64 {
        (f64::from(self.owned) / f64::from(self.partitions.max(1))).min(1.0)
    }

    fn spend(&mut self, budget: usize, tokens: u64, at_ms: u64) -> Option<bool> {
        self.buckets.get_mut(budget)?.spend(tokens, at_ms)
    }
}

/// Of the last of these limits: its values, and which one it is of those that have the same.
fn identity(limits: &[Limit]) -> u64 {
    let Some(limit) = limits.last() else { return 0 };
    let same = limits.iter().filter(|other| *other == limit).count();
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&limit.per_second.to_le_bytes());
    bytes.extend_from_slice(&limit.burst.to_le_bytes());
    bytes.push(match limit.refill {
        Refill::Steady => 0,
        Refill::EachSecond => 1,
    });
    bytes.extend_from_slice(&(same as u64).to_le_bytes());
    if limit.owner != Limit::EVERYBODY {
        bytes.extend_from_slice(&limit.owner.to_le_bytes());
    }
    xxh3_64(&bytes)
}

/// One partition's way to the budgets.
#[derive(Debug)]
pub(crate) struct Purse {
    shared: Arc<Mutex<Budgets>>,
    /// For times that the shared buckets know nothing of.
    own: Vec<Bucket>,
}

impl Purse {
    /// Of a partition by itself.
    pub(crate) fn new(limits: &[Limit], partitions: u32) -> Self {
        let shared = Arc::new(Mutex::new(Budgets::new(limits, 1, partitions)));
        let share = 1.0 / f64::from(partitions.max(1));
        let own = limits.iter().map(|&limit| Bucket::new(limit, share, 1));
        Self {
            shared,
            own: own.collect(),
        }
    }

    /// From now on it spends from these, which have the same limits.
    pub(crate) fn join(&mut self, shared: &Arc<Mutex<Budgets>>) {
        self.shared = shared.clone();
    }

    /// The same process's, under another configuration.
    pub(crate) fn carried_over(&self, limits: &[Limit], partitions: u32) -> Self {
        let mut carried = Self::new(limits, partitions);
        carried.join(&self.shared);
        lock(&self.shared).set_limits(limits);
        carried
    }

    pub(crate) fn spend(&mut self, budget: usize, tokens: u64, at_ms: u64) -> bool {
        let granted = lock(&self.shared).spend(budget, tokens, at_ms);
        granted.unwrap_or_else(|| {
            let own = self.own.get_mut(budget);
            own.is_some_and(|own| own.spend(tokens, at_ms) == Some(true))
        })
    }
}

pub(crate) fn lock(budgets: &Mutex<Budgets>) -> MutexGuard<'_, Budgets> {
    budgets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
