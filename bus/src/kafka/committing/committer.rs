//! Epochs as transactions: records, positions and the group's generation in one commit.
//!
//! The outcome is always certain. An epoch that was aborted is tried again; a commit without an answer is asked for again;
//! and when the producer breaks in the middle of a commit, the group's positions tell what became of it: brokers don't
//! answer for them while a transaction that moves them is undecided.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::Offset;

use crate::fault::{self, Step};
use crate::kafka::committing::transactions::{Arm, Mend, Producer};
use crate::kafka::connecting::log_id::{LogIds, MARK_BYTES_MAX, sign, unsign};
use crate::kafka::connecting::refusals::AGAIN_AFTER;
use crate::kafka::fetching::held::committed_positions;
use crate::kafka::fetching::ownership::{Ownership, Permit};
use crate::{CommitError, Committer, Epoch, Position};

/// Kafka's default of `offset.metadata.max.bytes`, less what is ours.
const METADATA_BYTES_MAX: usize = 4096 - MARK_BYTES_MAX;

pub(in crate::kafka) struct ExactlyOnce {
    producer: Producer,
    ownership: Arc<Ownership>,
}

/// How one attempt ended short of success.
enum Ended {
    /// Nothing is visible; the same epoch may succeed.
    Again,
    /// Nothing is visible; this assignment is void.
    Refused(String),
    /// Nothing is visible; the same epoch succeeds once a right is given.
    Denied(String),
    /// Nothing is visible; somebody must act.
    Fatal(String),
    /// The commit was asked for, and the producer broke before the answer.
    Unknown(String),
}

impl ExactlyOnce {
    pub fn new(producer: Producer, ownership: Arc<Ownership>) -> Self {
        Self {
            producer,
            ownership,
        }
    }

    fn attempt(
        &mut self,
        epoch: &Epoch,
        positions: &TopicPartitionList,
        permit: &Permit,
    ) -> Result<(), Ended> {
        let ownership = &self.ownership;
        let stands = || ownership.stands(permit);
        if let Err(arm) = self.producer.initialise(stands) {
            self.producer.discard();
            return Err(match arm {
                Arm::Retry(_) if stands() => Ended::Again,
                Arm::Retry(why) | Arm::Abort(why, _) | Arm::Fatal(why, Mend::Another) => {
                    Ended::Refused(why)
                }
                Arm::Fatal(why, Mend::Right) => Ended::Denied(why),
                Arm::Fatal(why, Mend::Somebody) => Ended::Fatal(why),
            });
        }
        let produced = self
            .producer
            .begin()
            .and_then(|()| self.producer.produce(&epoch.records))
            .inspect(|()| fault::at(Step::Produced))
            .and_then(|()| match epoch.positions.is_empty() {
                true => Ok(()),
                false => self
                    .producer
                    .send_positions(positions, &permit.metadata, stands),
            })
            .inspect(|()| fault::at(Step::Positioned));
        if let Err(arm) = produced {
            return Err(self.give_up(arm, permit));
        }
        match self.producer.commit() {
            Ok(()) => {
                fault::at(Step::Committed);
                Ok(())
            }
            // The brokers know this transaction as not committed.
            Err(arm @ Arm::Abort(..)) => Err(self.give_up(arm, permit)),
            Err(Arm::Retry(why) | Arm::Fatal(why, _)) => {
                self.producer.discard();
                Err(Ended::Unknown(why))
            }
        }
    }

    /// Before a commit was asked for: the transaction is aborted, or its producer thrown away.
    fn give_up(&mut self, arm: Arm, permit: &Permit) -> Ended {
        match arm {
            Arm::Abort(why, false) => {
                self.producer.warn(&why);
                self.producer.abort();
                Ended::Again
            }
            Arm::Retry(_) if self.ownership.stands(permit) => {
                self.producer.abort();
                Ended::Again
            }
            // Retry: the assignment fell while the brokers didn't answer.
            Arm::Abort(why, true) | Arm::Retry(why) => {
                self.producer.abort();
                Ended::Refused(why)
            }
            Arm::Fatal(why, mend) => {
                self.producer.discard();
                match mend {
                    Mend::Another => Ended::Refused(why),
                    Mend::Right => Ended::Denied(why),
                    Mend::Somebody => Ended::Fatal(why),
                }
            }
        }
    }

    /// Reads the group's positions: they became visible with the epoch, or not at all.
    fn resolve(
        &self,
        epoch: &Epoch,
        permit: &Permit,
        distinct: bool,
        why: String,
    ) -> Result<(), CommitError> {
        if !distinct {
            return Err(CommitError::Fatal(format!(
                "{why}; whether the epoch was committed can't be told, since it moves no position"
            )));
        }
        loop {
            let asking = epoch
                .positions
                .iter()
                .map(|position| {
                    (
                        position.at.topic.to_string(),
                        position.at.partition as i32,
                        Offset::Invalid,
                    )
                })
                .collect();
            // Under `read_committed` this waits until the transaction is decided, at the latest by its time-out.
            let answer = permit
                .consumer
                .base
                .committed_offsets(asking, Duration::from_secs(5));
            let failed = match answer.as_ref().map(committed_positions) {
                Ok(Ok(found)) => {
                    let committed = epoch.positions.iter().all(|position| {
                        found.iter().any(|(_, found)| is(found.as_ref(), position))
                    });
                    return match committed {
                        true => Ok(()),
                        false => Err(self.refused(permit, why)),
                    };
                }
                Ok(Err(code)) => code.to_string(),
                Err(e) => e.to_string(),
            };
            permit
                .consumer
                .base
                .context()
                .warn(&format!("asking what became of an epoch: {failed}"));
            if !self.ownership.stands(permit) {
                // Whoever owns the partitions now reads the same positions; so shall we, after the next assignment.
                return Err(CommitError::Fenced(why));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn refused(&self, permit: &Permit, why: String) -> CommitError {
        self.ownership.refuse(permit);
        CommitError::Fenced(why)
    }
}

impl Committer for ExactlyOnce {
    fn commit(&mut self, epoch: &Epoch) -> Result<(), CommitError> {
        if epoch.records.is_empty() && epoch.positions.is_empty() {
            return Ok(());
        }
        check_metadata(&epoch.positions)?;
        let permit = self.ownership.permit(&epoch.positions)?;
        let positions = as_list(&epoch.positions, &permit.logs)?;
        loop {
            let distinct = self.ownership.would_show(&epoch.positions);
            let outcome = match self.attempt(epoch, &positions, &permit) {
                Ok(()) => Ok(()),
                // After another assignment, even of the same partitions, their records are read again.
                Err(Ended::Again) if !self.ownership.stands(&permit) => Err(CommitError::Fenced(
                    "the assignment that this epoch was read under has ended".to_owned(),
                )),
                Err(Ended::Again) => {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Err(Ended::Denied(why)) => {
                    self.producer.refused(&why);
                    if !self.ownership.stands(&permit) {
                        self.producer.attempt().given_up();
                        return Err(CommitError::Fenced(why));
                    }
                    std::thread::sleep(AGAIN_AFTER);
                    continue;
                }
                Err(Ended::Refused(why)) => Err(self.refused(&permit, why)),
                Err(Ended::Fatal(why)) => Err(CommitError::Fatal(why)),
                Err(Ended::Unknown(why)) => self.resolve(epoch, &permit, distinct, why),
            };
            if outcome.is_ok() {
                self.producer.attempt().allowed();
                self.ownership.committed(&permit, &epoch.positions);
            }
            return outcome;
        }
    }
}

/// Whether what was found on the brokers is this position.
fn is(found: Option<&Position>, position: &Position) -> bool {
    let mut found = found.cloned();
    found.as_mut().map(unsign);
    found.as_ref() == Some(position)
}

/// A broker refuses larger metadata, each time anew.
pub(in crate::kafka) fn check_metadata(positions: &[Position]) -> Result<(), CommitError> {
    match positions
        .iter()
        .find(|position| position.metadata.len() > METADATA_BYTES_MAX)
    {
        None => Ok(()),
        Some(position) => Err(CommitError::Fatal(format!(
            "committing a position on {}: its metadata of {} bytes is above the limit of {METADATA_BYTES_MAX}",
            position.at,
            position.metadata.len()
        ))),
    }
}

/// A fresh list for each epoch: setting metadata twice on one element leaks.
pub(in crate::kafka) fn as_list(
    positions: &[Position],
    logs: &LogIds,
) -> Result<TopicPartitionList, CommitError> {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for position in positions {
        let mut elem = list.add_partition(&position.at.topic, position.at.partition as i32);
        elem.set_offset(Offset::Offset(position.offset as i64))
            .map_err(|e| {
                CommitError::Fatal(format!(
                    "committing {} on {}: {e}",
                    position.offset, position.at
                ))
            })?;
        let metadata = sign(position, logs);
        if !metadata.is_empty() {
            elem.set_metadata(&metadata);
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TopicPartition;

    fn position(offset: u64, metadata: &str) -> Position {
        Position {
            at: TopicPartition::new("t", 3),
            offset,
            metadata: metadata.into(),
        }
    }

    #[test]
    fn positions_survive_the_list() {
        for position in [
            position(0, ""),
            position(7, "v1 p=9"),
            position(u64::MAX >> 1, "ä"),
        ] {
            let list = as_list(std::slice::from_ref(&position), &LogIds::new()).expect("a list");
            let back = committed_positions(&list).expect("no errors");
            assert_eq!(back, [(position.at.clone(), Some(position))]);
        }
    }

    #[test]
    fn metadata_that_no_broker_takes_is_fatal() {
        assert!(check_metadata(&[position(1, &"x".repeat(METADATA_BYTES_MAX))]).is_ok());
        assert!(matches!(
            check_metadata(&[position(1, &"x".repeat(METADATA_BYTES_MAX + 1))]),
            Err(CommitError::Fatal(_))
        ));
    }
}
