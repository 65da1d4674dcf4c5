//! One membership in the group: what is owned, what was read and not yet handed over, what is being committed.
//!
//! Two threads meet here. The polling thread reads, makes batches and hands them over, at most two at a time: while one
//! commits, the next waits, ready. The committing thread commits them in order, and nothing after one that failed.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::names;
use bus::{Assigned, CommitError, Fetched, Rebalance, TopicPartition};

/// Batches that were handed over and are not yet committed.
const IN_FLIGHT_MAX: usize = 2;
/// Input of one batch, in bytes: with what is read meanwhile, three times this is held at most, and what it became.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
/// How long records wait for more of a batch: each commit costs the bus the same, however small.
pub(crate) const BATCH_AGE: Duration = Duration::from_millis(100);
/// A partition that is given up is given up after this, whatever is under way; the commit is then refused.
pub(crate) const REVOKE_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct State {
    owned: BTreeSet<TopicPartition>,
    pending: Vec<Fetched>,
    pending_bytes: usize,
    pending_since: Option<Instant>,
    in_flight: usize,
    /// How the committing thread ended, when it ended by itself.
    failed: Option<CommitError>,
}

/// Shared by the polling thread, its rebalance callbacks, and the committing thread.
#[derive(Debug, Default)]
pub(crate) struct Session {
    state: Mutex<State>,
    changed: Condvar,
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what a poll has brought.
    pub(crate) fn push(&self, records: Vec<Fetched>) {
        if records.is_empty() {
            return;
        }
        let mut state = self.state();
        state.pending_bytes += bytes(&records);
        state.pending.extend(records);
        state.pending_since.get_or_insert_with(Instant::now);
    }

    /// How many more bytes may be read before a batch has to be handed over.
    pub(crate) fn room(&self) -> usize {
        BATCH_BYTES.saturating_sub(self.state().pending_bytes)
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.state().pending.is_empty()
    }

    /// The next batch's records, when it is due (or `now`) and there is a place for it.
    pub(crate) fn take(&self, now: bool) -> Option<Vec<Fetched>> {
        let mut state = self.state();
        let since = state.pending_since?;
        let due = now || state.pending_bytes >= BATCH_BYTES || since.elapsed() >= BATCH_AGE;
        if !due || state.in_flight >= IN_FLIGHT_MAX || state.failed.is_some() {
            return None;
        }
        state.in_flight += 1;
        state.pending_bytes = 0;
        state.pending_since = None;
        Some(mem::take(&mut state.pending))
    }

    /// How long a poll may wait: a batch becomes due meanwhile.
    pub(crate) fn poll_timeout(&self, idle: Duration) -> Duration {
        const AT_LEAST: Duration = Duration::from_millis(5);
        match self.state().pending_since {
            Some(since) => BATCH_AGE
                .saturating_sub(since.elapsed())
                .max(AT_LEAST)
                .min(idle),
            None => idle,
        }
    }

    /// Waits until another batch can be handed over; `false` when it took too long, or never will.
    pub(crate) fn wait_for_place(&self, timeout: Duration) -> bool {
        self.wait(timeout, |state| {
            state.in_flight < IN_FLIGHT_MAX || state.failed.is_some()
        })
    }

    /// Waits until nothing is being committed any more.
    pub(crate) fn wait_for_commits(&self, timeout: Duration) -> bool {
        self.wait(timeout, |state| {
            state.in_flight == 0 || state.failed.is_some()
        })
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let state = self.state();
        let (_state, waited) = self
            .changed
            .wait_timeout_while(state, timeout, |state| !done(state))
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    /// Told by the committing thread after each batch.
    pub(crate) fn committed(&self, result: Result<(), CommitError>) {
        let mut state = self.state();
        match result {
            Ok(()) => {
                state.in_flight -= 1;
            }
            Err(error) => {
                state.failed.get_or_insert(error);
            }
        }
        self.changed.notify_all();
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.state().failed.is_some()
    }

    pub(crate) fn failure(&self) -> Option<CommitError> {
        self.state().failed.take()
    }

    /// What was handed over must not be committed any more: its records are read again, by their next owner or by us. The first failure stands.
    fn end(&self, why: &str) {
        let mut state = self.state();
        (state.failed).get_or_insert_with(|| CommitError::Fenced(why.to_owned()));
        self.changed.notify_all();
    }

    pub(crate) fn owned(&self) -> BTreeSet<TopicPartition> {
        self.state().owned.clone()
    }

    /// Forgets partitions with what was read of them and not handed over: whoever owns them next reads it again.
    fn forget(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        for at in partitions {
            state.owned.remove(at);
        }
        state.pending.retain(|record| {
            !partitions
                .iter()
                .any(|at| at.topic == record.topic && at.partition == record.partition)
        });
        state.pending_bytes = bytes(&state.pending);
        if state.pending.is_empty() {
            state.pending_since = None;
        }
    }
}

fn bytes(records: &[Fetched]) -> usize {
    /// What a record takes beside its value.
    const OVERHEAD: usize = size_of::<Fetched>();
    records
        .iter()
        .map(|record| record.value.len() + OVERHEAD)
        .sum()
}

impl Rebalance for Session {
    fn assigned(&self, partitions: Vec<Assigned>) {
        tracing::info!(
            partitions = partitions.len(),
            "enrich was assigned partitions"
        );
        let mut state = self.state();
        state
            .owned
            .extend(partitions.into_iter().map(|assigned| assigned.at));
    }

    fn revoked(&self, partitions: Vec<TopicPartition>) {
        self.forget(&partitions);
        if !self.wait_for_commits(REVOKE_TIMEOUT) {
            tracing::warn!(
                partitions = partitions.len(),
                "gave partitions up while a commit was under way; it will be refused, and repeated by their next owner"
            );
            self.end("partitions were given up before what was read of them was committed");
        }
    }

    fn lost(&self, partitions: Vec<TopicPartition>) {
        tracing::info!(partitions = partitions.len(), "enrich lost partitions");
        self.forget(&partitions);
        self.end("the group took partitions away without waiting");
    }

    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        let topic = at.topic.to_string();
        metrics::counter!(names::LOST_RECORDS, "topic" => topic).increment(to - from);
        tracing::error!(
            partition = %at,
            from,
            to,
            "retention deleted records before enrich had read them: raise the retention, or give enrich more processes"
        );
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// It may be given the same partitions again, from the position before those records.
    #[test]
    fn nothing_is_committed_after_partitions_were_lost() {
        let session = Session::default();
        let at = TopicPartition::new("sampled", 0);
        session.assigned(vec![Assigned {
            at: at.clone(),
            committed: None,
        }]);
        let record = Fetched {
            topic: at.topic.clone(),
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            headers: Vec::new(),
            value: Bytes::from_static(b"x"),
        };
        session.push(vec![record.clone()]);
        assert_eq!(session.take(true).map(|batch| batch.len()), Some(1));
        session.push(vec![record]);
        session.lost(vec![at]);
        assert!(session.has_failed() && session.take(true).is_none());
        assert!(matches!(session.failure(), Some(CommitError::Fenced(_))));
    }
}
