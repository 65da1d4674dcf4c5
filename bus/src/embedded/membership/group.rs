//! One consumer group as a state machine: who owns which partition, and how it changes hands.
//!
//! Pure: no clock, no I/O, no threads. Joins, leaves, releases and commits go in; what a member has to do next comes out
//! ([`Group::step`]), and whether others have to look as well ([`Group::take_changed`]).
//!
//! Members are sorted by age, and each topic is dealt out to them in ranges, so topics with equal partition counts give
//! the same numbers to the same member. A partition that is to move stays with its owner until that has given it up, or
//! until the deadline has passed: then the owner is fenced. It is granted anew only when no commit of the old owner is
//! being written.
//!
//! A member acts outside of the lock, so the group may be dealt out anew while it gives partitions up. What a member has
//! let go is nobody's, even if it is to be its own again by then: it is granted, and thereby read, anew.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::{Topic, TopicPartition};

pub(in crate::embedded) type MemberId = u64;

#[derive(Debug, Default)]
pub(in crate::embedded) struct Group {
    /// Ordered by id, which is by age.
    members: BTreeMap<MemberId, Membership>,
    partitions: BTreeMap<TopicPartition, Ownership>,
    changed: bool,
}

#[derive(Debug)]
struct Membership {
    topics: Vec<(Topic, u32)>,
    revoke_timeout: Duration,
    /// Taken away without asking, and not told yet.
    lost: Vec<TopicPartition>,
}

#[derive(Debug, Default)]
struct Ownership {
    owner: Option<MemberId>,
    target: Option<MemberId>,
    revoke_by: Option<Instant>,
    /// Commits that passed the check and are being written.
    in_flight: u32,
}

/// What a member has to do next. At most one of the lists is filled: they are to be done in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::embedded) struct Step {
    pub lost: Vec<TopicPartition>,
    pub revoked: Vec<TopicPartition>,
    pub granted: Vec<TopicPartition>,
    /// When to look again even if nobody wakes us: the deadline of somebody who holds what is ours.
    pub look_again: Option<Instant>,
}

impl Group {
    /// `member` is greater than any before it.
    pub(in crate::embedded) fn join(
        &mut self,
        member: MemberId,
        topics: Vec<(Topic, u32)>,
        revoke_timeout: Duration,
        now: Instant,
    ) {
        let membership = Membership {
            topics,
            revoke_timeout,
            lost: Vec::new(),
        };
        self.members.insert(member, membership);
        self.deal(now);
    }

    /// The member reads nothing any more, however it ended.
    pub(in crate::embedded) fn leave(&mut self, member: MemberId, now: Instant) {
        if self.members.remove(&member).is_none() {
            return;
        }
        for ownership in self.partitions.values_mut() {
            if ownership.owner == Some(member) {
                ownership.owner = None;
            }
        }
        self.deal(now);
    }

    /// What the member has to do next. It does so at once, and calls [`Group::release`] for what was revoked.
    pub(in crate::embedded) fn step(&mut self, id: MemberId, now: Instant) -> Step {
        self.fence_late(now);
        let mut step = Step::default();
        let Some(member) = self.members.get_mut(&id) else {
            return step;
        };
        step.lost = std::mem::take(&mut member.lost);
        if !step.lost.is_empty() {
            return step;
        }
        let mine = |ownership: &Ownership| ownership.owner == Some(id);
        step.revoked = self
            .partitions
            .iter()
            .filter(|(_, ownership)| mine(ownership) && ownership.target != Some(id))
            .map(|(at, _)| at.clone())
            .collect();
        if !step.revoked.is_empty() {
            return step;
        }
        for (at, ownership) in &mut self.partitions {
            if ownership.target != Some(id) || mine(ownership) {
                continue;
            }
            if ownership.owner.is_none() && ownership.in_flight == 0 {
                ownership.owner = Some(id);
                step.granted.push(at.clone());
            } else if let Some(deadline) = ownership.revoke_by {
                let earliest = step.look_again.map_or(deadline, |at| at.min(deadline));
                step.look_again = Some(earliest);
            }
        }
        step
    }

    /// The member doesn't read these any more, and knows it.
    pub(in crate::embedded) fn release(&mut self, id: MemberId, partitions: &[TopicPartition]) {
        for at in partitions {
            if let Some(ownership) = self.partitions.get_mut(at)
                && ownership.owner == Some(id)
            {
                ownership.owner = None;
                ownership.revoke_by = None;
                self.changed = true;
            }
        }
        // Fenced while it gave them up: nothing is left to tell.
        if let Some(member) = self.members.get_mut(&id) {
            member.lost.retain(|at| !partitions.contains(at));
        }
    }

    /// Checks that a member owns what it wants to commit, and holds it until [`Group::end_commit`].
    ///
    /// # Errors
    /// Why not. The member then loses everything, and gets anew what it is still entitled to.
    pub(in crate::embedded) fn begin_commit(
        &mut self,
        id: MemberId,
        partitions: &[&TopicPartition],
    ) -> Result<(), String> {
        let Some(membership) = self.members.get(&id) else {
            return Err("the member left".to_owned());
        };
        let owned = |at: &TopicPartition| {
            let ownership = self.partitions.get(at);
            ownership.is_some_and(|ownership| ownership.owner == Some(id))
        };
        let foreign: Vec<_> = partitions
            .iter()
            .filter(|at| !owned(at))
            .map(|at| at.to_string())
            .collect();
        if foreign.is_empty() && membership.lost.is_empty() {
            for at in partitions {
                if let Some(ownership) = self.partitions.get_mut(at) {
                    ownership.in_flight += 1;
                }
            }
            return Ok(());
        }
        self.fence(id);
        Err(if foreign.is_empty() {
            "the member lost partitions meanwhile".to_owned()
        } else {
            format!("the member doesn't own {}", foreign.join(", "))
        })
    }

    pub(in crate::embedded) fn end_commit(&mut self, partitions: &[&TopicPartition]) {
        for at in partitions {
            if let Some(ownership) = self.partitions.get_mut(at) {
                ownership.in_flight = ownership.in_flight.saturating_sub(1);
                self.changed |= ownership.owner.is_none();
            }
        }
    }

    /// Whether members may have something to do since the last call.
    pub(in crate::embedded) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Nobody is left, and no commit is being written.
    pub(in crate::embedded) fn is_over(&self) -> bool {
        let idle = |ownership: &Ownership| ownership.in_flight == 0;
        self.members.is_empty() && self.partitions.values().all(idle)
    }

    /// Deals the partitions out anew; those that have to move get a deadline.
    fn deal(&mut self, now: Instant) {
        for ownership in self.partitions.values_mut() {
            ownership.target = None;
        }
        let mut topics: BTreeMap<Topic, (u32, Vec<MemberId>)> = BTreeMap::new();
        for (id, member) in &self.members {
            for (topic, partitions) in &member.topics {
                let (_, members) = topics.entry(topic.clone()).or_insert((*partitions, vec![]));
                members.push(*id);
            }
        }
        for (topic, (partitions, members)) in topics {
            for partition in 0..partitions {
                let range = range_owner(partition, partitions, members.len() as u32);
                let at = TopicPartition::new(topic.clone(), partition);
                self.partitions.entry(at).or_default().target = Some(members[range as usize]);
            }
        }
        for ownership in self.partitions.values_mut() {
            ownership.revoke_by = match ownership.owner {
                Some(owner) if ownership.target != Some(owner) => {
                    let timeout = self
                        .members
                        .get(&owner)
                        .map_or(Duration::ZERO, |member| member.revoke_timeout);
                    Some(ownership.revoke_by.unwrap_or(now + timeout))
                }
                _ => None,
            };
        }
        self.partitions.retain(|_, ownership| {
            ownership.owner.is_some() || ownership.target.is_some() || ownership.in_flight > 0
        });
        self.changed = true;
    }

    fn fence_late(&mut self, now: Instant) {
        for (at, ownership) in &mut self.partitions {
            if ownership.revoke_by.is_some_and(|deadline| deadline <= now) {
                if let Some(member) = ownership
                    .owner
                    .and_then(|owner| self.members.get_mut(&owner))
                {
                    member.lost.push(at.clone());
                }
                ownership.owner = None;
                ownership.revoke_by = None;
                self.changed = true;
            }
        }
    }

    /// Takes everything from a member at once.
    fn fence(&mut self, id: MemberId) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        for (at, ownership) in &mut self.partitions {
            if ownership.owner == Some(id) {
                ownership.owner = None;
                ownership.revoke_by = None;
                member.lost.push(at.clone());
            }
        }
        self.changed = true;
    }
}

/// Which of `members` gets a partition: contiguous ranges, the first ones one larger where it doesn't divide.
fn range_owner(partition: u32, partitions: u32, members: u32) -> u32 {
    let (each, larger) = (partitions / members, partitions % members);
    if partition < larger * (each + 1) {
        partition / (each + 1)
    } else {
        larger + (partition - larger * (each + 1)) / each
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
