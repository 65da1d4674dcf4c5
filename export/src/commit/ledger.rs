//! Progress, shared by the three threads of a backend, and the thread that commits it.
//!
//! The polling thread hands records over and must settle before it gives partitions up; the delivering thread finishes
//! them; the committing thread commits whatever has moved, one commit at a time, so that commits gather what was finished
//! while the last one was on its way. Items are counted when they are committed.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bus::{CommitError, Committer, Epoch, TopicPartition};

use crate::commit::counts::Counts;
use crate::commit::progress::{Moved, Progress};
use crate::records::batch::Batch;
use crate::records::entry::Entry;

pub struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
    counts: Counts,
}

#[derive(Default)]
struct State {
    progress: Progress,
    committing: bool,
    /// The last commit was refused: partitions move. The next change says whether to try again.
    refused: bool,
    /// Commits are refused since one of them was told.
    told: bool,
    closed: bool,
    failed: Option<String>,
}

impl Ledger {
    pub fn new(counts: Counts) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            counts,
        }
    }

    pub fn own(&self, at: TopicPartition) {
        self.state().progress.own(at);
    }

    pub fn forget(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        partitions.iter().for_each(|at| state.progress.forget(at));
        self.counts.pending(&state.progress);
        self.changed.notify_all();
    }

    /// A record is read, and waits. Those of a partition come in the order of the log.
    pub fn read(&self, entry: &Entry) {
        let (offset, items) = (entry.record.offset, entry.items as u64);
        let tenant = stage::tenant_label(entry.tenant());
        let progress = &mut self.state().progress;
        progress.read(&entry.at(), offset, items, tenant);
    }

    /// Records that were read are in flight.
    pub fn begin(&self, batch: &Batch) {
        let mut state = self.state();
        for entry in &batch.entries {
            state.progress.begin(&entry.at(), entry.record.offset);
        }
        self.counts.pending(&state.progress);
    }

    /// A record that was read isn't for this backend. Its position is committed with others, or after [`Ledger::wake`].
    pub fn skip(&self, entry: &Entry) {
        let progress = &mut self.state().progress;
        progress.skip(&entry.at(), entry.record.offset);
    }

    /// Commits what has moved.
    pub fn wake(&self) {
        self.changed.notify_all();
    }

    /// Nothing is left to do for these records; of each, so many items are in the dead letters.
    pub fn finish(&self, records: &[(Entry, usize)]) {
        let mut state = self.state();
        for (entry, dead) in records {
            let (offset, dead) = (entry.record.offset, *dead as u64);
            state.progress.finish(&entry.at(), offset, dead);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until nothing is in flight on these partitions and what was finished is committed (or refused), or `give_up` says
    /// that what is in flight won't end soon, or the time is up. True if everything was settled.
    pub fn settle(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
        give_up: impl Fn() -> bool,
    ) -> bool {
        let deadline = Instant::now() + timeout;
        // Nobody may have said yet that records were skipped.
        self.changed.notify_all();
        let mut state = self.state();
        loop {
            let idle = partitions.iter().all(|at| state.progress.is_settled(at));
            let committed = !state.committing && (state.refused || !state.progress.has_moved());
            if committed && (idle || give_up()) {
                return idle;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.failed.is_some() || state.closed {
                return false;
            }
            // `give_up` turns true without a notification, so it is asked now and then.
            let wait = left.min(Duration::from_millis(50));
            state = match self.changed.wait_timeout(state, wait) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Why committing can't go on.
    pub fn failure(&self) -> Option<String> {
        self.state().failed.clone()
    }

    /// Ends [`Ledger::commit_until_closed`] after what has moved by now.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// The committing thread.
    pub fn commit_until_closed(&self, committer: &mut dyn Committer) {
        let mut state = self.state();
        loop {
            let moved = match state.refused && !state.closed {
                true => Vec::new(),
                false => state.progress.take(),
            };
            if moved.is_empty() {
                if state.closed {
                    return;
                }
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                state.refused = false;
                continue;
            }
            state.committing = true;
            drop(state);
            let outcome = self.commit(committer, &moved);
            state = self.state();
            state.committing = false;
            match outcome {
                Ok(()) => {
                    if std::mem::take(&mut state.told) {
                        tracing::info!("positions are committed again");
                    }
                    state.progress.committed(&moved);
                    self.counts.pending(&state.progress);
                }
                // Another member reads on from our last commit, and repeats what we delivered since.
                Err(CommitError::Fenced(reason)) => {
                    const WHAT: &str = "positions were not committed, since their partitions moved";
                    // Each batch that is finished meanwhile tries again.
                    match std::mem::replace(&mut state.told, true) {
                        false => tracing::warn!(reason, "{WHAT}"),
                        true => tracing::debug!(reason, "{WHAT}"),
                    }
                    if state.closed {
                        return;
                    }
                    state.refused = true;
                    state.progress.refused(moved);
                }
                Err(CommitError::Fatal(reason)) => {
                    state.failed = Some(reason);
                    self.changed.notify_all();
                    return;
                }
            }
            self.changed.notify_all();
        }
    }

    fn commit(&self, committer: &mut dyn Committer, moved: &[Moved]) -> Result<(), CommitError> {
        let epoch = Epoch {
            records: Vec::new(),
            positions: moved.iter().map(|moved| moved.position.clone()).collect(),
        };
        bus::commit(committer, &epoch, |_| self.counts.committed(moved))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests;
