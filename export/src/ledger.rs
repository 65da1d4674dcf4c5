//! Progress, shared by the three threads of a backend, and the thread that commits it.
//!
//! The polling thread hands records over and must settle before it gives partitions up; the delivering thread finishes
//! them; the committing thread commits whatever has moved, one commit at a time, so that commits gather what was finished
//! while the last one was on its way.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bus::{CommitError, Committer, Epoch, TopicPartition};

use crate::batch::Batch;
use crate::entry::Entry;
use crate::progress::Progress;

#[derive(Default)]
pub struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    progress: Progress,
    committing: bool,
    closed: bool,
    failed: Option<String>,
}

impl Ledger {
    pub fn own(&self, at: TopicPartition) {
        self.state().progress.own(at);
    }

    pub fn forget(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        partitions.iter().for_each(|at| state.progress.forget(at));
        self.changed.notify_all();
    }

    pub fn begin(&self, batch: &Batch) {
        let mut state = self.state();
        for entry in &batch.entries {
            state.progress.begin(&entry.at(), entry.record.offset);
        }
    }

    pub fn finish(&self, entries: &[Entry]) {
        let mut state = self.state();
        for entry in entries {
            state.progress.finish(&entry.at(), entry.record.offset);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until nothing is under way on these partitions and what was finished is committed, or `give_up` says
    /// that what is under way won't end soon, or the time is up. True if everything was settled.
    pub fn settle(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
        give_up: impl Fn() -> bool,
    ) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        loop {
            let idle = partitions.iter().all(|at| state.progress.is_settled(at));
            let committed = !state.committing && !state.progress.has_moved();
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
            let positions = state.progress.take();
            if positions.is_empty() {
                if state.closed {
                    return;
                }
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            }
            state.committing = true;
            drop(state);
            let outcome = committer.commit(&Epoch {
                records: Vec::new(),
                positions,
            });
            state = self.state();
            state.committing = false;
            self.changed.notify_all();
            match outcome {
                Ok(()) => {}
                // Another member reads on from our last commit, and repeats what we delivered since.
                Err(CommitError::Fenced(reason)) => {
                    tracing::warn!(
                        reason,
                        "positions were not committed, since their partitions moved"
                    );
                }
                Err(CommitError::Fatal(reason)) => {
                    state.failed = Some(reason);
                    return;
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
