//! Progress, shared by the three threads of a backend, and the thread that commits it.
//!
//! The polling thread hands records over and must settle before it gives partitions up; the delivering thread finishes
//! them; the committing thread commits whatever has moved, one commit at a time, so that commits gather what was finished
//! while the last one was on its way. Items are counted when they are committed.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bus::{CommitError, Committer, Epoch, TopicPartition};
use stage::TenantLabel;
use tokio::sync::oneshot;

use crate::commit::counts::Counts;
use crate::commit::intent::Intent;
use crate::commit::progress::{Moved, Progress};
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::skipped::Skipped;

/// A refused commit is tried again after this, when a batch waits for it.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);
const IDLE_MAX: Duration = Duration::from_secs(60);

pub struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
    counts: Counts,
}

/// A record that was read.
pub struct Read {
    pub at: TopicPartition,
    pub offset: u64,
    items: u64,
    tenant: TenantLabel,
}

impl From<&Entry> for Read {
    fn from(entry: &Entry) -> Self {
        Self {
            at: entry.at(),
            offset: entry.record.offset,
            items: entry.items_of_record() as u64,
            tenant: stage::tenant_label(entry.tenant()),
        }
    }
}

#[derive(Default)]
struct State {
    progress: Progress,
    /// Batches that wait until their range is committed.
    intending: Vec<(TopicPartition, Intent, oneshot::Sender<()>)>,
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

    /// Reading of a partition that was never read begins at this offset.
    pub fn start(&self, at: &TopicPartition, offset: u64) {
        self.state().progress.start(at, offset);
        self.changed.notify_all();
    }

    pub fn forget(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        partitions.iter().for_each(|at| state.progress.forget(at));
        state.intending.retain(|(at, ..)| !partitions.contains(at));
        self.counts.pending(&state.progress);
        self.changed.notify_all();
    }

    /// A record is read, and waits. Those of a partition come in the order of the log.
    pub fn read(&self, read: Read) {
        let progress = &mut self.state().progress;
        progress.read(&read.at, read.offset, read.items, read.tenant);
    }

    /// Records that were read are in flight.
    pub fn begin(&self, batch: &Batch) {
        let mut state = self.state();
        for entry in &batch.entries {
            state.progress.begin(&entry.at(), entry.record.offset);
        }
        self.counts.pending(&state.progress);
    }

    /// Commits the range of a batch that is all that is in flight of its partition, so that the same batch is made again after a crash. False: the
    /// partition went, and the batch is the next owner's.
    pub async fn intend(&self, batch: &Batch) -> bool {
        let (Some(first), Some(last)) = (batch.entries.first(), batch.entries.last()) else {
            return true;
        };
        let (at, intent) = (
            first.at(),
            Intent {
                last: last.record.offset,
            },
        );
        let (committed, is_committed) = oneshot::channel();
        {
            let mut state = self.state();
            if !state.progress.intend(&at, intent) {
                return false;
            }
            state.intending.push((at, intent, committed));
        }
        self.changed.notify_all();
        is_committed.await.is_ok()
    }

    /// A record that was read isn't for this backend. Its position is committed with others, or after [`Ledger::wake`].
    pub fn skip(&self, at: &TopicPartition, offset: u64, skipped: Skipped) {
        let progress = &mut self.state().progress;
        progress.skip(at, offset, skipped);
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
            let progress = &mut state.progress;
            progress.finish(&entry.at(), offset, dead, entry.skipped);
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
                state = self.wait_for_change(state);
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
                    state.told_of_intents(&moved);
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

    /// A batch that waits for its commit has nothing else that would try a refused one again.
    fn wait_for_change<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let wait = match state.intending.is_empty() {
            true => IDLE_MAX,
            false => REFUSED_PAUSE,
        };
        match self.changed.wait_timeout(state, wait) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
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

impl State {
    /// Whose range is committed may send.
    fn told_of_intents(&mut self, moved: &[Moved]) {
        let is_committed = |at: &TopicPartition, intent: Intent| {
            let mut moved = moved.iter();
            moved.any(|moved| moved.position.at == *at && moved.intent == Some(intent))
        };
        let intending = std::mem::take(&mut self.intending);
        for (at, intent, committed) in intending {
            match is_committed(&at, intent) {
                // Who waited for it may be gone.
                true => drop(committed.send(())),
                false => self.intending.push((at, intent, committed)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
