//! In which order batches are accepted, and up to where a partition may be committed: never past a record that
//! is still in flight. Pure.
//!
//! Batches hold records of several partitions, begin in nearly any order (a backend may get them tenant by tenant) and finish in any. So
//! a record counts from the moment it is read. It is in flight from the moment it is handed over for delivery until it was accepted, or acknowledged as a dead letter. What its items count for is given with the position that
//! passes it: they are counted when that position is committed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::AddAssign;

use bus::{Position, Topic, TopicPartition};
use stage::TenantLabel;

use super::intent::Intent;
use crate::records::output::{self, Output};
use crate::records::skipped::Skipped;

/// Items of records that a position passes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Read for the backend.
    pub items: u64,
    /// Those of them that are in the dead letters.
    pub dead: u64,
    /// Those of them that aren't for this backend.
    pub skipped: Skipped,
}

impl Tally {
    /// Those that the backend has.
    pub fn delivered(&self) -> u64 {
        self.items.saturating_sub(self.dead + self.skipped.total())
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.dead += other.dead;
        self.skipped += other.skipped;
    }
}

/// Counts by the label of the tenant.
pub type ByTenant = BTreeMap<TenantLabel, Tally>;

/// A position to commit, and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    pub position: Position,
    /// Of the records since the last committed position.
    pub tally: Tally,
    /// The same by tenant.
    pub by_tenant: ByTenant,
    /// The batch that may be sent once this is committed.
    pub intent: Option<Intent>,
    /// What the bus gets of those records, in the same epoch.
    pub output: Output,
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
    passed_by_tenant: ByTenant,
    /// What the bus gets of them.
    passed_output: Output,
    /// Of all output that isn't committed, in memory.
    output_bytes: usize,
    /// Items of records that no committed position passes.
    pending: u64,
    intended: Option<Intended>,
}

/// A batch that the position passes as a whole: a part of it would be made anew as another batch.
#[derive(Debug)]
struct Intended {
    intent: Intent,
    /// Its records that aren't done.
    left: usize,
    /// Nobody has taken it to be committed.
    is_new: bool,
}

#[derive(Debug)]
struct Unfinished {
    offset: u64,
    items: u64,
    tenant: TenantLabel,
    /// It is in flight, or done; else it waits.
    begun: bool,
    /// What it counts for, once it is done.
    done: Option<Tally>,
    /// What the bus gets of it.
    output: Output,
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

    /// Reading begins at this offset, which is to be committed before anything is read.
    pub fn start(&mut self, at: &TopicPartition, offset: u64) {
        if let Some(partition) = self.partitions.get_mut(at) {
            partition.next = Some(offset);
        }
    }

    /// What is still in flight there is no longer ours to commit.
    pub fn forget(&mut self, at: &TopicPartition) {
        self.partitions.remove(at);
    }

    /// A record of so many items is read, and waits; offsets of a partition come in order. No position passes it before it is done.
    pub fn read(&mut self, at: &TopicPartition, offset: u64, items: u64, tenant: TenantLabel) {
        if let Some(partition) = self.partitions.get_mut(at) {
            partition.unfinished.push_back(Unfinished {
                offset,
                items,
                tenant,
                begun: false,
                done: None,
                output: Output::new(),
            });
        }
    }

    /// A record that was read is handed over.
    pub fn begin(&mut self, at: &TopicPartition, offset: u64) {
        let Some(partition) = self.partitions.get_mut(at) else {
            return;
        };
        if let Some(record) = partition.unfinished(offset) {
            record.begun = true;
            let items = record.items;
            partition.pending += items;
        }
    }

    /// All that is in flight of a partition is one batch, which may be sent once its range is committed, and which the position passes as a
    /// whole. False: the partition is no longer owned.
    pub fn intend(&mut self, at: &TopicPartition, intent: Intent) -> bool {
        let Some(partition) = self.partitions.get_mut(at) else {
            return false;
        };
        let records = partition.unfinished.iter();
        let of_it = records.take_while(|record| record.offset <= intent.last);
        let left = of_it.filter(|record| record.done.is_none()).count();
        partition.intended = Some(Intended {
            intent,
            left,
            is_new: true,
        });
        true
    }

    /// A record that was read isn't for this backend.
    pub fn skip(&mut self, at: &TopicPartition, offset: u64, skipped: Skipped) {
        let Some(partition) = self.partitions.get_mut(at) else {
            return;
        };
        if let Some(record) = partition.unfinished(offset) {
            record.begun = true;
            let items = record.items;
            record.done = Some(Tally {
                items,
                skipped,
                dead: 0,
            });
            partition.pending += items;
            partition.pass();
        }
    }

    /// A record is accepted, but for `dead` of its items, which are set aside, and those that were skipped. Of partitions and offsets that aren't in flight, nothing is
    /// remembered: a batch may well outlive the ownership it was read under.
    pub fn finish(
        &mut self,
        at: &TopicPartition,
        offset: u64,
        dead: u64,
        skipped: Skipped,
        output: Output,
    ) {
        let Some(partition) = self.partitions.get_mut(at) else {
            return;
        };
        if let Some(record) = partition.unfinished(offset) {
            let items = record.items;
            record.done = Some(Tally {
                items,
                dead,
                skipped,
            });
            // One that outlived its ownership may have come first.
            let more = output::bytes(&output);
            let before = std::mem::replace(&mut record.output, output);
            partition.output_bytes += more;
            partition.output_bytes -= output::bytes(&before);
            partition.finished(offset);
            partition.pass();
        }
    }

    /// Nothing is in flight there.
    pub fn is_settled(&self, at: &TopicPartition) -> bool {
        self.partitions.get(at).is_none_or(Partition::is_settled)
    }

    /// The positions that moved since the last call: to be committed, then given to [`Progress::committed`] or [`Progress::refused`].
    pub fn take(&mut self) -> Vec<Moved> {
        let moved = self.partitions.iter_mut().filter_map(|(at, partition)| {
            let (offset, intent) = partition.take_position()?;
            let intended = partition.intended.as_ref();
            let metadata = intended.map_or_else(String::new, |one| one.intent.written());
            Some(Moved {
                position: Position {
                    at: at.clone(),
                    offset,
                    metadata,
                },
                intent,
                tally: std::mem::take(&mut partition.passed),
                by_tenant: std::mem::take(&mut partition.passed_by_tenant),
                output: std::mem::take(&mut partition.passed_output),
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
            output,
            term,
            ..
        } in moved
        {
            if let Some(partition) = self.of_term(&position.at, *term) {
                partition.pending = partition.pending.saturating_sub(tally.items);
                partition.output_bytes -= output::bytes(output);
            }
        }
    }

    /// These positions were not committed. Those of partitions that are still owned are to be committed again.
    pub fn refused(&mut self, moved: Vec<Moved>) {
        for Moved {
            position,
            tally,
            by_tenant,
            intent,
            mut output,
            term,
        } in moved
        {
            if let Some(partition) = self.of_term(&position.at, term) {
                if let Some(intended) = partition.intended.as_mut().filter(|_| intent.is_some()) {
                    intended.is_new = true;
                }
                partition.passed += tally;
                // In the order of the log.
                output.append(&mut partition.passed_output);
                partition.passed_output = output;
                for (tenant, tally) in by_tenant {
                    *partition.passed_by_tenant.entry(tenant).or_default() += tally;
                }
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

    /// What waits to be committed with positions, in bytes of memory.
    pub fn output_bytes(&self) -> usize {
        let partitions = self.partitions.values();
        partitions.map(|partition| partition.output_bytes).sum()
    }

    /// A position waits to be taken.
    pub fn has_moved(&self) -> bool {
        self.partitions.values().any(Partition::has_moved)
    }
}

impl Partition {
    fn unfinished(&mut self, offset: u64) -> Option<&mut Unfinished> {
        let found = (self.unfinished).binary_search_by_key(&offset, |record| record.offset);
        found.ok().map(|index| &mut self.unfinished[index])
    }

    fn has_moved(&self) -> bool {
        self.next.is_some()
            || self
                .intended
                .as_ref()
                .is_some_and(|intended| intended.is_new)
    }

    /// The position to commit, and what it says of a new batch. The position may be that of the last commit.
    fn take_position(&mut self) -> Option<(u64, Option<Intent>)> {
        let intended = self.intended.as_mut().filter(|intended| intended.is_new);
        let intent = intended.map(|intended| {
            intended.is_new = false;
            intended.intent
        });
        let first = self.unfinished.front().map(|record| record.offset);
        match (self.next.take(), intent) {
            (Some(next), intent) => Some((next, intent)),
            (None, Some(intent)) => Some((first?, Some(intent))),
            (None, None) => None,
        }
    }

    /// The record at this offset is done.
    fn finished(&mut self, offset: u64) {
        let intended = self.intended.as_mut();
        if let Some(intended) = intended.filter(|intended| offset <= intended.intent.last) {
            intended.left = intended.left.saturating_sub(1);
        }
        if self
            .intended
            .as_ref()
            .is_some_and(|intended| intended.left == 0)
        {
            self.intended = None;
        }
    }

    /// Moves the position past what is done, but not into a batch of which something is left.
    fn pass(&mut self) {
        let held_from = self.unfinished.front().map(|record| record.offset);
        let intended = self.intended.as_ref();
        if intended.is_some_and(|one| held_from.is_some_and(|first| first <= one.intent.last)) {
            return;
        }
        while let Some(Unfinished {
            offset,
            done: Some(tally),
            tenant,
            output,
            ..
        }) = self.unfinished.front_mut()
        {
            self.passed_output.append(output);
            self.next = Some(*offset + 1);
            self.passed += *tally;
            *self.passed_by_tenant.entry(tenant.clone()).or_default() += *tally;
            self.unfinished.pop_front();
        }
    }

    /// What waits isn't in flight.
    fn is_settled(&self) -> bool {
        let mut begun = self.unfinished.iter().filter(|record| record.begun);
        begun.all(|record| record.done.is_some())
    }
}

#[cfg(test)]
mod tests;
