//! What a member owns right now: written by its polling thread at each rebalance, asked by its committer before each commit.
//!
//! The brokers check the generation of a group, but take positions of partitions that a member doesn't own and of
//! clients that aren't members at all. So we check ourselves, and send the group metadata of the assignment that
//! was checked, never a newer one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rdkafka::consumer::ConsumerGroupMetadata;

use crate::kafka::connecting::log_id::LogIds;
use crate::kafka::fetching::held::Consumer;
use crate::{CommitError, Position, TopicPartition};

pub(in crate::kafka) struct Ownership {
    group: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counts assignments; a permit is good for one.
    assignment: u64,
    /// With what the group last committed, if it did.
    owned: HashMap<TopicPartition, Option<Position>>,
    seat: Option<Seat>,
    /// Which logs are owned: positions are committed with it.
    logs: Arc<LogIds>,
    /// Set while partitions are being revoked.
    deadline: Option<Instant>,
    /// A commit of this assignment was refused: what is in memory is void, and so is the assignment.
    refused: Option<u64>,
}

/// The group's generation, and the client that is a member of it.
#[derive(Clone)]
struct Seat {
    metadata: Arc<ConsumerGroupMetadata>,
    consumer: Arc<Consumer>,
}

/// Leave to commit under one assignment.
pub(in crate::kafka) struct Permit {
    pub assignment: u64,
    pub metadata: Arc<ConsumerGroupMetadata>,
    pub consumer: Arc<Consumer>,
    pub logs: Arc<LogIds>,
}

impl Ownership {
    pub fn new(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn assign(
        &self,
        owned: impl IntoIterator<Item = (TopicPartition, Option<Position>)>,
        logs: LogIds,
        metadata: Option<ConsumerGroupMetadata>,
        consumer: &Arc<Consumer>,
    ) {
        let mut state = self.state();
        state.assignment += 1;
        state.owned = owned.into_iter().collect();
        state.logs = Arc::new(logs);
        state.seat = metadata.map(|metadata| Seat {
            metadata: Arc::new(metadata),
            consumer: consumer.clone(),
        });
        state.deadline = None;
    }

    /// Partitions are being given up: commits succeed until the deadline, or until [`Ownership::clear`].
    pub fn revoking(&self, deadline: Instant) {
        self.state().deadline = Some(deadline);
    }

    pub fn clear(&self) {
        let mut state = self.state();
        state.assignment += 1;
        state.owned.clear();
        state.seat = None;
        state.logs = Arc::default();
        state.deadline = None;
    }

    /// The ids of the topics that were assigned.
    pub fn logs(&self) -> Arc<LogIds> {
        self.state().logs.clone()
    }

    pub fn permit(&self, positions: &[Position]) -> Result<Permit, CommitError> {
        let state = self.state();
        let refuse = |why: String| {
            Err(CommitError::Fenced(format!(
                "group `{}`: {why}",
                self.group
            )))
        };
        if state.refused == Some(state.assignment) {
            return refuse("an earlier epoch of this assignment was refused".into());
        }
        if state
            .deadline
            .is_some_and(|deadline| Instant::now() > deadline)
        {
            return refuse("the time to give partitions up has passed".into());
        }
        for position in positions {
            match state.owned.get(&position.at) {
                None => return refuse(format!("{} isn't assigned to this member", position.at)),
                // State from before the partition was somebody else's for a while.
                Some(Some(last)) if position.offset < last.offset => {
                    return refuse(format!(
                        "{} stands at {} already, where this epoch ends at {}",
                        position.at, last.offset, position.offset
                    ));
                }
                Some(_) => {}
            }
        }
        match state.seat.clone() {
            Some(Seat { metadata, consumer }) => Ok(Permit {
                assignment: state.assignment,
                metadata,
                consumer,
                logs: state.logs.clone(),
            }),
            None => refuse("this member has no assignment".into()),
        }
    }

    /// Whether the assignment still stands.
    pub fn stands(&self, permit: &Permit) -> bool {
        let state = self.state();
        state.assignment == permit.assignment
            && state
                .deadline
                .is_none_or(|deadline| Instant::now() <= deadline)
    }

    pub fn committed(&self, permit: &Permit, positions: &[Position]) {
        let mut state = self.state();
        if state.assignment == permit.assignment {
            for position in positions {
                state
                    .owned
                    .insert(position.at.clone(), Some(position.clone()));
            }
        }
    }

    /// Whether these positions differ from the committed ones, so that reading those tells if these were committed.
    pub fn would_show(&self, positions: &[Position]) -> bool {
        let state = self.state();
        positions.iter().any(|position| {
            state
                .owned
                .get(&position.at)
                .is_some_and(|last| last.as_ref() != Some(position))
        })
    }

    pub fn refuse(&self, permit: &Permit) {
        self.state().refused = Some(permit.assignment);
    }

    /// Whether the current assignment is void and the member must join anew. True once.
    pub fn take_refused(&self) -> bool {
        let mut state = self.state();
        let void = state.refused == Some(state.assignment);
        if void {
            state.refused = None;
            state.assignment += 1;
            state.owned.clear();
            state.seat = None;
            state.logs = Arc::default();
        }
        void
    }
}
