//! What one member of a group owns, and whether its reading and committing goes on.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::limits::HANGS_AFTER;
use super::progress::{Cursors, Lag, Progress};
use crate::mutex::lock;
use crate::{Assigned, CommitError, Error, Polled, Position, Topic, TopicPartition};

pub(super) struct Group {
    pub(super) stage: String,
    pub(super) topics: Vec<Topic>,
    cursors: Cursors,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    owned: HashMap<TopicPartition, Progress>,
    committing_since: Option<Instant>,
    /// Why the last poll failed, if it did.
    unread: Option<String>,
}

impl Group {
    pub(super) fn new(stage: String, topics: Vec<Topic>, cursors: Cursors) -> Arc<Self> {
        Arc::new(Self {
            stage,
            topics,
            cursors,
            state: Mutex::default(),
        })
    }

    pub(super) fn assigned(&self, partitions: &[Assigned]) {
        let mut state = lock(&self.state);
        for assigned in partitions {
            let progress = Progress::new(assigned, &self.cursors);
            state.owned.insert(assigned.at.clone(), progress);
        }
    }

    pub(super) fn gone(&self, partitions: &[TopicPartition]) {
        let mut state = lock(&self.state);
        for at in partitions {
            state.owned.remove(at);
        }
    }

    pub(super) fn polled(&self, polled: &Result<Polled, Error>) {
        let mut state = lock(&self.state);
        match polled {
            Ok(polled) => {
                state.unread = None;
                for record in &polled.records {
                    let at = TopicPartition::new(record.topic.clone(), record.partition);
                    if let Some(progress) = state.owned.get_mut(&at) {
                        progress.read(record);
                    }
                }
                for at in &polled.caught_up {
                    if let Some(progress) = state.owned.get_mut(at) {
                        progress.caught_up();
                    }
                }
            }
            Err(error) => state.unread = Some(error.to_string()),
        }
    }

    pub(super) fn committing(&self) {
        lock(&self.state).committing_since = Some(Instant::now());
    }

    pub(super) fn committed(&self, positions: &[Position], result: &Result<(), CommitError>) {
        let mut state = lock(&self.state);
        state.committing_since = None;
        if result.is_ok() {
            for position in positions {
                if let Some(progress) = state.owned.get_mut(&position.at) {
                    progress.committed(position, &self.cursors);
                }
            }
        }
    }

    pub(super) fn look(&self, now: Duration, topic: &Topic, ranges: &[Range<u64>]) {
        for (at, progress) in &mut lock(&self.state).owned {
            if at.topic == *topic
                && let Some(range) = ranges.get(at.partition as usize)
            {
                progress.look(now, range);
            }
        }
    }

    /// Why this member doesn't get on.
    pub(super) fn trouble(&self) -> Option<String> {
        let state = lock(&self.state);
        if let Some(reason) = &state.unread {
            return Some(format!("{} can't read: {reason}", self.stage));
        }
        let hangs = state.committing_since?.elapsed();
        (hangs >= HANGS_AFTER).then(|| {
            format!(
                "{} has waited {} s for the bus to commit",
                self.stage,
                hangs.as_secs()
            )
        })
    }

    /// What the cursor is called that the stage still needs everything above.
    pub(super) fn committed_cursor(&self) -> &'static str {
        self.cursors.committed
    }

    pub(super) fn owned(&self) -> usize {
        lock(&self.state).owned.len()
    }

    /// By partition, of those that were looked at.
    pub(super) fn lags(
        &self,
        now: Duration,
        wall_ms: u64,
    ) -> Vec<(TopicPartition, &'static str, Lag)> {
        let state = lock(&self.state);
        let mut lags = Vec::new();
        for (at, progress) in &state.owned {
            let own = progress.lags(&self.cursors, now, wall_ms);
            let named = (own.into_iter().flatten()).map(|(cursor, lag)| (at.clone(), cursor, lag));
            lags.extend(named);
        }
        lags.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        lags
    }
}
