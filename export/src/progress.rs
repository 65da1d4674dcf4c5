//! In which order batches are accepted, and up to where a partition may be committed: never past a record that
//! is still under way. Pure.
//!
//! Batches hold records of several partitions and finish in any order. A record counts from the moment it is handed over
//! for delivery until it was accepted, or acknowledged as a dead letter.

use std::collections::{HashMap, VecDeque};

use bus::{Position, TopicPartition};

/// The records under way, by partition.
#[derive(Debug, Default)]
pub struct Progress {
    partitions: HashMap<TopicPartition, Partition>,
}

#[derive(Debug, Default)]
struct Partition {
    /// Offsets under way in order, with whether they are done; the first is never done.
    under_way: VecDeque<(u64, bool)>,
    /// The position to commit, when it has moved since [`Progress::take`].
    next: Option<u64>,
}

impl Progress {
    /// Starts anew on a partition.
    pub fn own(&mut self, at: TopicPartition) {
        self.partitions.insert(at, Partition::default());
    }

    /// What is still under way there is no longer ours to commit.
    pub fn forget(&mut self, at: &TopicPartition) {
        self.partitions.remove(at);
    }

    /// A record is handed over; offsets of a partition come in order.
    pub fn begin(&mut self, at: &TopicPartition, offset: u64) {
        if let Some(partition) = self.partitions.get_mut(at) {
            partition.under_way.push_back((offset, false));
        }
    }

    /// A record is accepted or set aside. Of partitions and offsets that aren't under way, nothing is remembered: a batch
    /// may well outlive the ownership it was read under.
    pub fn finish(&mut self, at: &TopicPartition, offset: u64) {
        let Some(partition) = self.partitions.get_mut(at) else {
            return;
        };
        let found = partition
            .under_way
            .binary_search_by_key(&offset, |(offset, _)| *offset);
        if let Ok(index) = found {
            partition.under_way[index].1 = true;
        }
        while let Some((offset, true)) = partition.under_way.front() {
            partition.next = Some(offset + 1);
            partition.under_way.pop_front();
        }
    }

    /// Nothing is under way there.
    pub fn is_settled(&self, at: &TopicPartition) -> bool {
        self.partitions
            .get(at)
            .is_none_or(|partition| partition.under_way.is_empty())
    }

    /// The positions that moved since the last call.
    pub fn take(&mut self) -> Vec<Position> {
        let moved = self.partitions.iter_mut().filter_map(|(at, partition)| {
            Some(Position {
                at: at.clone(),
                offset: partition.next.take()?,
                metadata: String::new(),
            })
        });
        moved.collect()
    }

    /// A position waits to be taken.
    pub fn has_moved(&self) -> bool {
        self.partitions.values().any(|p| p.next.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: u32) -> TopicPartition {
        TopicPartition::new("t", partition)
    }

    fn taken(progress: &mut Progress) -> Vec<(u32, u64)> {
        let mut positions: Vec<_> = progress
            .take()
            .into_iter()
            .map(|position| (position.at.partition, position.offset))
            .collect();
        positions.sort_unstable();
        positions
    }

    /// Begins offsets 10.. on one partition, finishes some in the given order, and says what could be committed after each.
    #[track_caller]
    fn check(begun: u64, finished: &[u64], expected: &[Option<u64>]) {
        let mut progress = Progress::default();
        progress.own(at(0));
        (10..10 + begun).for_each(|offset| progress.begin(&at(0), offset));
        let found: Vec<_> = finished
            .iter()
            .map(|offset| {
                progress.finish(&at(0), *offset);
                taken(&mut progress).first().map(|(_, offset)| *offset)
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(progress.is_settled(&at(0)), finished.len() as u64 == begun);
    }

    #[test]
    fn positions_move_only_over_what_is_done() {
        check(3, &[10, 11, 12], &[Some(11), Some(12), Some(13)]);
        check(3, &[12, 11, 10], &[None, None, Some(13)]);
        check(4, &[11, 10, 13], &[None, Some(12), None]);
        check(2, &[11], &[None]);
    }

    #[test]
    fn gaps_between_offsets_are_passed() {
        let mut progress = Progress::default();
        progress.own(at(0));
        for offset in [3, 7, 20] {
            progress.begin(&at(0), offset);
        }
        progress.finish(&at(0), 7);
        progress.finish(&at(0), 3);
        assert_eq!(taken(&mut progress), [(0, 8)]);
        progress.finish(&at(0), 20);
        assert!(progress.has_moved());
        assert_eq!(taken(&mut progress), [(0, 21)]);
        assert!(!progress.has_moved());
    }

    #[test]
    fn partitions_do_not_wait_for_each_other() {
        let mut progress = Progress::default();
        for partition in 0..2 {
            progress.own(at(partition));
            progress.begin(&at(partition), 0);
            progress.begin(&at(partition), 1);
        }
        progress.finish(&at(1), 0);
        progress.finish(&at(0), 1);
        assert_eq!(taken(&mut progress), [(1, 1)]);
    }

    #[test]
    fn what_was_lost_is_never_committed() {
        let mut progress = Progress::default();
        progress.own(at(0));
        progress.begin(&at(0), 5);
        progress.forget(&at(0));
        progress.finish(&at(0), 5);
        assert_eq!(taken(&mut progress), []);
        assert!(progress.is_settled(&at(0)));
    }

    #[test]
    fn a_batch_of_an_earlier_ownership_finishes_only_what_is_the_same_record() {
        let mut progress = Progress::default();
        progress.own(at(0));
        progress.begin(&at(0), 5);
        progress.own(at(0));
        progress.finish(&at(0), 5);
        assert_eq!(taken(&mut progress), [], "5 was not handed over again yet");
        progress.begin(&at(0), 5);
        progress.begin(&at(0), 6);
        progress.finish(&at(0), 5);
        assert_eq!(taken(&mut progress), [(0, 6)]);
    }
}
