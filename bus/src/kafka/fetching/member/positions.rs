//! Where reading starts on new partitions: at the group's positions, as far as they are positions in the logs that are there.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;

use super::{KafkaMember, LOGS_EVERY, asking};
use crate::kafka::connecting::errors::error;
use crate::kafka::connecting::log_id::{LogIds, unsign};
use crate::kafka::connecting::refusals::AGAIN_AFTER;
use crate::kafka::fetching::held::committed_positions;
use crate::{Error, Position, Result, Topic, TopicPartition, WentBack, report_went_back};

/// One question to the brokers.
const QUESTION: Duration = Duration::from_secs(5);
/// A question in the middle of reading.
const SHORT_QUESTION: Duration = Duration::from_secs(1);

type Positions = Vec<(TopicPartition, Option<Position>)>;

impl KafkaMember {
    /// The group's positions on new partitions, and the logs they are on; tries until the brokers answer. `None` when the partitions
    /// are lost again before they do.
    pub(super) fn starts(&self, partitions: &[TopicPartition]) -> Option<(Positions, LogIds)> {
        if partitions.is_empty() {
            return Some(Default::default());
        }
        loop {
            match self.try_starts(partitions) {
                Ok(starts) => return Some(starts),
                Err(Error::Denied(reason)) => {
                    self.membership.refused(&reason);
                    std::thread::sleep(AGAIN_AFTER);
                }
                Err(error) => self.consumer.base.context().warn(&error.to_string()),
            }
            if self.consumer.base.assignment_lost() || self.is_fenced() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn try_starts(&self, partitions: &[TopicPartition]) -> Result<(Positions, LogIds)> {
        // The ids first: should a topic be replaced in between, the positions don't fit and the next look shows it.
        let logs = self.lookups.log_ids(&self.topics, QUESTION)?;
        const ATTEMPTED: &str = "asking for committed positions";
        // Under `read_committed` this waits for the transaction in which the last owner commits.
        let answer = self
            .consumer
            .base
            .committed_offsets(asking(partitions, Offset::Invalid), QUESTION)
            .map_err(|e| error(ATTEMPTED, &e))?;
        let mut positions = committed_positions(&answer)
            .map_err(|code| error(ATTEMPTED, &KafkaError::ConsumerCommit(code)))?;
        let ends = self.lookups.ends(partitions, QUESTION)?;
        for (at, position) in &mut positions {
            let end = ends.get(at).copied();
            *position = match position.take() {
                Some(position) => self.fit(position, &logs, end),
                None => {
                    self.report_replaced(at, &logs);
                    None
                }
            };
        }
        Ok((positions, logs))
    }

    /// A position as it holds in the log that is there now.
    fn fit(&self, mut position: Position, logs: &LogIds, end: Option<u64>) -> Option<Position> {
        let log = unsign(&mut position);
        let found = fit(
            position.offset,
            log.as_ref(),
            logs.get(&position.at.topic),
            end,
        );
        let (begin, what) = match found {
            Fit::Good => return Some(position),
            Fit::Foreign => (0, WentBack::Replaced),
            Fit::Above(end) => (end, WentBack::Shortened),
        };
        let stood = Some(position.offset);
        report_went_back(&self.group, &position.at, stood, begin, what);
        position.offset = begin;
        (what == WentBack::Shortened).then_some(position)
    }

    /// Kafka deletes the positions of a group with their topic. That it is another one, this process may know by itself.
    fn report_replaced(&self, at: &TopicPartition, logs: &LogIds) {
        let differs = |id: &String| self.known.differs(&self.group, &at.topic, id);
        if logs.get(&at.topic).is_some_and(differs) {
            report_went_back(&self.group, at, None, 0, WentBack::Replaced);
        }
    }

    /// Asks now and then whether the topics are still those that were assigned: one that is created anew under the same name has other records
    /// at the same offsets, and librdkafka reads on in it as if nothing had happened.
    pub(super) fn ask_for_logs(&mut self) {
        if self.logs_asked.elapsed() < LOGS_EVERY {
            return;
        }
        self.logs_asked = Instant::now();
        let assigned = self.ownership.logs();
        let topics: Vec<Topic> = assigned.keys().cloned().collect();
        if topics.is_empty() {
            return;
        }
        match self.lookups.log_ids(&topics, SHORT_QUESTION) {
            Ok(now) => {
                // One that is gone is the group's to take away.
                let replaced =
                    |(topic, id): (&Topic, &String)| now.get(topic).is_some_and(|now| now != id);
                self.went_back |= assigned.iter().any(replaced);
            }
            Err(error) => self.consumer.base.context().warn(&error.to_string()),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fit {
    Good,
    /// Of another log.
    Foreign,
    /// The log ends here, below it.
    Above(u64),
}

/// A position in a log against the log that is there. A position of an unknown log that lies above the end is taken for another
/// log's: to read twice is better than to pass over what was never read.
fn fit(offset: u64, log: Option<&String>, there: Option<&String>, end: Option<u64>) -> Fit {
    match (log, there) {
        (Some(log), Some(there)) if log != there => Fit::Foreign,
        (log, there) => match end {
            Some(end) if offset > end && log.is_some() && there.is_some() => Fit::Above(end),
            Some(end) if offset > end => Fit::Foreign,
            _ => Fit::Good,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offset: u64, log: &str, there: &str, end: u64, expected: Fit) {
        let id = |id: &str| (!id.is_empty()).then(|| id.to_owned());
        let found = fit(offset, id(log).as_ref(), id(there).as_ref(), Some(end));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_position_holds_in_its_own_log_up_to_its_end() {
        check(5, "a", "a", 5, Fit::Good);
        check(6, "a", "a", 5, Fit::Above(5));
        check(5, "a", "b", 5, Fit::Foreign);
        check(0, "a", "b", 9, Fit::Foreign);
        // Nobody knows.
        check(5, "", "b", 9, Fit::Good);
        check(10, "", "b", 9, Fit::Foreign);
        check(10, "a", "", 9, Fit::Foreign);
    }
}
