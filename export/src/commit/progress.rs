//! In which order batches are accepted, and up to where a partition may be committed: never past a record that
//! is still in flight. Pure.
//!
//! Batches hold records of several partitions and finish in any order. A record is in flight from the moment it is handed over
//! for delivery until it was accepted, or acknowledged as a dead letter. What its items count for is given with the position that
//! passes it: they are counted when that position is committed.

use std::collections::{HashMap, VecDeque};
use std::ops::AddAssign;

use bus::{Position, Topic, TopicPartition};

/// Items of records that a position passes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Read for the backend.
    pub items: u64,
    /// Those of them that are in the dead letters.
    pub dead: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.dead += other.dead;
    }
}

/// A position to commit, and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    pub position: Position,
    /// Of the records since the last committed position.
    pub tally: Tally,
    /// Of which ownership of the partition it is.
    term: u64,
}

/// The records in flight, by partition.
#[derive(Debug, Default)]
pub struct Progress {
    partitions: HashMap<TopicPartition, Partition>,
    /// Ownerships so far.
    terms: u64,
}

#[derive(Debug, Default)]
struct Partition {
    term: u64,
    /// In the order of their offsets; the first is never done.
    unfinished: VecDeque<Unfinished>,
    /// The position to commit, when it has moved since [`Progress::take`].
    next: Option<u64>,
    /// Of the records below `next` that no committed position passes.
    passed: Tally,
    /// Items of records that no committed position passes.
    pending: u64,
}

#[derive(Debug)]
struct Unfinished {
    offset: u64,
    items: u64,
    /// What it counts for, once it is done.
    done: Option<Tally>,
}

impl Progress {
    /// Starts anew on a partition.
    pub fn own(&mut self, at: TopicPartition) {
        self.terms += 1;
        let term = self.terms;
        let fresh = Partition {
            term,
            ..Partition::default()
        };
        self.partitions.insert(at, fresh);
    }

    /// What is still in flight there is no longer ours to commit.
    pub fn forget(&mut self, at: &TopicPartition) {
        self.partitions.remove(at);
    }

    /// A record of so many items is handed over; offsets of a partition come in order.
    pub fn begin(&mut self, at: &TopicPartition, offset: u64, items: u64) {
        if let Some(partition) = self.partitions.get_mut(at) {
            partition.pending += items;
            partition.unfinished.push_back(Unfinished {
                offset,
                items,
                done: None,
            });
        }
    }

    /// A record is accepted, but for `dead` of its items, which are set aside. Of partitions and offsets that aren't in flight, nothing is
    /// remembered: a batch may well outlive the ownership it was read under.
    pub fn finish(&mut self, at: &TopicPartition, offset: u64, dead: u64) {
        let Some(partition) = self.partitions.get_mut(at) else {
            return;
        };
        let found = partition
            .unfinished
            .binary_search_by_key(&offset, |record| record.offset);
        if let Ok(index) = found {
            let record = &mut partition.unfinished[index];
            let items = record.items;
            record.done = Some(Tally { items, dead });
        }
        while let Some(Unfinished {
            offset,
            done: Some(tally),
            ..
        }) = partition.unfinished.front()
        {
            partition.next = Some(offset + 1);
            partition.passed += *tally;
            partition.unfinished.pop_front();
        }
    }

    /// Nothing is in flight there.
    pub fn is_settled(&self, at: &TopicPartition) -> bool {
        self.partitions
            .get(at)
            .is_none_or(|partition| partition.unfinished.is_empty())
    }

    /// The positions that moved since the last call: to be committed, then given to [`Progress::committed`] or [`Progress::refused`].
    pub fn take(&mut self) -> Vec<Moved> {
        let moved = self.partitions.iter_mut().filter_map(|(at, partition)| {
            let position = Position {
                at: at.clone(),
                offset: partition.next.take()?,
                metadata: String::new(),
            };
            Some(Moved {
                position,
                tally: std::mem::take(&mut partition.passed),
                term: partition.term,
            })
        });
        moved.collect()
    }

    /// These positions were committed.
    pub fn committed(&mut self, moved: &[Moved]) {
        for Moved {
            position,
            tally,
            term,
        } in moved
        {
            if let Some(partition) = self.of_term(&position.at, *term) {
                partition.pending = partition.pending.saturating_sub(tally.items);
            }
        }
    }

    /// These positions were not committed. Those of partitions that are still owned are to be committed again.
    pub fn refused(&mut self, moved: Vec<Moved>) {
        for Moved {
            position,
            tally,
            term,
        } in moved
        {
            if let Some(partition) = self.of_term(&position.at, term) {
                partition.passed += tally;
                partition.next.get_or_insert(position.offset);
            }
        }
    }

    fn of_term(&mut self, at: &TopicPartition, term: u64) -> Option<&mut Partition> {
        let partition = self.partitions.get_mut(at)?;
        (partition.term == term).then_some(partition)
    }

    /// Items that are in flight, or done and not yet committed, of a topic's owned partitions.
    pub fn pending(&self, topic: &Topic) -> u64 {
        let partitions = self.partitions.iter();
        let of_topic = partitions.filter(|(at, _)| at.topic == *topic);
        of_topic.map(|(_, partition)| partition.pending).sum()
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
            .map(|moved| (moved.position.at.partition, moved.position.offset))
            .collect();
        positions.sort_unstable();
        positions
    }

    /// Begins offsets 10.. on one partition, finishes some in the given order, and says what could be committed after each.
    #[track_caller]
    fn check(begun: u64, finished: &[u64], expected: &[Option<u64>]) {
        let mut progress = Progress::default();
        progress.own(at(0));
        (10..10 + begun).for_each(|offset| progress.begin(&at(0), offset, 1));
        let found: Vec<_> = finished
            .iter()
            .map(|offset| {
                progress.finish(&at(0), *offset, 0);
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
            progress.begin(&at(0), offset, 1);
        }
        progress.finish(&at(0), 7, 0);
        progress.finish(&at(0), 3, 0);
        assert_eq!(taken(&mut progress), [(0, 8)]);
        progress.finish(&at(0), 20, 0);
        assert!(progress.has_moved());
        assert_eq!(taken(&mut progress), [(0, 21)]);
        assert!(!progress.has_moved());
    }

    #[test]
    fn partitions_do_not_wait_for_each_other() {
        let mut progress = Progress::default();
        for partition in 0..2 {
            progress.own(at(partition));
            progress.begin(&at(partition), 0, 1);
            progress.begin(&at(partition), 1, 1);
        }
        progress.finish(&at(1), 0, 0);
        progress.finish(&at(0), 1, 0);
        assert_eq!(taken(&mut progress), [(1, 1)]);
    }

    #[test]
    fn what_was_lost_is_never_committed() {
        let mut progress = Progress::default();
        progress.own(at(0));
        progress.begin(&at(0), 5, 1);
        progress.forget(&at(0));
        progress.finish(&at(0), 5, 0);
        assert_eq!(taken(&mut progress), []);
        assert!(progress.is_settled(&at(0)));
    }

    #[test]
    fn a_batch_of_an_earlier_ownership_finishes_only_what_is_the_same_record() {
        let mut progress = Progress::default();
        progress.own(at(0));
        progress.begin(&at(0), 5, 1);
        progress.own(at(0));
        progress.finish(&at(0), 5, 0);
        assert_eq!(taken(&mut progress), [], "5 was not handed over again yet");
        progress.begin(&at(0), 5, 1);
        progress.begin(&at(0), 6, 1);
        progress.finish(&at(0), 5, 0);
        assert_eq!(taken(&mut progress), [(0, 6)]);
    }

    /// Records of 10 items each, of which the second has 3 in the dead letters.
    fn three_done() -> Progress {
        let mut progress = Progress::default();
        progress.own(at(0));
        (0..3).for_each(|offset| progress.begin(&at(0), offset, 10));
        progress.finish(&at(0), 1, 3);
        progress.finish(&at(0), 0, 0);
        progress
    }

    #[test]
    fn items_count_with_the_position_that_passes_them() {
        let mut progress = three_done();
        assert_eq!(progress.pending(&"t".into()), 30);
        let moved = progress.take();
        let tally = Tally { items: 20, dead: 3 };
        assert_eq!((moved.len(), moved[0].tally), (1, tally));
        assert_eq!(progress.pending(&"t".into()), 30, "not committed yet");
        progress.committed(&moved);
        assert_eq!(progress.pending(&"t".into()), 10);
        progress.finish(&at(0), 2, 0);
        assert_eq!(progress.take()[0].tally, Tally { items: 10, dead: 0 });
    }

    #[test]
    fn what_was_refused_counts_with_a_later_commit_and_once() {
        let mut progress = three_done();
        let refused = progress.take();
        progress.finish(&at(0), 2, 0);
        progress.refused(refused);
        let moved = progress.take();
        assert_eq!(moved[0].position.offset, 3);
        assert_eq!(moved[0].tally, Tally { items: 30, dead: 3 });
        progress.committed(&moved);
        assert_eq!(progress.pending(&"t".into()), 0);
    }

    #[test]
    fn what_was_refused_is_committed_again_if_the_partition_is_still_owned() {
        let mut progress = three_done();
        let moved = progress.take();
        progress.refused(moved.clone());
        assert_eq!(progress.take(), moved);
        progress.own(at(0));
        progress.refused(moved);
        assert_eq!(
            progress.take(),
            [],
            "its records are read and counted again"
        );
        assert_eq!(progress.pending(&"t".into()), 0);
    }
}
